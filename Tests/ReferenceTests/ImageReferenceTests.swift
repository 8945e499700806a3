import Content
import Model
import Reference
import Testing

/// Acceptance test A1: the grammar of references.
@Suite struct ImageReferenceTests {
  static let sha256 = "sha256:" + String(repeating: "0123456789abcdef", count: 4)
  static let sha512 = "sha512:" + String(repeating: "0123456789abcdef", count: 8)
  static let id = String(repeating: "0123456789abcdef", count: 4)

  static let accepted: [(String, String)] = [
    ("alpine", "docker.io/library/alpine:latest"),
    ("alpine:3.20", "docker.io/library/alpine:3.20"),
    ("library/alpine", "docker.io/library/alpine:latest"),
    ("arm64/alpine", "docker.io/arm64/alpine:latest"),
    ("docker.io/alpine", "docker.io/library/alpine:latest"),
    ("index.docker.io/alpine:edge", "docker.io/library/alpine:edge"),
    ("docker.io/a/b/c", "docker.io/a/b/c:latest"),
    ("quay.io/a", "quay.io/a:latest"),
    ("quay.io/a/b:v1", "quay.io/a/b:v1"),
    ("localhost/a", "localhost/a:latest"),
    ("localhost:5000/a", "localhost:5000/a:latest"),
    ("localhost:5000", "docker.io/library/localhost:5000"),
    ("registry:5000/a/b", "registry:5000/a/b:latest"),
    ("registry/a/b", "docker.io/registry/a/b:latest"),
    ("Registry/a/b", "Registry/a/b:latest"),
    ("127.0.0.1:5000/a:1", "127.0.0.1:5000/a:1"),
    ("[::1]/a", "[::1]/a:latest"),
    ("[::1]:5000/a:b", "[::1]:5000/a:b"),
    ("[2001:db8::1]:65535/a@\(sha256)", "[2001:db8::1]:65535/a@\(sha256)"),
    ("alpine@\(sha256)", "docker.io/library/alpine@\(sha256)"),
    ("alpine:3@\(sha256)", "docker.io/library/alpine:3@\(sha256)"),
    ("quay.io/a@\(sha512)", "quay.io/a@\(sha512)"),
    ("a.b/c", "a.b/c:latest"),
    ("xn--n3h.example/a", "xn--n3h.example/a:latest"),
    ("a_b/c__d/e-f/g--h/i.j", "docker.io/a_b/c__d/e-f/g--h/i.j:latest"),
    ("a---b", "docker.io/library/a---b:latest"),
    ("0", "docker.io/library/0:latest"),
    ("a:_", "docker.io/library/a:_"),
    ("a:" + String(repeating: "x", count: 128), "docker.io/library/a:" + String(repeating: "x", count: 128)),
    ("a:V1.0-rc.1_2", "docker.io/library/a:V1.0-rc.1_2"),
    ("library/" + id, "docker.io/library/\(id):latest"),
    (id + ":1", "docker.io/library/\(id):1"),
    (
      "h.io/" + String(repeating: "a", count: 250),
      "h.io/" + String(repeating: "a", count: 250) + ":latest"
    ),
  ]

  @Test(arguments: accepted)
  func `a reference is read as its canonical form`(text: String, canonical: String) throws {
    let reference = try ImageReference(parsing: text)
    #expect(reference.text == canonical)
    #expect(try ImageReference(parsing: reference.text).text == canonical)
  }

