import Content
import Model
import Reference
import Testing

/// Acceptance test A11, the choice: which entry of an index is taken.
@Suite struct PlatformTests {
  @Test(
    arguments: [
      ("linux/amd64", "linux/amd64"), ("linux/x86_64", "linux/amd64"), ("x86-64", "linux/amd64"),
      ("linux/amd64/v1", "linux/amd64"), ("linux/amd64/v3", "linux/amd64/v3"), ("linux/i386", "linux/386"),
      ("aarch64", "linux/arm64"), ("linux/arm64/v8", "linux/arm64"), ("linux/arm64/8", "linux/arm64"),
      ("linux/arm64/v8.0", "linux/arm64"), ("linux/arm64/v8.2", "linux/arm64/v8.2"),
      ("armhf", "linux/arm/v7"),
      ("armel", "linux/arm/v6"), ("linux/arm", "linux/arm/v7"), ("linux/arm/6", "linux/arm/v6"),
      ("arm32v6", "linux/arm/v6"), ("arm64v8", "linux/arm64"), ("Linux/ARM64", "linux/arm64"),
      ("ppc64le", "linux/ppc64le"), ("s390x", "linux/s390x"),
    ])
  func `names of one thing become one`(text: String, normal: String) throws {
    let platform = try Platform(parsing: text)
    #expect(platform.text == normal)
    #expect(platform.machine != nil)
  }

  @Test(
    arguments: [
      ("", ReferenceFault.platform("")), ("linux/", .platform("linux/")), ("a/b/c/d", .platform("a/b/c/d")),
      ("linux/a b", .platform("linux/a b")), ("windows/amd64", .operatingSystem("windows")),
      ("linux/vax", .architecture("vax")), ("linux", .architecture("linux")),
    ])
  func `refuses`(text: String, fault: ReferenceFault) {
    #expect(throws: fault) { try Platform(parsing: text) }
  }

  @Test func `architectures of SIF files come and go`() {
    for architecture in Architecture.allCases {
      #expect(Platform(architecture).machine == architecture)
    }
    #expect(Platform.host(amd64Level: 3).machine == .host)
  }

  static func entries(_ platforms: String) -> [ContentDescriptor] {
    platforms.split(separator: " ").map { platform in
      let parts = platform.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
      let isIndex = parts[0] == "index"
      let isSignature = parts[0] == "signature"
      let isImage = parts[0] == "image"
      let isNamed = !isIndex && !isImage
      return ContentDescriptor(
        mediaType: isIndex
          ? "application/vnd.oci.image.index.v1+json" : "application/vnd.oci.image.manifest.v1+json",
        digest: .of([]), size: 1,
        annotations: isSignature ? [("vnd.docker.reference.type", "attestation-manifest")] : [],
        operatingSystem: isNamed ? (isSignature ? "linux" : parts[0]) : "",
        architecture: isNamed ? parts[1] : "", variant: parts.count > 2 ? parts[2] : "")
    }
  }

  static let arms = "linux/arm/v5 linux/arm/v6 linux/arm/v7 linux/arm64/v8 linux/amd64"
  static let levels = "linux/amd64/v3 linux/amd64/v2 linux/amd64/v4 linux/amd64"

  static let choices: [(String, Int, String, Int?)] = [
    ("linux/arm/v7", 1, arms, 2), ("linux/arm/v6", 1, arms, 1), ("linux/arm/v5", 1, arms, 0),
    ("linux/arm", 1, arms, 2), ("linux/arm/v8", 1, arms, 2), ("linux/arm64", 1, arms, 3),
    ("linux/amd64", 1, arms, 4), ("linux/s390x", 1, arms, nil),
    ("linux/arm/v6", 1, "linux/arm/v7 linux/arm", 1), ("linux/arm/v5", 1, "linux/arm/v6 linux/arm/v7", nil),
    ("linux/arm/v7", 1, "linux/arm linux/arm/v5", 1),
    // No variant asked: the plain image, then the best level that the processor has.
    ("linux/amd64", 3, levels, 3), ("linux/amd64", 3, "linux/amd64/v2 linux/amd64/v3 linux/amd64/v4", 1),
    ("linux/amd64", 2, "linux/amd64/v3 linux/amd64/v2", 1), ("linux/amd64", 1, "linux/amd64/v2", nil),
    ("linux/amd64", 1, "linux/amd64/v2 linux/amd64/v1", 1),
    // Asked: that one, whatever the processor.
    ("linux/amd64/v3", 1, levels, 0), ("linux/amd64/v4", 1, levels, 2),
    ("linux/amd64/v3", 1, "linux/amd64/v2 linux/amd64", 1), ("linux/amd64/v2", 3, "linux/amd64/v3", nil),
    ("linux/arm64", 1, "linux/arm64/v9 linux/arm64", 1), ("linux/arm64", 1, "linux/arm64/v8.2", nil),
    ("linux/arm64/v8.2", 1, "linux/arm64 linux/arm64/v8.1 linux/arm64/v8.3", 1),
    ("linux/arm64/v9.1", 1, "linux/arm64 linux/arm64/v8.6 linux/arm64/v9", 2),
    ("linux/arm64/v9", 1, "linux/arm64/v8.6 linux/arm64/v8.5", 1),
    ("linux/amd64", 1, "unknown/unknown signature/amd64 linux/amd64", 2),
    ("linux/amd64", 1, "unknown/unknown signature/amd64", nil),
    ("linux/amd64", 1, "windows/amd64 linux/x86_64", 1), ("linux/amd64", 1, "/amd64", 0),
    ("linux/amd64", 1, "linux/amd64 linux/amd64", 0),
    // Nested indexes come last; manifests without a platform only where none has one.
    ("linux/amd64", 1, "index linux/amd64", 1), ("linux/amd64", 1, "linux/arm64 index", 1),
    ("linux/amd64", 1, "image linux/arm64", nil), ("linux/amd64", 1, "image", 0),
    ("linux/amd64", 1, "image unknown/unknown index", 2), ("linux/amd64", 1, "", nil),
    ("linux/386", 1, "linux/amd64", nil), ("linux/ppc64le", 1, "linux/ppc64le", 0),
  ]

  @Test(arguments: choices)
  func `the best entry is taken`(asked: String, level: Int, index: String, position: Int?) throws {
    var platform = try Platform(parsing: asked)
    platform.amd64Level = level
    #expect(platform.best(of: Self.entries(index)) == position)
  }

  @Test func `what an index has is listed once, without statements about images`() {
    let index = "linux/amd64 linux/x86_64 unknown/unknown linux/arm/v7 signature/amd64 index"
    #expect(Platform.listed(in: Self.entries(index)) == ["linux/amd64", "linux/arm/v7"])
  }
}
