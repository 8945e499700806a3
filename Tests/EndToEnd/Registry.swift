import Foundation
import Testing

/// The registries, the token server and the faulty proxy that scripts/test-registry started, and the images that
/// scripts/test-oci-images made and pushed.
enum Registry {
  /// Whose requests can be read. All but the last three are registries before one storage.
  enum Form: String, CaseIterable, Sendable {
    case plain, tls, clienttls, basic, bearer, bearertls, token, proxy, forward
  }

  private static let file = ProcessInfo.processInfo.environment["APUS_REGISTRY"]

  static var isPresent: Bool { file != nil }

  /// NAME=value lines; values may stand in single quotes.
  private static let values: [String: String] = {
    let text = file.flatMap { try? String(contentsOfFile: $0, encoding: .utf8) } ?? ""
    let pairs = text.split(separator: "\n").map { $0.split(separator: "=", maxSplits: 1).map(String.init) }
    return Dictionary(
      pairs.filter { $0.count == 2 }.map { ($0[0], $0[1].trimmingCharacters(in: ["'"])) },
      uniquingKeysWith: { $1 })
  }()

  private static func value(_ name: String) -> String {
    guard let value = values[name] else {
      Issue.record("APUS_REGISTRY tells no \(name): the end-to-end tests are run by `make test`")
      return "127.0.0.1:1"
    }
    return value
  }

  /// `127.0.0.1:PORT` each. Certificates are for `localhost` too.
  static var plain: String { value("PLAIN") }
  static var tls: String { value("TLS") }
  static var clientTLS: String { value("CLIENTTLS") }
  static var basic: String { value("BASIC") }
  static var bearer: String { value("BEARER") }
  static var bearerTLS: String { value("BEARERTLS") }
  static var token: String { value("TOKEN") }
  static var proxy: String { value("PROXY") }
  static var proxyOther: String { value("PROXY_OTHER") }
  static var proxyTLS: String { value("PROXY_TLS") }
  /// For http_proxy and https_proxy (Tests/Support/registry/forward-proxy.py).
  static var forward: String { value("FORWARD") }

  /// Who may read what is below private/. The password holds a space and a colon.
  static var user: String { value("REGISTRY_USER") }
  static var password: String { value("REGISTRY_PASSWORD") }
  static var identityToken: String { value("REGISTRY_IDENTITY") }

  static var folder: String { value("FOLDER") }
  /// ca.crt, client.cert or client.key.
  static func certificate(_ name: String) -> String { folder + "/tls/" + name }
  static func layout(_ name: String) -> String { Installed.folder("APUS_OCI_IMAGES") + "/layouts/" + name }
  static func archive(_ name: String) -> String { Installed.folder("APUS_OCI_IMAGES") + "/archives/" + name }

  /// The digest of what a layout's first reference, and so images/NAME:latest, stands for.
  static func digest(_ layout: String) throws -> String {
    let path = Installed.folder("APUS_OCI_IMAGES") + "/digests"
    let line = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
      .first { $0.hasPrefix(layout + " ") }
    return String(try #require(line).dropFirst(layout.count + 1))
  }

  private static func script(_ command: String, _ words: String...) throws -> String {
    let outcome = try Installed.execute(
      [Installed.checkout + "/scripts/test-registry", command, folder] + words, as: .root)
    #expect(outcome.code == 0, "\(outcome.err)")
    return outcome.line
  }

  /// Where the log of a server ends now.
  static func mark(_ form: Form) throws -> String { try script("mark", form.rawValue) }

  /// `METHOD PATH STATUS` each; for the token server and the proxies the lines that their programs describe.
  static func requests(_ form: Form, since mark: String = "0") throws -> [String] {
    try script("requests", form.rawValue, mark).split(separator: "\n").map(String.init)
  }

  /// Adds rules to the proxy, an object or a list of them (Tests/Support/registry/fault-proxy.py).
  static func fault(_ json: String) throws { _ = try script("fault", json) }

  /// Tells the token server how to treat one repository (Tests/Support/registry/token-server.py).
  static func tokens(_ json: String) throws { _ = try script("token", json) }

  /// Rules that hold for `body` alone, which asks for HOST/SCOPE/images/NAME at any port of the proxy. The word SCOPE
  /// in the rules stands for the scope.
  static func withFaults<T>(_ json: String, _ body: (_ scope: String) throws -> T) throws -> T {
    let scope = "fault-" + UUID().uuidString.lowercased()
    try fault(json.replacingOccurrences(of: "SCOPE", with: scope))
    defer { _ = try? script("forget", scope) }
    return try body(scope)
  }

  /// What the proxy was asked within a scope, in the order of the answers.
  static func requests(in scope: String) throws -> [ProxyRequest] {
    try requests(.proxy).compactMap(ProxyRequest.init).filter { $0.path.contains("/" + scope + "/") }
  }

  /// Pushes a layout to the plain registry as it is.
  static func push(_ layout: String, to repositoryAndTag: String) throws {
    let outcome = try Installed.execute(
      [
        Installed.checkout + "/scripts/test-oci-images", "push-one", folder,
        "\(Self.layout(layout))=\(repositoryAndTag)",
      ], as: .root)
    #expect(outcome.code == 0, "\(outcome.err)")
  }

  /// Where a daemon of the tests writes what it was asked: `METHOD PATH STATUS` each.
  static func requestLog(of socket: String) -> String { socket + ".requests" }

  /// A daemon that has one docker-archive, at a socket (modes: Tests/Support/registry/daemon.py).
  static func withDaemon<T>(
    _ archive: String, mode: String = "ok", _ body: (_ socket: String) throws -> T
  ) throws -> T {
    try Installed.withFolder { folder in
      let socket = folder + "/daemon.sock"
      let daemon = try Running(
        [
          "/bin/sh", "-c", "exec \"$@\" >\"$0\"", requestLog(of: socket), "/usr/bin/python3", "-B",
          Installed.checkout + "/Tests/Support/registry/daemon.py", socket,
          Self.archive(archive), mode,
        ], as: .root)
      for _ in 0..<200 where !FileManager.default.fileExists(atPath: socket) { usleep(50_000) }
      return try withExtendedLifetime(daemon) { try body(socket) }
    }
  }
}

/// A line of the proxy's log.
struct ProxyRequest: Sendable {
  /// PROXY, PROXY_OTHER or PROXY_TLS.
  let port: String
  let method: String
  let path: String
  /// `bytes=5-`, or nothing.
  let range: String?
  /// The scheme of the Authorization that came, or nothing.
  let authorization: String?
  let status: Int
  /// Of the body, as sent.
  let bytes: Int

  init?(_ line: String) {
    let words = line.split(separator: " ").map(String.init)
    guard words.count == 7, let status = Int(words[5]), let bytes = Int(words[6]) else { return nil }
    (port, method, path) = (words[0], words[1], words[2])
    range = words[3] == "-" ? nil : words[3]
    authorization = words[4] == "-" ? nil : words[4]
    (self.status, self.bytes) = (status, bytes)
  }
}
