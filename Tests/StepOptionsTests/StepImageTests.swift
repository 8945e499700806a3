import Model
import Testing

@testable import StepOptions

@Suite struct StepImageTests {
  static let there = [
    "/work/job/present", "/work/job/oci:odd", "/site/a/tools.sif", "/site/b/tools.sif", "/site/b/base",
    "/work/job/both.sif", "/site/a/both.sif", "/etc/passwd",
  ]

  static func resolve(_ text: String) throws(StepFault) -> StepImage {
    try StepImage.resolve(
      text, directory: "/work/job", imagePath: ["/site/a", "/site/b"], exists: there.contains)
  }

  @Test(
    arguments: [
      ("/x/y.sif", .path("/x/y.sif")), ("./rel", .path("/work/job/rel")),
      ("../up.sif", .path("/work/up.sif")),
      (".", .path("/work/job")), ("rel.sif", .path("/work/job/rel.sif")),
      ("sub/rel.sqsh", .path("/work/job/sub/rel.sqsh")), ("rel.squashfs", .path("/work/job/rel.squashfs")),
      ("present", .path("/work/job/present")),
      // The site's folders, in their order; what lies here comes first.
      ("tools", .path("/site/a/tools.sif")), ("tools.sif", .path("/site/a/tools.sif")),
      ("base", .path("/site/b/base")), ("both.sif", .path("/work/job/both.sif")),
      ("ubuntu:24.04", .reference("docker://ubuntu:24.04")), ("ubuntu", .reference("docker://ubuntu")),
      ("nvcr.io#nvidia/pytorch:24.01-py3", .reference("docker://nvcr.io/nvidia/pytorch:24.01-py3")),
      ("ann@nvcr.io#nvidia/cuda", .reference("docker://nvcr.io/nvidia/cuda")),
      ("$oauthtoken@nvcr.io#nvidia/cuda", .reference("docker://nvcr.io/nvidia/cuda")),
      ("localhost:5000#a/b:c", .reference("docker://localhost:5000/a/b:c")),
      ("docker://nvcr.io#nvidia/cuda:1", .reference("docker://nvcr.io/nvidia/cuda:1")),
      ("docker://a/b@sha256:00", .reference("docker://a/b@sha256:00")),
      ("dockerd://a:b", .reference("docker-daemon:a:b")),
      ("oras://h/a:b", .reference("oras://h/a:b")), ("library://a/b", .reference("library://a/b")),
      ("https://h/x.sif", .reference("https://h/x.sif")),
      ("docker-archive:x.tar", .reference("docker-archive:x.tar")),
      ("oci:dir:tag", .reference("oci:dir:tag")),
      ("oci:odd", .path("/work/job/oci:odd")),
    ] as [(String, StepImage)])
  func `what the name of an image means`(text: String, expected: StepImage) throws {
    #expect(try Self.resolve(text) == expected)
  }

  @Test(arguments: [
    "a b", "a\nb", "x\u{1B}", "a/../../etc/passwd", "nvcr.io#", "#image", "a/b#c", "docker://", "oras://",
    "docker://a b", String(repeating: "a", count: 4096),
  ])
  func `what is neither a file nor a name is refused`(text: String) {
    #expect {
      _ = try Self.resolve(text)
    } throws: { error in
      if case .imageName(text, "--container-image", _)? = error as? StepFault { true } else { false }
    }
  }

  @Test func `a name cannot lead out of the site's folders`() throws {
    let asked = Asked()
    _ = try? StepImage.resolve("x/../../../etc/shadow", directory: "/w", imagePath: ["/site"]) {
      asked.paths.append($0)
      return false
    }
    #expect(asked.paths == ["/etc/shadow"])
  }

  private final class Asked { var paths: [String] = [] }
}
