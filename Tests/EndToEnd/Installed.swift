import Foundation
import Testing

/// What a command did.
struct Outcome: Sendable {
  let code: Int32
  let out: String
  let err: String

  /// The output without the newline at its end.
  var line: String { out.hasSuffix("\n") ? String(out.dropLast()) : out }
}

/// Who runs a command: an ordinary user made for the tests, or root.
enum Caller: String, CaseIterable, Sendable, CustomTestStringConvertible {
  case user, root
  var testDescription: String { rawValue }
}

/// The installed program under test, and the images made for it (scripts/test, scripts/test-images).
enum Installed {
  static func folder(_ name: String) -> String {
    guard let value = ProcessInfo.processInfo.environment[name] else {
      Issue.record("\(name) is not set: the end-to-end tests are run by `make test`")
      return "/nonexistent"
    }
    return value
  }

  static var apus: String { folder("APUS_TREE") + "/bin/apus" }
  /// Where this is built.
  static let checkout = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent()
    .deletingLastPathComponent().path
  static var home: String { folder("APUS_HOME") }
  /// A program of Tests/Support, compiled by scripts/test.
  static func support(_ name: String) -> String {
    URL(fileURLWithPath: folder("APUS_CLEAN_START")).deletingLastPathComponent().path + "/" + name
  }
  /// Whether newer system calls are filtered, as an old kernel lacks them.
  static var isOldKernel: Bool { ProcessInfo.processInfo.environment["APUS_WRAPPER"] != nil }
  static func image(_ name: String) -> String { folder("APUS_IMAGES") + "/" + name }

  /// Runs `apus WORDS`.
  static func run(
    _ words: String..., as caller: Caller = .user, environment: [String: String] = [:],
    directory: String = "/",
    input: String? = nil
  ) throws -> Outcome {
    try execute([apus] + words, as: caller, environment: environment, directory: directory, input: input)
  }

  /// Runs any program, under the filter that imitates an old kernel when that leg is being run.
  static func execute(
    _ words: [String], as caller: Caller, environment: [String: String] = [:], directory: String = "/",
    input: String? = nil
  ) throws -> Outcome {
    let program = try Running(words, as: caller, environment: environment, directory: directory)
    return try program.finish(input: input ?? "")
  }

  /// The words of a process that becomes the program: every step on the way is an execve.
  static func command(_ words: [String], as caller: Caller) -> [String] {
    var command = [folder("APUS_CLEAN_START")]
    if caller == .user {
      command += ["/usr/bin/setpriv", "--reuid", "apus-test", "--regid", "apus-test", "--init-groups"]
    }
    if let wrapper = ProcessInfo.processInfo.environment["APUS_WRAPPER"] { command.append(wrapper) }
    return command + words
  }

  /// A file that every user can read.
  static func write(_ data: Data, to path: String) throws {
    try data.write(to: URL(fileURLWithPath: path))
    chmod(path, 0o644)
  }

  /// A runtime directory of the test user's, for $XDG_RUNTIME_DIR: servers in it are this test's alone.
  static func withRuntimeDirectory<T>(owner: String = "apus-test", _ body: (String) throws -> T) throws -> T {
    // Short: a longer one would not be used, for the sake of the sockets' addresses.
    let folder = "/tmp/apus-test-run-" + UUID().uuidString.prefix(8)
    _ = try execute(["/usr/bin/install", "-d", "-m", "0700", "-o", owner, "-g", owner, folder], as: .root)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    return try body(folder)
  }

  /// A folder of this test alone, removed with `body`.
  static func withFolder<T>(_ body: (String) throws -> T) throws -> T {
    let folder = "/tmp/apus-test-" + UUID().uuidString
    try FileManager.default.createDirectory(
      atPath: folder, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o777])
    chmod(folder, 0o777)
    defer { remove(folder) }
    return try body(folder)
  }

  /// Somebody who ends may be taking their own away there at the same moment.
  private static func remove(_ folder: String) {
    for _ in 0..<100 {
      try? FileManager.default.removeItem(atPath: folder)
      if !FileManager.default.fileExists(atPath: folder) { return }
      usleep(20_000)
    }
  }
}
