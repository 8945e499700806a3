import Foundation
import Testing

/// A program that runs while the test looks at it, and reads lines from the test.
///
/// Not Foundation's Process: that takes a program for ended once it has closed what it inherited, and then one thread
/// waits for it while all other programs of the tests wait for that thread.
final class Running {
  /// How long a program may be silent before the test gives up: what hangs is named, and the other tests go on.
  static let patience: Int32 = 600

  /// Of the process that was started.
  let pid: Int32
  private let name: String
  private var into: Int32
  private let out: Int32
  private let err: Int32
  private var isReaped = false
  /// A program that no longer reads is the test's subject, not its end.
  private static let ignoresBrokenPipes: Void = { signal(SIGPIPE, SIG_IGN) }()

  init(
    _ words: [String], as caller: Caller = .user, environment: [String: String] = [:],
    directory: String = "/"
  ) throws {
    Self.ignoresBrokenPipes
    let command = Installed.command(words, as: caller)
    name = words.joined(separator: " ")
    var variables = [
      "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": Installed.home, "USER": "apus-test", "TERM": "dumb",
    ]
    variables.merge(environment) { $1 }
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
    var arguments = command.map { strdup($0) } + [nil]
    var entries = variables.map { strdup("\($0)=\($1)") } + [nil]
    defer { for text in arguments + entries { free(text) } }
    var child: pid_t = 0
    let failure = posix_spawn(&child, command[0], &actions, nil, &arguments, &entries)
    for end in [pipes[0][0], pipes[1][1], pipes[2][1]] { close(end) }
    (pid, into, out, err) = (child, pipes[0][1], pipes[1][0], pipes[2][0])
    guard failure == 0 else {
      isReaped = true
      throw POSIXError(POSIXErrorCode(rawValue: failure) ?? .ENOENT, userInfo: ["program": command[0]])
    }
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
      _ = reaped()
    }
    for end in [into, out, err] where end >= 0 { close(end) }
  }

  /// The next line of output; empty when it has ended.
  func line() -> String {
    var bytes: [UInt8] = []
    var byte: UInt8 = 0
    while isReadable([out]) == [true], read(out, &byte, 1) == 1, byte != 0x0A { bytes.append(byte) }
    return String(decoding: bytes, as: UTF8.self)
  }

  func say(_ line: String) {
    send(line + "\n")
  }

  /// Ends the input, after `input`, and waits for the end of the program and of its output.
  func finish(input: String = "") throws -> Outcome {
    // What a pipe holds; who asks for more wants a file.
    try #require(input.utf8.count <= 65_536)
    send(input)
    close(into)
    into = -1
    var texts = [Data(), Data()]
    var ends: [Int32] = [out, err]
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while ends != [-1, -1], let readable = isReadable(ends) {
      for (number, end) in ends.enumerated() where readable[number] {
        let count = read(end, &buffer, buffer.count)
        if count > 0 { texts[number].append(contentsOf: buffer[..<count]) } else { ends[number] = -1 }
      }
    }
    let status = reaped()
    let code = status & 0x7F == 0 ? status >> 8 & 0xFF : 128 + (status & 0x7F)
    return Outcome(
      code: code, out: String(decoding: texts[0], as: UTF8.self),
      err: String(decoding: texts[1], as: UTF8.self))
  }

  private func send(_ text: String) {
    let bytes = Array(text.utf8)
    _ = write(into, bytes, bytes.count)
  }

  /// Which of the descriptors have something to read, or an end; nil when the program was given up.
  private func isReadable(_ ends: [Int32]) -> [Bool]? {
    var polled = ends.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
    var count: Int32
    repeat {
      count = poll(&polled, nfds_t(polled.count), Self.patience * 1000)
    } while count < 0 && errno == EINTR
    guard count > 0 else {
      Issue.record("nothing for \(Self.patience) s from \(name)")
      kill(pid, SIGKILL)
      return nil
    }
    return polled.map { $0.revents != 0 }
  }

  /// The program's status, once it has ended.
  private func reaped() -> Int32 {
    var status: Int32 = 0
    // It may have closed its output, and gone on.
    let limit = ContinuousClock.now + .seconds(Self.patience)
    var pause: UInt32 = 100
    while ContinuousClock.now < limit {
      let ended = waitpid(pid, &status, WNOHANG)
      if ended == pid || ended < 0 && errno != EINTR {
        isReaped = true
        return status
      }
      usleep(pause)
      pause = min(pause * 2, 10_000)
    }
    Issue.record("after \(Self.patience) s still running: \(name)")
    kill(pid, SIGKILL)
    isReaped = true
    return SIGKILL
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
