internal import Glibc
internal import Linux

/// What a process does with signals, of /proc/PID/status (proc_pid_status(5)).
struct SignalState: Equatable {
  private let blocked: UInt64
  private let ignored: UInt64
  private let caught: UInt64

  /// `text`: the file. nil: another process has the number by now, or the file says something else.
  init?(_ text: String, parent: Int32) {
    func value(_ name: String) -> Substring? {
      text.split(separator: "\n").first { $0.hasPrefix(name + ":\t") }?.dropFirst(name.count + 2)
    }
    func mask(_ name: String) -> UInt64? { value(name).flatMap { UInt64($0, radix: 16) } }
    guard value("PPid") == "\(parent)", let blocked = mask("SigBlk"), let ignored = mask("SigIgn"),
      let caught = mask("SigCgt")
    else { return nil }
    self.blocked = blocked
    self.ignored = ignored
    self.caught = caught
  }

  /// `processes`: an open directory of procfs.
  init?(of pid: Int32, parent: Int32, processes: Int32) {
    guard let bytes = try? File.readAll("\(pid)/status", limit: 1 << 16, from: processes) else { return nil }
    self.init(String(decoding: bytes, as: UTF8.self), parent: parent)
  }

  /// Whether the kernel's default action would follow. A signal that is blocked waits for whoever asks for it.
  func leavesToKernel(_ signal: Int32) -> Bool {
    guard (1...64).contains(signal) else { return false }
    return (blocked | ignored | caught) & (1 << UInt64(signal - 1)) == 0
  }
}
