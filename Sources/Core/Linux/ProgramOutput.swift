internal import CLinux
internal import Glibc

extension Process {
  /// Which of a program's streams are read. The others lead to /dev/null, but for the standard error of `output`, which
  /// leads to a descriptor; -1: there, too.
  public enum Heard: Sendable {
    case output(errors: Int32 = -1)
    case errors, both
  }

  /// Runs a program to its end, with `input` on its standard input, and returns what it writes. Safe in a process with
  /// threads.
  ///
  /// `input` must fit into a pipe, which holds 4 KiB at least and 64 KiB as a rule (pipe(7)): it is written
  /// before the program starts, so that one that does not read can neither block us nor send SIGPIPE. A
  /// program that writes more than `limit` bytes (EFBIG) or is not done after `seconds` (ETIMEDOUT; nil: it has all the
  /// time it needs) is killed.
  public static func output(
    of path: String, _ arguments: [String], environment: [String], input: [UInt8] = [], limit: Int,
    seconds: Int?, hearing heard: Heard = .output()
  ) throws(SystemCallFault) -> (code: Int32, bytes: [UInt8]) {
    let inputEnds = try File.pipe()
    let inputEnd = Descriptor(owning: inputEnds.read)
    let inputStart = Descriptor(owning: inputEnds.write)
    if !input.isEmpty {
      let number = inputStart.number
      try retrying("fcntl") { fcntl(number, F_SETFL, O_NONBLOCK) }
      try File.write(input, to: number, subject: path)
    }
    _ = consume inputStart
    let outputEnds = try File.pipe()
    let near = Descriptor(owning: outputEnds.read)
    let far = Descriptor(owning: outputEnds.write)
    let (output, errors): (Int32, Int32) =
      switch heard {
      case .output(let errors): (far.number, errors)
      case .errors: (-1, far.number)
      case .both: (far.number, far.number)
      }
    let child = try spawn(
      path, arguments, environment: environment, descriptors: (inputEnd.number, output, errors))
    _ = consume inputEnd
    _ = consume far

    var status: Int32 = 0
    var isDone = false
    func fail(_ number: Int32) -> SystemCallFault {
      if !isDone {
        kill(child, SIGKILL)
        _ = try? wait(child)
      }
      return SystemCallFault("read", path, number)
    }
    let number = near.number
    guard fcntl(number, F_SETFL, O_NONBLOCK) == 0 else { throw fail(errno) }
    let deadline = seconds.map { milliseconds() + $0 * 1000 }
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 4096)
    var isOpen = true
    while true {
      // What an ended program has written is in the pipe; something it left running may keep the other end
      // open.
      if !isDone { isDone = unsafe waitpid(child, &status, WNOHANG) == child }
      while isOpen {
        let count = unsafe Glibc.read(number, &piece, piece.count)
        if count < 0 && errno == EINTR { continue }
        if count <= 0 {
          isOpen = count < 0 && errno == EAGAIN
          break
        }
        bytes += piece[..<count]
        if bytes.count > limit { throw fail(EFBIG) }
      }
      if isDone { return (apus_exit_code(status), bytes) }
      let left = deadline.map { $0 - milliseconds() } ?? .max
      guard left > 0 else { throw fail(ETIMEDOUT) }
      // The end of the program is no event of the pipe: look again now and then, often at first.
      var waiting = pollfd(fd: isOpen ? number : -1, events: Int16(POLLIN), revents: 0)
      _ = unsafe poll(&waiting, 1, Int32(min(left, isOpen ? 50 : 2)))
    }
  }

  private static func milliseconds() -> Int {
    var now = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &now)
    return now.tv_sec * 1000 + now.tv_nsec / 1_000_000
  }
}
