import Loopback
import Reference
import Registry
import Testing

@Suite struct NetrcTests {
  static let quay = CredentialStoreTests.quay
  static let port = ImageReference(registry: "h.io:5000", repository: "a", tag: nil, digest: nil)

  @Test(
    arguments: [
      ("machine quay.io login u password p", quay, "u:p"),
      ("machine quay.io\n  login u\n  password p\n", quay, "u:p"),
      (
        "# machine quay.io login x password x\nmachine quay.io login $oauthtoken password $KEY", quay,
        "$oauthtoken:$KEY"
      ),
      ("machine other.io login x password x\nmachine quay.io login u password p", quay, "u:p"),
      (#"machine quay.io login "a b" password "p\"q""#, quay, #"a b:p"q"#),
      ("machine auth.docker.io login u password p", CredentialStoreTests.hub, "u:p"),
      ("machine quay.io login u account z password p", quay, "u:p"),
      ("machine h.io login a password b", port, "a:b"),
      ("machine h.io login a password b machine h.io:5000 login c password d", port, "c:d"),
      ("macdef init\nmachine quay.io login x password x\n\nmachine quay.io login u password p", quay, "u:p"),
      ("default login x password x", quay, nil), ("machine quay.io login u", quay, nil), ("", quay, nil),
      ("machine", quay, nil), ("machine quay.io password p login u\r\n", quay, "u:p"),
    ] as [(String, ImageReference, String?)])
  func `Enroot's file is read`(text: String, reference: ImageReference, pair: String?) throws {
    let folder = try Folder()
    let path = try folder.write(".credentials", text)
    let store = CredentialStore(CredentialSources(files: [.init(path: path, form: .netrc)]))
    var found: String?
    if case .basic(let user, let password) = try store.credential(for: reference) {
      found = user + ":" + password
    }
    #expect(found == pair)
  }
}
