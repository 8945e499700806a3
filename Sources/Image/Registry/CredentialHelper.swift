internal import Glibc
internal import Linux
internal import Model

/// What helpers are run with.
public struct HelperEnvironment: Equatable, Sendable {
  /// `NAME=value`, all that the helper sees: it may need the session's bus, its own settings and a home.
  public var variables: [String]
  /// Seconds until a helper is given up. 30 leaves time to unlock a key chain.
  public var seconds = 30

  public init(variables: [String]) { self.variables = variables }

  /// Where programs are looked for: the absolute folders in PATH.
  var folders: [String] {
    guard let path = variables.first(where: { $0.starts(withBytesOf: "PATH=") }) else { return [] }
    return path[...].dropFirst(5).fields(at: UInt8(ascii: ":"))
      .filter { $0.utf8.first == UInt8(ascii: "/") }.map { String($0) }
  }
}

/// A program that keeps credentials: `docker-credential-NAME` (docker/docker-credential-helpers, README).
/// Words go through its standard input and output, so that no list of processes shows them.
struct CredentialHelper {
  /// What a helper has for a registry.
  enum Answer: Equatable, Sendable {
    case credential(Credential)
    case nothing
  }

  let program: String
  private let environment: HelperEnvironment

  /// `path` is the file that names it.
  init(_ name: String, namedIn path: String, _ environment: HelperEnvironment) throws(CredentialFault) {
    let isName = name.utf8.allSatisfy { byte in
      (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
        || "._-".utf8.contains(byte)
    }
    guard isName, (1...128).contains(name.utf8.count) else { throw .helperName(name, path: path) }
    program = "docker-credential-" + name
    self.environment = environment
  }

  func get(_ key: String) throws(CredentialFault) -> Answer {
    let (code, bytes) = try run("get", Array(key.utf8), key: key)
    guard code == 0 else {
      if Self.saysNothing(bytes) { return .nothing }
      throw .helperFailed(program: program, key: key, code: code)
    }
    guard let json = try? JSON(parsing: bytes), let user = json["Username"]?.text,
      let secret = json["Secret"]?.text
    else { throw .helperAnswer(program: program, key: key) }
    if user.isEmpty && secret.isEmpty { return .nothing }
    return .credential(user == "<token>" ? .identityToken(secret) : .basic(user: user, password: secret))
  }

  func store(_ key: String, user: String, secret: String) throws(CredentialFault) {
    let text = JSON.object([
      ("ServerURL", .string(key)), ("Username", .string(user)), ("Secret", .string(secret)),
    ]).text()
    let (code, _) = try run("store", Array(text.utf8), key: key)
    guard code == 0 else { throw .helperFailed(program: program, key: key, code: code) }
  }

  /// Whether there was something to erase.
  func erase(_ key: String) throws(CredentialFault) -> Bool {
    let (code, bytes) = try run("erase", Array(key.utf8), key: key)
    if code != 0, !Self.saysNothing(bytes) {
      throw .helperFailed(program: program, key: key, code: code)
    }
    return code == 0
  }

  /// Users by the keys the helper has.
  func list() throws(CredentialFault) -> [(key: String, user: String)] {
    let (code, bytes) = try run("list", [], key: "any registry")
    guard code == 0 else { throw .helperFailed(program: program, key: "any registry", code: code) }
    return ((try? JSON(parsing: bytes))?.members ?? []).map { ($0.0, $0.1.text ?? "") }
  }

  /// The sentence that means "there is none" (docker-credential-helpers, `credentials/error.go`).
  private static func saysNothing(_ bytes: [UInt8]) -> Bool {
    String(decoding: bytes.prefix(256), as: UTF8.self)
      .holds(bytesOf: "credentials not found in native keychain")
  }

  private func run(
    _ action: String, _ input: [UInt8], key: String
  ) throws(CredentialFault) -> (code: Int32, bytes: [UInt8]) {
    guard getuid() == geteuid(), getgid() == getegid() else { throw .privileged(program: program) }
    for folder in environment.folders {
      let path = folder + "/" + program
      guard unsafe access(path, X_OK) == 0 else { continue }
      do throws(SystemCallFault) {
        return try Process.output(
          of: path, [action], environment: environment.variables, input: input, limit: 64 << 10,
          seconds: environment.seconds)
      } catch {
        switch error.number {
        case ETIMEDOUT:
          throw .helperSilent(program: program, key: key, seconds: environment.seconds)
        case EFBIG: throw .helperAnswer(program: program, key: key)
        default: throw .helperFailed(program: program, key: key, code: error.number == ENOEXEC ? 126 : 127)
        }
      }
    }
    throw .helperMissing(program: program, key: key)
  }
}
