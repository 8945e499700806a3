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
    let process = prepared(words, as: caller, environment: environment, directory: directory)
    let out = Pipe()
    let err = Pipe()
    let into = Pipe()
    process.standardOutput = out
    process.standardError = err
    process.standardInput = into
    try process.run()
    if let input { into.fileHandleForWriting.write(Data(input.utf8)) }
    try into.fileHandleForWriting.close()
    // Read both while the program runs: a full pipe would stop it.
    let errors = Mutex(Data())
    let reader = Foundation.Thread { errors.set(err.fileHandleForReading.readDataToEndOfFile()) }
    reader.start()
    let output = out.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    while !reader.isFinished { usleep(200) }
    let code =
      process.terminationReason == .uncaughtSignal
      ? 128 + process.terminationStatus : process.terminationStatus
    return Outcome(
      code: code, out: String(decoding: output, as: UTF8.self),
      err: String(decoding: errors.get(), as: UTF8.self))
  }

  /// A process that becomes the program: every step on the way is an execve.
  static func prepared(
    _ words: [String], as caller: Caller, environment: [String: String], directory: String
  ) -> Process {
    var command = [folder("APUS_CLEAN_START")]
    if caller == .user {
      command += ["/usr/bin/setpriv", "--reuid", "apus-test", "--regid", "apus-test", "--init-groups"]
    }
    if let wrapper = ProcessInfo.processInfo.environment["APUS_WRAPPER"] { command.append(wrapper) }
    command += words
    let process = Process()
    process.executableURL = URL(fileURLWithPath: command[0])
    process.arguments = Array(command.dropFirst())
    var variables = [
      "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": home, "USER": "apus-test", "TERM": "dumb",
    ]
    variables.merge(environment) { $1 }
    process.environment = variables
    process.currentDirectoryURL = URL(fileURLWithPath: directory)
    return process
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

/// A program that runs while the test looks at it, and reads lines from the test.
///
/// Not Foundation's Process: that takes a program for ended once it has closed what it inherited, and then one thread
/// waits for it while all other programs of the tests wait for that thread.
final class Running {
  /// Of the process that was started.
  let pid: Int32
  private var into: Int32
  private let out: Int32
  private let err: Int32
  private var isReaped = false

  init(
    _ words: [String], as caller: Caller = .user, environment: [String: String] = [:],
    directory: String = "/"
  ) throws {
    let prepared = Installed.prepared(words, as: caller, environment: environment, directory: directory)
    let program = try #require(prepared.executableURL?.path)
    var pipes: [[Int32]] = []
    for _ in 0..<3 {
      var ends: [Int32] = [-1, -1]
      try #require(pipe2(&ends, O_CLOEXEC) == 0)
      pipes.append(ends)
    }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    for (number, end) in [pipes[0][0], pipes[1][1], pipes[2][1]].enumerated() {
      posix_spawn_file_actions_adddup2(&actions, end, Int32(number))
    }
    posix_spawn_file_actions_addchdir_np(&actions, directory)
    var arguments = ([program] + (prepared.arguments ?? [])).map { strdup($0) } + [nil]
    var variables = (prepared.environment ?? [:]).map { strdup("\($0)=\($1)") } + [nil]
    defer { for text in arguments + variables { free(text) } }
    var child: pid_t = 0
    let failure = posix_spawn(&child, program, &actions, nil, &arguments, &variables)
    for end in [pipes[0][0], pipes[1][1], pipes[2][1]] { close(end) }
    (pid, into, out, err) = (child, pipes[0][1], pipes[1][0], pipes[2][0])
    try #require(failure == 0, "\(program)")
  }

  /// `apus WORDS`.
  convenience init(
    apus words: String..., as caller: Caller = .user, environment: [String: String] = [:]
  ) throws {
    try self.init([Installed.apus] + words, as: caller, environment: environment)
  }

  deinit {
    if !isReaped {
      kill(pid, SIGKILL)
      var status: Int32 = 0
      waitpid(pid, &status, 0)
    }
    for end in [into, out, err] where end >= 0 { close(end) }
  }

  /// The next line of output; empty when it has ended.
  func line() -> String {
    var bytes: [UInt8] = []
    var byte: UInt8 = 0
    while read(out, &byte, 1) == 1, byte != 0x0A { bytes.append(byte) }
    return String(decoding: bytes, as: UTF8.self)
  }

  func say(_ line: String) {
    let bytes = Array((line + "\n").utf8)
    _ = write(into, bytes, bytes.count)
  }

  /// Ends the input and waits for the end of the program, whose output is short.
  func finish() throws -> Outcome {
    close(into)
    into = -1
    func rest(_ end: Int32) -> String {
      let data = FileHandle(fileDescriptor: end, closeOnDealloc: false).readDataToEndOfFile()
      return String(decoding: data, as: UTF8.self)
    }
    let output = rest(out)
    let errors = rest(err)
    var status: Int32 = 0
    while waitpid(pid, &status, 0) < 0, errno == EINTR { continue }
    isReaped = true
    let code = status & 0x7F == 0 ? status >> 8 & 0xFF : 128 + (status & 0x7F)
    return Outcome(code: code, out: output, err: errors)
  }
}

/// A value behind a lock.
final class Mutex<Value: Sendable>: @unchecked Sendable {
  private let lock = NSLock()
  private var value: Value
  init(_ value: Value) { self.value = value }
  func set(_ new: Value) { lock.withLock { value = new } }
  func get() -> Value { lock.withLock { value } }
}
