import Foundation
import Loopback
import Model
import Reference
import Registry
import Testing

@Suite struct CredentialHelperTests {
  static let quay = CredentialStoreTests.quay
  static let hub = CredentialStoreTests.hub

  @Test(
    arguments: [
      (#"{"credHelpers":{"quay.io":"one"}}"#, "one"), (#"{"credsStore":"two"}"#, "two"),
      (#"{"credHelpers":{"quay.io":"one"},"credsStore":"two"}"#, "one"),
      (#"{"auths":{"quay.io":{}},"credsStore":"two"}"#, "two"),
      (#"{"auths":{"quay.io":\#(CredentialStoreTests.entry("table"))},"credsStore":"two"}"#, "table"),
      (
        #"{"auths":{"quay.io":\#(CredentialStoreTests.entry("table"))},"credHelpers":{"quay.io":"one"}}"#,
        "one"
      ),
      (
        #"{"auths":{"quay.io":\#(CredentialStoreTests.entry("table"))},"credHelpers":{"quay.io":"none"}}"#,
        "table"
      ),
      (#"{"credHelpers":{"quay.io":"none"},"credsStore":"two"}"#, "two"),
      (#"{"credHelpers":{"docker.io":"one"}}"#, nil),
    ] as [(String, String?)])
  func `the registry's helper comes before the table, the general one after it`(text: String, user: String?)
    throws
  {
    let folder = try Folder()
    try folder.makeHelper("one", user: "one", secret: "s3cret")
    try folder.makeHelper("two", user: "two", secret: "s3cret")
    try folder.makeHelper("none")
    let found = try CredentialStoreTests.credential(text, for: Self.quay, folder)
    #expect(found == user.map { .basic(user: $0, password: "s3cret") })
  }

  @Test func `a helper is run once for a registry, by all threads together`() throws {
    let folder = try Folder()
    try folder.makeHelper("one", user: "u", secret: "s3cret")
    let store = try CredentialStoreTests.store(#"{"credsStore":"one"}"#, folder)
    DispatchQueue.concurrentPerform(iterations: 8) { index in
      let reference = ImageReference(registry: "quay.io", repository: "a/\(index % 4)", tag: nil, digest: nil)
      #expect((try? store.credential(for: reference)) == .basic(user: "u", password: "s3cret"))
    }
    #expect(folder.lines("one.asked") == ["quay.io"])
    #expect(try store.credential(for: Self.hub) != nil)
    #expect(folder.lines("one.asked") == ["quay.io", "https://index.docker.io/v1/"])
  }

  @Test func `a token of a helper is an identity token`() throws {
    let folder = try Folder()
    try folder.makeHelper("one", user: "<token>", secret: "t")
    #expect(
      try CredentialStoreTests.credential(#"{"credsStore":"one"}"#, for: Self.quay, folder)
        == .identityToken("t"))
  }

  static let failures: [(String, CredentialFault)] = [
    ("exit 3", .helperFailed(program: "docker-credential-one", key: "quay.io", code: 3)),
    ("echo s3cret; exit 1", .helperFailed(program: "docker-credential-one", key: "quay.io", code: 1)),
    ("echo s3cret", .helperAnswer(program: "docker-credential-one", key: "quay.io")),
    ("head -c 70000 /dev/zero", .helperAnswer(program: "docker-credential-one", key: "quay.io")),
    ("exec sleep 20", .helperSilent(program: "docker-credential-one", key: "quay.io", seconds: 1)),
  ]

  @Test(arguments: failures)
  func `a helper that fails is a fault where it was named for the registry, else a warning`(
    body: String, fault: CredentialFault
  ) throws {
    let folder = try Folder()
    try folder.makeHelper("one", body: body)
    var helpers = HelperEnvironment(variables: [folder.searchPath])
    helpers.seconds = 1
    let named = try folder.write("a.json", #"{"credHelpers":{"quay.io":"one"}}"#)
    #expect(throws: fault) {
      try CredentialStore(CredentialSources(files: [.init(path: named)], helpers: helpers))
        .credential(for: Self.quay)
    }
    let general = try folder.write("b.json", #"{"credsStore":"one"}"#)
    let store = CredentialStore(
      CredentialSources(files: [.init(path: general, isNamed: true)], helpers: helpers))
    #expect(try store.credential(for: Self.quay) == nil)
    let notices = store.takeNotices()
    #expect(notices.count == 1)
    #expect(!notices[0].text.contains("s3cret"))
  }

  @Test func `what a helper leaves running does not hold us`() throws {
    let folder = try Folder()
    try folder.makeHelper("one", body: #"sleep 20 & printf '{"Username":"u","Secret":"s"}'"#)
    let start = ContinuousClock.now
    #expect(
      try CredentialStoreTests.credential(#"{"credsStore":"one"}"#, for: Self.quay, folder)
        == .basic(user: "u", password: "s"))
    #expect(ContinuousClock.now - start < .seconds(10))
  }
}
