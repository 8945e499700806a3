import Foundation
import Loopback
import Model
import Reference
import Registry
import Testing

/// Acceptance test A7: where credentials come from, and which counts.
@Suite struct CredentialStoreTests {
  static let quay = ImageReference(registry: "quay.io", repository: "a/b", tag: nil, digest: nil)
  static let hub = ImageReference(registry: "docker.io", repository: "library/a", tag: nil, digest: nil)

  static func entry(_ user: String) -> String { #"{"auth":"\#(base64(user + ":s3cret"))"}"# }
  static func base64(_ text: String) -> String { Data(text.utf8).base64EncodedString() }
  static func table(_ key: String, _ user: String) -> String { #"{"auths":{"\#(key)":\#(entry(user))}}"# }

  static let ranks = [
    "explicit", "APUS_", "APPTAINER_", "SINGULARITY_", "", "authfile", "REGISTRY_AUTH_FILE", "own", "runtime",
    "config", "docker", "apptainer", "enroot",
  ]

  /// A world in which only these sources have something; each says its own name.
  static func winner(among ranks: [String], _ folder: Folder) throws -> String? {
    var variables = [
      "XDG_RUNTIME_DIR": folder.path + "/run", "XDG_CONFIG_HOME": folder.path + "/xdg",
      "DOCKER_CONFIG": folder.path + "/dock", "APPTAINER_CONFIGDIR": folder.path + "/app",
    ]
    var explicit: Credential?
    var authFile: String?
    let files = [
      "own": "own.json", "runtime": "run/containers/auth.json", "config": "xdg/containers/auth.json",
      "docker": "dock/config.json", "apptainer": "app/docker-config.json",
    ]
    for rank in ranks {
      switch rank {
      case "explicit": explicit = .basic(user: rank, password: "s3cret")
      case "authfile": authFile = try folder.write("named.json", table("quay.io", rank))
      case "REGISTRY_AUTH_FILE": variables[rank] = try folder.write("variable.json", table("quay.io", rank))
      case "enroot":
        try folder.write("xdg/enroot/.credentials", "machine quay.io login enroot password s3cret\n")
      default:
        if let file = files[rank] {
          try folder.write(file, table("quay.io", rank))
        } else {
          variables[rank + "DOCKER_USERNAME"] = rank + "user"
          variables[rank + "DOCKER_PASSWORD"] = "s3cret"
        }
      }
    }
    let sources = CredentialSources(
      environment: { variables[$0] }, variables: [], home: folder.path + "/home", explicit: explicit,
      authFile: authFile, ownFile: folder.path + "/own.json")
    guard case .basic(let user, "s3cret") = try CredentialStore(sources).credential(for: quay) else {
      return nil
    }
    return user.hasSuffix("user") ? String(user.dropLast(4)) : user
  }

  @Test func `without any source one is anonymous`() throws {
    #expect(try Self.winner(among: [], Folder()) == nil)
  }

  @Test(arguments: ranks) func `each source counts alone`(rank: String) throws {
    #expect(try Self.winner(among: [rank], Folder()) == rank)
  }

  @Test func `of each two sources the earlier counts`() throws {
    for (position, first) in Self.ranks.enumerated() {
      for second in Self.ranks[(position + 1)...] {
        #expect(try Self.winner(among: [first, second], Folder()) == first)
      }
    }
  }

  @Test func `homes stand in for variables that are not set`() throws {
    let folder = try Folder()
    for (file, user) in [
      (".config/containers/auth.json", "config"), (".docker/config.json", "docker"),
      (".apptainer/docker-config.json", "apptainer"),
    ] {
      let path = try folder.write(file, Self.table("quay.io", user))
      let sources = CredentialSources(
        environment: { _ in nil }, variables: [], home: folder.path, ownFile: nil)
      #expect(
        try CredentialStore(sources).credential(for: Self.quay) == .basic(user: user, password: "s3cret"))
      try FileManager.default.removeItem(atPath: path)
    }
  }

  @Test func `half a pair of variables is none`() throws {
    let variables = ["APUS_DOCKER_USERNAME": "a", "DOCKER_USERNAME": "b", "DOCKER_PASSWORD": "c"]
    let sources = CredentialSources(
      environment: { variables[$0] }, variables: [], home: nil, ownFile: nil)
    #expect(sources.fromEnvironment == .basic(user: "b", password: "c"))
  }

  static func credential(
    _ text: String, for reference: ImageReference, _ folder: Folder, isNamed: Bool = true
  ) throws -> Credential? {
    try store(text, folder, isNamed: isNamed).credential(for: reference)
  }

  static func store(_ text: String, _ folder: Folder, isNamed: Bool = true) throws -> CredentialStore {
    let path = try folder.write("config.json", text)
    return CredentialStore(
      CredentialSources(
        files: [.init(path: path, isNamed: isNamed)],
        helpers: HelperEnvironment(variables: [folder.searchPath])))
  }

  static let tables: [(String, ImageReference, Credential?)] = [
    (table("quay.io", "u"), quay, .basic(user: "u", password: "s3cret")),
    (table("https://quay.io", "u"), quay, .basic(user: "u", password: "s3cret")),
    (table("https://quay.io/v1/", "u"), quay, .basic(user: "u", password: "s3cret")),
    (table("https://quay.io/v2/", "u"), quay, .basic(user: "u", password: "s3cret")),
    (table("quay.io/a", "u"), quay, .basic(user: "u", password: "s3cret")),
    (table("quay.io/a/b", "u"), quay, .basic(user: "u", password: "s3cret")),
    (table("quay.io/a/c", "u"), quay, nil), (table("quay.io:443", "u"), quay, nil),
    (table("docker.io", "u"), quay, nil),
    (
      #"{"auths":{"quay.io":\#(entry("r")),"quay.io/a":\#(entry("n")),"quay.io/a/b":\#(entry("i"))}}"#, quay,
      .basic(user: "i", password: "s3cret")
    ),
    (
      #"{"auths":{"https://quay.io":\#(entry("u")),"quay.io":\#(entry("h"))}}"#, quay,
      .basic(user: "h", password: "s3cret")
    ),
    (table("https://index.docker.io/v1/", "u"), hub, .basic(user: "u", password: "s3cret")),
    (table("docker.io", "u"), hub, .basic(user: "u", password: "s3cret")),
    (table("index.docker.io", "u"), hub, .basic(user: "u", password: "s3cret")),
    (table("registry-1.docker.io", "u"), hub, .basic(user: "u", password: "s3cret")),
    (table("docker.io/library", "u"), hub, .basic(user: "u", password: "s3cret")),
    (#"{"auths":{"quay.io":{"identitytoken":"t"}}}"#, quay, .identityToken("t")),
    (#"{"auths":{"quay.io":{"auth":"\#(base64("u:p"))","identitytoken":"t"}}}"#, quay, .identityToken("t")),
    (#"{"auths":{"quay.io":{"registrytoken":"t"}}}"#, quay, .registryToken("t")),
    (#"{"auths":{"quay.io":{"username":"u","password":"p"}}}"#, quay, .basic(user: "u", password: "p")),
    (#"{"auths":{"quay.io":{"auth":"\#(base64("u:p:q"))"}}}"#, quay, .basic(user: "u", password: "p:q")),
    (#"{"auths":{"quay.io":{"auth":"\#(base64("u:p\0\0"))"}}}"#, quay, .basic(user: "u", password: "p")),
    (#"{"auths":{"quay.io":{"auth":"dTpwcA"}}}"#, quay, .basic(user: "u", password: "pp")),
    (#"{"auths":{"quay.io":{}}}"#, quay, nil), (#"{"auths":{}}"#, quay, nil), ("{}", quay, nil),
    ("", quay, nil),
  ]

  @Test(arguments: tables)
  func `a table is searched from the repository to the registry`(
    text: String, reference: ImageReference, credential: Credential?
  ) throws {
    #expect(try Self.credential(text, for: reference, Folder()) == credential)
  }

  @Test(
    arguments: [
      ("{", "notJSON"), ("[]", "notJSON"), (#"{"auths":{"quay.io":{"auth":7}}}"#, "entry"),
      (#"{"auths":{"quay.io":{"auth":"%"}}}"#, "entry"),
      (#"{"auths":{"quay.io":{"auth":"\#(base64("nocolon"))"}}}"#, "entry"),
      (#"{"credHelpers":{"quay.io":"../evil"}}"#, "helperName"),
      (#"{"credHelpers":{"quay.io":"absent"}}"#, "helperMissing"),
    ])
  func `a damaged file that was named is a fault without its secrets`(text: String, kind: String) throws {
    do {
      _ = try Self.credential(text, for: Self.quay, Folder())
      Issue.record("no fault")
    } catch let fault as CredentialFault {
      #expect("\(fault)".hasPrefix(kind))
      #expect(!"\(fault.explanation)".contains(Self.base64("nocolon")))
    }
  }

  @Test func `a damaged file that nobody named is a warning, and the next one counts`() throws {
    let folder = try Folder()
    let sources = CredentialSources(files: [
      .init(path: try folder.write("bad.json", "{")),
      .init(path: try folder.write("good.json", Self.table("quay.io", "u"))),
    ])
    let store = CredentialStore(sources)
    #expect(try store.credential(for: Self.quay) == .basic(user: "u", password: "s3cret"))
    #expect(store.takeNotices().map(\.level) == [.warning])
    #expect(store.takeNotices().isEmpty)
  }

  @Test func `a named file must be there, others need not`() throws {
    let missing = "/nonexistent/auth.json"
    #expect(throws: CredentialFault.self) {
      try CredentialStore(CredentialSources(files: [.init(path: missing, isNamed: true)]))
        .credential(for: Self.quay)
    }
    #expect(
      try CredentialStore(CredentialSources(files: [.init(path: missing)])).credential(for: Self.quay) == nil)
  }
}