  static let refused: [(String, ReferenceFault)] = [
    ("", .empty),
    (id, .identifier(id)),
    ("Alpine", .upperCase(component: "Alpine", of: "Alpine")),
    ("quay.io/A/b", .upperCase(component: "A", of: "quay.io/A/b")),
    ("/a", .emptyComponent(of: "/a")),
    ("a/", .emptyComponent(of: "a/")),
    ("a//b", .emptyComponent(of: "a//b")),
    ("quay.io/", .emptyComponent(of: "quay.io/")),
    (":tag", .emptyComponent(of: ":tag")),
    ("@" + sha256, .emptyComponent(of: "@" + sha256)),
    ("../a", .part(.component, of: "../a", text: "..")),
    ("a/../b", .part(.component, of: "a/../b", text: "..")),
    ("a/./b", .part(.component, of: "a/./b", text: ".")),
    ("-a", .part(.component, of: "-a", text: "-a")),
    ("a-", .part(.component, of: "a-", text: "a-")),
    ("a..b", .part(.component, of: "a..b", text: "a..b")),
    ("a___b", .part(.component, of: "a___b", text: "a___b")),
    ("a._b", .part(.component, of: "a._b", text: "a._b")),
    ("a b", .part(.component, of: "a b", text: "a b")),
    ("é", .part(.component, of: "é", text: "é")),
    ("a\n", .part(.component, of: "a\n", text: "a\n")),
    ("[::1]", .part(.component, of: "[::1]", text: "[::1]")),
    ("a:", .part(.tag, of: "a:", text: "")),
    ("a:-x", .part(.tag, of: "a:-x", text: "-x")),
    ("a:b:c", .part(.tag, of: "a:b:c", text: "b:c")),
    (
      "a:" + String(repeating: "x", count: 129),
      .part(.tag, of: "a:" + String(repeating: "x", count: 129), text: String(repeating: "x", count: 129))
    ),
    ("a@", .part(.digest, of: "a@", text: "")),
    ("a@sha256:00", .part(.digest, of: "a@sha256:00", text: "sha256:00")),
    (
      "a@" + sha256.uppercased(),
      .part(.digest, of: "a@" + sha256.uppercased(), text: sha256.uppercased())
    ),
    ("a@\(sha256)@\(sha256)", .part(.digest, of: "a@\(sha256)@\(sha256)", text: "\(sha256)@\(sha256)")),
    ("a_b.c/d", .part(.registry, of: "a_b.c/d", text: "a_b.c")),
    ("h:0/a", .part(.registry, of: "h:0/a", text: "h:0")),
    ("h:65536/a", .part(.registry, of: "h:65536/a", text: "h:65536")),
    ("h:x/a", .part(.registry, of: "h:x/a", text: "h:x")),
    ("-h.io/a", .part(.registry, of: "-h.io/a", text: "-h.io")),
    ("h..io/a", .part(.registry, of: "h..io/a", text: "h..io")),
    ("[::1/a", .part(.registry, of: "[::1/a", text: "[::1")),
    ("[::g]/a", .part(.registry, of: "[::g]/a", text: "[::g]")),
    ("[::1]x/a", .part(.registry, of: "[::1]x/a", text: "[::1]x")),
    ("docker://a", .schemeWithin(of: "docker://a", scheme: "docker")),
    (
      "h.io/" + String(repeating: "a", count: 251),
      .longName(of: "h.io/" + String(repeating: "a", count: 251), count: 256)
    ),
  ]

  @Test(arguments: refused)
  func `refuses and names the part`(text: String, fault: ReferenceFault) {
    #expect(throws: fault) { try ImageReference(parsing: text) }
    #expect(!fault.explanation.why.contains("\n"))
  }

  @Test func `the host of Docker Hub is not its name`() throws {
    #expect(try ImageReference(parsing: "alpine").host == "registry-1.docker.io")
    #expect(try ImageReference(parsing: "alpine").isDockerHub)
    #expect(try ImageReference(parsing: "quay.io:1/a").host == "quay.io:1")
  }

  @Test func `a digest counts before a tag, and a lone digest has no tag`() throws {
    let both = try ImageReference(parsing: "a:1@" + Self.sha256)
    #expect(both.selector == Self.sha256)
    #expect(both.effectiveTag == "1")
    let lone = try ImageReference(parsing: "a@" + Self.sha256)
    #expect(lone.effectiveTag == nil)
    #expect(try ImageReference(parsing: "a").selector == "latest")
  }

  @Test func `a token's scope has the whole repository`() throws {
    #expect(try ImageReference(parsing: "alpine").scope == "repository:library/alpine")
  }

  @Test func `keys of credentials go from the repository to the registry`() throws {
    #expect(
      try ImageReference(parsing: "h.io:1/a/b").credentialKeys.prefix(5) == [
        "h.io:1/a/b", "h.io:1/a", "h.io:1", "https://h.io:1", "https://h.io:1/",
      ])
    let keys = try ImageReference(parsing: "a").credentialKeys
    #expect(
      keys.prefix(4) == [
        "docker.io/library/a", "docker.io/library", "https://index.docker.io/v1/", "docker.io",
      ])
    #expect(keys.contains("index.docker.io") && keys.contains("registry-1.docker.io"))
    #expect(Set(keys).count == keys.count)
  }

  @Test(
    arguments: [
      ("docker://docker.io", "docker.io", "", "https://index.docker.io/v1/"),
      ("https://index.docker.io", "", "", ""),
      ("index.docker.io", "docker.io", "", "https://index.docker.io/v1/"),
      ("index.docker.io/v1/", "docker.io", "", "https://index.docker.io/v1/"),
      ("oras://h.io:5000/", "h.io:5000", "", "h.io:5000"), ("registry", "registry", "", "registry"),
      ("h.io/a/b", "h.io", "a/b", "h.io/a/b"), ("h.io/A", "", "", ""), ("", "", "", ""), ("a_b", "", "", ""),
    ])
  func `a registry is named with its scheme or without`(
    text: String, registry: String, namespace: String, key: String
  ) {
    let name = try? RegistryName(parsing: text)
    #expect(name?.registry ?? "" == registry)
    #expect(name?.namespace ?? "" == namespace)
    #expect(name?.key ?? "" == key)
  }
}
