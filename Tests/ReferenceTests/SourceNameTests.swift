import Model
import Reference
import Testing

@Suite struct SourceNameTests {
  static let alpine = ImageReference(
    registry: "docker.io", repository: "library/alpine", tag: nil, digest: nil)
  static let tagged = ImageReference(
    registry: "docker.io", repository: "library/alpine", tag: "3", digest: nil)

  static let read: [(String, SourceName)] = [
    ("docker://alpine", .registry(alpine)), ("oras://alpine:3", .oras(tagged)),
    (
      "docker://arm64/alpine",
      .registry(ImageReference(registry: "docker.io", repository: "arm64/alpine", tag: nil, digest: nil))
    ),
    ("docker-archive:/a/b.tar", .dockerArchive(path: "/a/b.tar", selector: nil)),
    ("oci-archive:b.tar:x", .ociArchive(path: "b.tar:x", selector: nil)),
    ("oci:/a:b", .ociLayout(path: "/a:b", selector: nil)),
    ("docker-daemon:alpine:3", .dockerDaemon(tagged)), ("docker-daemon://alpine:3", .dockerDaemon(tagged)),
    ("http://h/a.sif", .web(url: "http://h/a.sif")), ("https://h/a?b", .web(url: "https://h/a?b")),
    ("library://a/b/c", .library(path: "a/b/c", tag: "latest")),
    ("library:///a/b/c:1", .library(path: "a/b/c", tag: "1")),
    ("library://h:80/a/b/c:sha256.0f", .library(path: "h:80/a/b/c", tag: "sha256.0f")),
    ("library://alpine", .library(path: "alpine", tag: "latest")), ("shub://a/b", .hub("a/b")),
    ("a.sif", .path("a.sif")), ("/a:b", .path("/a:b")), ("./docker:x", .path("./docker:x")),
    ("a:b", .path("a:b")), ("0x://a", .path("0x://a")), ("/a://b", .path("/a://b")),
  ]

  @Test(arguments: read)
  func `a source is known by its scheme`(text: String, source: SourceName) throws {
    #expect(try SourceName(parsing: text) == source)
  }

  static let refused: [(String, ReferenceFault)] = [
    ("", .empty), ("docker:alpine", .slashesMissing(scheme: "docker", rest: "alpine")),
    ("https:/h", .slashesMissing(scheme: "https", rest: "/h")),
    ("Docker://alpine", .schemeUnknown("Docker", of: "Docker://alpine")),
    ("ftp://h/a", .schemeUnknown("ftp", of: "ftp://h/a")), ("docker://", .nothingNamed(scheme: "docker://")),
    ("oci:", .nothingNamed(scheme: "oci:")), ("docker-daemon:alpine", .tagMissing(of: "alpine")),
    ("docker://A", .upperCase(component: "A", of: "A")), ("https:///a", .url("https:///a")),
    ("https://h/a b", .url("https://h/a b")),
    ("library://a/../b", .part(.component, of: "library://a/../b", text: "..")),
    ("library://a//b", .emptyComponent(of: "library://a//b")),
    ("library://a:", .part(.tag, of: "library://a:", text: "")),
  ]

  @Test(arguments: refused)
  func `refuses and says how it is written`(text: String, fault: ReferenceFault) {
    #expect(throws: fault) { try SourceName(parsing: text) }
    #expect(!fault.explanation.remedy.isEmpty)
  }

  static let digest = "sha256:" + String(repeating: "a", count: 64)

  @Test func `the longest path is tried first`() throws {
    func candidates(_ text: String) throws -> [String] {
      try SourceName(parsing: text).candidates.map { "\($0.path)|\($0.selector ?? "-")" }
    }
    #expect(
      try candidates("docker-archive:/a:b:c:1") == [
        "/a:b:c:1|-", "/a:b:c|1", "/a:b|c:1", "/a|b:c:1",
      ])
    #expect(try candidates("docker-archive:a.tar:@1") == ["a.tar:@1|-", "a.tar|@1"])
    #expect(try candidates("oci:d:") == ["d:|-", "d|-"])
    #expect(
      try candidates("oci:d@" + Self.digest) == [
        "d@\(Self.digest)|-", "d@sha256|\(Self.digest.dropFirst(7))", "d|@\(Self.digest)",
      ])
    #expect(try candidates("docker://a").isEmpty)
  }

  @Test(
    arguments: [
      (["/a"], "/a", "b:c"), (["/a", "/a:b"], "/a:b", "c"), (["/a", "/a:b:c"], "/a:b:c", nil),
      ([], "/a:b:c", nil),
    ] as [([String], String, String?)])
  func `the path that exists decides`(existing: [String], path: String, selector: String?) throws {
    let source = try SourceName(parsing: "oci-archive:/a:b:c").resolved { existing.contains($0) }
    #expect(source == .ociArchive(path: path, selector: selector))
  }
}
