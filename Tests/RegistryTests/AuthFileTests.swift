import Foundation
import Loopback
import Reference
import Registry
import Testing

@Suite struct AuthFileTests {
  static let hub = RegistryName(registry: "docker.io")
  static let quay = RegistryName(registry: "quay.io")
  static let credential = Credential.basic(user: "u", password: "s3cret")

  static func file(_ folder: Folder, _ name: String = "auth.json") -> AuthFile {
    AuthFile(path: folder.path + "/" + name, helpers: HelperEnvironment(variables: [folder.searchPath]))
  }

  static func read(_ folder: Folder, _ registry: String, _ name: String = "auth.json") throws -> Credential? {
    let reference = ImageReference(registry: registry, repository: "library/a", tag: nil, digest: nil)
    return try CredentialStore(CredentialSources(files: [.init(path: folder.path + "/" + name)]))
      .credential(for: reference)
  }

  @Test func `a new file is its owner's alone, and so is its folder`() throws {
    let folder = try Folder()
    let place = try Self.file(folder, "new/deep/auth.json").store(Self.credential, for: Self.hub)
    #expect(place == .file(path: folder.path + "/new/deep/auth.json"))
    #expect(try folder.mode("new/deep/auth.json") == 0o600)
    #expect(try folder.mode("new/deep") == 0o700)
    #expect(try folder.mode("new") == 0o700)
    #expect(try Self.read(folder, "docker.io", "new/deep/auth.json") == Self.credential)
    #expect(
      try folder.text("new/deep/auth.json")
        == "{\n\t\"auths\": {\n\t\t\"https://index.docker.io/v1/\": {\n\t\t\t\"auth\": \"dTpzM2NyZXQ=\"\n\t\t}\n\t}\n}\n"
    )
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path + "/new/deep") == ["auth.json"])
  }

  @Test func `what others keep in the file stays`() throws {
    let folder = try Folder()
    try folder.write(
      "auth.json", #"{"psFormat":"x","auths":{"a.io":{"auth":"eA==","email":"e"}},"n":[1,null,true]}"#,
      mode: 0o644)
    try Self.file(folder).store(.identityToken("t"), for: Self.quay)
    let text = try folder.text("auth.json").filter { !$0.isWhitespace }
    #expect(
      text
        == #"{"psFormat":"x","auths":{"a.io":{"auth":"eA==","email":"e"},"quay.io":{"identitytoken":"t"}},"n":[1,null,true]}"#
    )
    #expect(try folder.mode("auth.json") == 0o600)
    #expect(try Self.file(folder).erase(Self.quay))
    #expect(
      try folder.text("auth.json").filter { !$0.isWhitespace }
        == #"{"psFormat":"x","auths":{"a.io":{"auth":"eA==","email":"e"}},"n":[1,null,true]}"#)
  }

  @Test func `a file that is no JSON is not overwritten`() throws {
    let folder = try Folder()
    try folder.write("auth.json", "{")
    #expect(throws: CredentialFault.self) { try Self.file(folder).store(Self.credential, for: Self.quay) }
    #expect(try folder.text("auth.json") == "{")
  }

  @Test func `a link stays a link`() throws {
    let folder = try Folder()
    try folder.write("real/auth.json", "{}")
    try FileManager.default.createSymbolicLink(
      atPath: folder.path + "/auth.json", withDestinationPath: "real/auth.json")
    try Self.file(folder).store(Self.credential, for: Self.quay)
    #expect(
      try FileManager.default.destinationOfSymbolicLink(atPath: folder.path + "/auth.json")
        == "real/auth.json")
    #expect(try Self.read(folder, "quay.io") == Self.credential)
  }

  @Test func `logins at once lose nothing`() throws {
    let folder = try Folder()
    let file = Self.file(folder)
    DispatchQueue.concurrentPerform(iterations: 16) { index in
      _ = try? file.store(Self.credential, for: RegistryName(registry: "h\(index).io"))
    }
    #expect(try file.entries().count == 16)
  }

  @Test func `erasing finds every spelling, and says whether there was one`() throws {
    let folder = try Folder()
    #expect(try !Self.file(folder).erase(Self.hub))
    try folder.write(
      "auth.json", #"{"auths":{"docker.io":{"auth":"eDp5"},"https://index.docker.io/v1/":{"auth":"eDp5"}}}"#)
    #expect(try Self.file(folder).erase(Self.hub))
    #expect(try !Self.file(folder).erase(Self.hub))
    #expect(try Self.read(folder, "docker.io") == nil)
  }

  @Test(arguments: ["https://quay.io/", "http://quay.io", "https://quay.io/v2", "http://quay.io/v1/"])
  func `what a look-up would find is erased`(key: String) throws {
    let folder = try Folder()
    try folder.write("auth.json", #"{"auths":{"\#(key)":{"auth":"eDp5"}}}"#)
    #expect(try Self.read(folder, "quay.io") != nil)
    #expect(try Self.file(folder).erase(Self.quay))
    #expect(try Self.read(folder, "quay.io") == nil)
  }

  @Test(arguments: [#"{"credHelpers":{"quay.io":"one"}}"#, #"{"credsStore":"one"}"#])
  func `a helper keeps it, and the secret is on no command line`(text: String) throws {
    let folder = try Folder()
    try folder.makeHelper("one")
    try folder.write("auth.json", text)
    let place = try Self.file(folder).store(Self.credential, for: Self.quay)
    #expect(place == .helper("docker-credential-one"))
    #expect(
      try folder.text("one.store") == #"{"ServerURL":"quay.io","Username":"u","Secret":"s3cret"}"#)
    #expect(folder.lines("one.log").count == 1)
    #expect(!(try folder.text("one.log").contains("s3cret")))
    #expect(!(try folder.text("auth.json").contains("s3cret")))
    #expect(!(try folder.text("auth.json").contains("czNjcmV0")))
    #expect(try Self.file(folder).erase(Self.quay))
    #expect(try folder.text("one.erased") == "quay.io")
  }

  @Test func `everything that is kept is listed, without secrets`() throws {
    let folder = try Folder()
    try folder.makeHelper("one")
    try folder.write(
      "auth.json",
      #"{"auths":{"a.io":{"auth":"dTpw"},"t.io":{"identitytoken":"t"},"e.io":{}},"credHelpers":{"h.io":"one"},"credsStore":"one"}"#
    )
    let entries = try Self.file(folder).entries().map { "\($0.key) \($0.user ?? "-") \($0.helper ?? "-")" }
    #expect(
      entries == [
        "a.io u -", "t.io - -", "h.io - docker-credential-one",
        "https://index.docker.io/v1/ someone docker-credential-one",
      ])
  }

  @Test func `a namespace has a key of its own in the file`() throws {
    let folder = try Folder()
    try Self.file(folder).store(
      Self.credential, for: RegistryName(registry: "docker.io", namespace: "library"))
    #expect(try Self.read(folder, "docker.io") == Self.credential)
    #expect(try folder.text("auth.json").contains("\"docker.io/library\""))
  }
}
