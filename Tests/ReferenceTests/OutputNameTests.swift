import Reference
import Testing

@Suite struct OutputNameTests {
  static let digest = "sha256:" + String(repeating: "0123456789abcdef", count: 4)

  @Test(
    arguments: [
      ("docker://alpine", "alpine_latest.sif"), ("docker://quay.io/a/lolcow:1.0", "lolcow_1.0.sif"),
      ("oras://h:1/a/b:c", "b_c.sif"), ("docker://a/b@\(digest)", "b_sha256-0123456789ab.sif"),
      ("oras://h.io/a/b@\(digest)", "b_sha256-0123456789ab.sif"), ("docker://a:1@\(digest)", "a_1.sif"),
      ("docker-daemon:a/b:c", "b_c.sif"), ("library://a/b/c:d", "c_d.sif"), ("library://c", "c_latest.sif"),
      ("shub://a/b", "b_latest.sif"), ("shub://a/b:c", "b_c.sif"), ("https://h/a/b.sif", "b.sif"),
      ("https://h/a/b%20c.sif?token=x#y", "b c.sif"), ("http://h/b", "b"),
      ("docker-archive:/x/alpine.tar", "alpine.sif"), ("oci-archive:alpine.tar.gz", "alpine.sif"),
      ("oci-archive:a.tgz", "a.sif"), ("oci:/x/layout/", "layout.sif"),
      ("oci:my.layout-1.2", "my.layout-1.2.sif"),
      ("a.sif", "a.sif"), ("docker-archive:.tar", ".tar.sif"),
    ])
  func `a file is named after its source`(text: String, name: String) throws {
    #expect(try OutputName.of(SourceName(parsing: text)) == name)
  }

  @Test(arguments: [
    "https://h", "https://h/", "https://h/a/..", "https://h/%2e%2e", "https://h/a%2Fb", "https://h/a%00",
    "oci:/", "oci:..", "shub://a/",
  ])
  func `a source without a name is refused`(text: String) {
    #expect(throws: ReferenceFault.noFileName(of: text.hasPrefix("oci:") ? String(text.dropFirst(4)) : text))
    {
      try OutputName.of(SourceName(parsing: text))
    }
  }
}
