import HTTP
import Loopback
import Testing

/// Acceptance test A8, the files.
@Suite struct CertificateFoldersTests {
  static let folders = CertificateFolders(environment: { _ in nil }, home: "/h")
  static let user = "/h/.config/containers/certs.d/"

  static func certificates(_ tree: [String: [String]], _ host: String) throws -> HostCertificates {
    try folders.certificates(for: host) { tree[$0] }
  }

  static let found: [([String: [String]], String, HostCertificates)] = [
    ([:], "h.io", HostCertificates()),
    (
      ["/etc/docker/certs.d/h.io": ["ca.crt", "README"]], "h.io",
      HostCertificates(authorities: ["/etc/docker/certs.d/h.io/ca.crt"])
    ),
    (["/etc/docker/certs.d/h.io": ["ca.crt"]], "h.io:5000", HostCertificates()),
    (
      ["/etc/containers/certs.d/h.io:5000": ["b.crt", "a.crt"]], "h.io:5000",
      HostCertificates(authorities: [
        "/etc/containers/certs.d/h.io:5000/a.crt", "/etc/containers/certs.d/h.io:5000/b.crt",
      ])
    ),
    (
      [
        "/etc/containers/certs.d/h.io": ["a.crt"], "/etc/docker/certs.d/h.io": ["b.crt"],
        user + "h.io": ["c.crt"],
      ],
      "h.io", HostCertificates(authorities: [user + "h.io/c.crt"])
    ),
    (
      ["/etc/containers/certs.d/h.io": ["a.crt"], "/etc/docker/certs.d/h.io": ["b.crt"]], "h.io",
      HostCertificates(authorities: ["/etc/containers/certs.d/h.io/a.crt"])
    ),
    (
      [user + "h.io": ["x.key", "x.cert", "y.cert", "y.key"]], "h.io",
      HostCertificates(client: .init(certificate: user + "h.io/x.cert", key: user + "h.io/x.key"))
    ),
    (
      [user + "docker.io": ["a.crt"]], "registry-1.docker.io",
      HostCertificates(authorities: [user + "docker.io/a.crt"])
    ),
    ([user + "..": ["a.crt"]], "..", HostCertificates()),
    ([user + "h.io": [".crt"]], "h.io", HostCertificates()),
  ]

  @Test(arguments: found)
  func `these files are used`(tree: [String: [String]], host: String, certificates: HostCertificates) throws {
    #expect(try Self.certificates(tree, host) == certificates)
  }

  @Test func `a certificate without its key is a fault, and a key without its certificate`() {
    #expect(throws: CertificateFault.keyMissing(certificate: Self.user + "h/a.cert")) {
      try Self.certificates([Self.user + "h": ["a.cert", "b.key"]], "h")
    }
    #expect(throws: CertificateFault.certificateMissing(key: Self.user + "h/b.key")) {
      try Self.certificates([Self.user + "h": ["b.key"]], "h")
    }
  }

  @Test func `folders are read from disk`() throws {
    let folder = try Folder()
    let path = try folder.write("h.io:1/a.crt", "")
    let folders = CertificateFolders(folders: [folder.path + "/none", folder.path])
    #expect(try folders.read(for: "h.io:1").authorities == [path])
    #expect(try folders.read(for: "i.io") == HostCertificates())
  }
}
