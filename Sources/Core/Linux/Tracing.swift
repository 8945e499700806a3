internal import CLinux
internal import Glibc
internal import Model

/// Following the system calls of a child and its descendants (ptrace(2)).
public enum Tracing {
  /// Why a followed process has stopped.
  public enum Stop: Equatable, Sendable {
    /// It ended; its exit code, or 128 + the signal.
    case end(code: Int32)
    /// At the entry of a system call, or on its return.
    case call
    /// A new process or program, or a stop that only followers see.
    case event
    case signal(Int32)
  }

  /// A system call that has to do with a file.
  public struct FileCall: Sendable {
    public let use: Int32
    /// Absolute where the directory it counts from is known.
    public let path: String
  }

  public enum Moment: Sendable {
    case entry(FileCall?)
    case exit(failure: Int32)
    case unknown
  }

  /// Lets the parent follow this process, and waits for it.
  public static func offer() throws(SystemCallFault) {
    try checked(apus_trace_me(), "ptrace")
    raise(SIGSTOP)
  }

  /// Begins to follow a child that has offered itself and stopped.
  public static func start(_ pid: Int32) throws(SystemCallFault) {
    try checked(apus_trace_start(pid), "ptrace")
  }

  public static func proceed(_ pid: Int32, signal: Int32 = 0) { _ = apus_trace_continue(pid, signal) }

  /// The next process that has stopped or ended; nil: none has.
  public static func next() -> (pid: Int32, stop: Stop)? {
    var status: Int32 = 0
    // __WALL
    let pid = unsafe waitpid(-1, &status, WNOHANG | 0x4000_0000)
    guard pid > 0 else { return nil }
    guard apus_is_stopped(status) != 0 else { return (pid, .end(code: apus_exit_code(status))) }
    let signal = apus_stop_signal(status)
    // PTRACE_O_TRACESYSGOOD
    if signal == SIGTRAP | 0x80 { return (pid, .call) }
    if apus_stop_event(status) != 0 { return (pid, .event) }
    return (pid, .signal(signal))
  }

  /// What a process that has stopped at a call is about to do, or has done.
  public static func moment(of pid: Int32) -> Moment {
    var call = apus_call()
    guard unsafe apus_trace_call(pid, &call) == 0 else { return .unknown }
    if call.is_exit != 0 { return .exit(failure: call.failure) }
    guard call.is_entry != 0 else { return .unknown }
    var use: Int32 = 0
    var directory: Int32 = 0
    var address: UInt64 = 0
    guard unsafe apus_file_call(pid, &call, &use, &directory, &address) == 1,
      let path = text(of: pid, at: address), !path.isEmpty
    else { return .entry(nil) }
    if ContainerPath.isAbsolute(path) { return .entry(FileCall(use: use, path: path)) }
    let base = directory == AT_FDCWD ? "cwd" : "fd/\(directory)"
    guard let from = try? File.target(ofLink: "/proc/\(pid)/\(base)"), ContainerPath.isAbsolute(from) else {
      return .entry(nil)
    }
    return .entry(FileCall(use: use, path: ContainerPath.normalized(path, from: from)))
  }

  /// A text of the process's memory, up to its NUL, read in pieces that do not cross a page.
  private static func text(of pid: Int32, at address: UInt64) -> String? {
    var bytes: [UInt8] = []
    var place = address
    while bytes.count < 4096 {
      let size = 256 - Int(place & 255)
      var piece = [UInt8](repeating: 0, count: size)
      let got = unsafe piece.withUnsafeMutableBytes {
        unsafe apus_read_memory(pid, place, $0.baseAddress, size)
      }
      guard got == size else { return nil }
      if let end = piece.firstIndex(of: 0) {
        return HostText.decode(bytes + piece[..<end])
      }
      bytes += piece
      place += UInt64(size)
    }
    return nil
  }
}
