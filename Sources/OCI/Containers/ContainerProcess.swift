internal import Glibc
public import Linux
internal import Model

/// The process of a container, told from every other that gets its number.
public enum ContainerProcess {
  static func isAlive(_ record: ContainerRecord) -> Bool {
    record.pid > 1 && Process.startTicks(of: record.pid) == record.startTicks
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
