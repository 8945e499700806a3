internal import Glibc
public import Linux
internal import Model

/// The process of a container, told from every other that gets its number.
public enum ContainerProcess {
  /// When a process was started, in ticks; nil where there is none, or it has ended and waits for its parent.
  public static func startTicks(of pid: Int32) -> UInt64? {
    guard pid > 1, let bytes = try? File.readAll("/proc/\(pid)/stat", limit: 1 << 16) else { return nil }
    // The name of the program, between parentheses, may hold anything.
    guard let name = bytes.lastIndex(of: UInt8(ascii: ")")) else { return nil }
    let fields = String(decoding: bytes[(name + 1)...], as: UTF8.self).fields(at: UInt8(ascii: " "))
      .filter { !$0.isEmpty }
    // The first is field 3 of proc(5), the state; the start is field 22.
    guard fields.count > 19, !["Z", "X", "x"].contains(fields[0]) else { return nil }
    return UInt64(fields[19])
  }

  static func isAlive(_ record: ContainerRecord) -> Bool {
    record.pid > 1 && startTicks(of: record.pid) == record.startTicks
  }

  /// Sends a signal to the process, or with `all` to every process of its session's first group. False: it has ended.
  static func signal(_ record: ContainerRecord, _ number: Int32, all: Bool) throws(SystemCallFault) -> Bool {
    // Held, so that the number cannot become another's between the look and the signal.
    let held = try? Process.pidfd(record.pid)
    guard isAlive(record) else { return false }
    do throws(SystemCallFault) {
      if !all, let held {
        try Process.signal(held, number)
      } else {
        // The group keeps its number for as long as it has members.
        try retrying("kill") { kill(all ? -record.pid : record.pid, number) }
      }
      return true
    } catch {
      if error.number == ESRCH { return false }
      throw error
    }
  }

  /// Sends a signal to a process of the calling user that the caller of a command names. False: there is none.
  public static func signal(pid: Int32, _ number: Int32) throws(SystemCallFault) -> Bool {
    guard pid > 1 else { return false }
    do throws(SystemCallFault) {
      try retrying("kill") { kill(pid, number) }
      return true
    } catch {
      if error.number == ESRCH { return false }
      throw error
    }
  }

  /// Waits for the end. False: it did not come in time.
  static func awaitEnd(_ record: ContainerRecord, milliseconds: Int) -> Bool {
    for _ in 0...milliseconds / 5 {
      if !isAlive(record) { return true }
      usleep(5000)
    }
    return !isAlive(record)
  }
}
