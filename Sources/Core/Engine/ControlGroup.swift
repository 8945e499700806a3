internal import Glibc
internal import Linux
internal import Model

/// A control group of this launch's own. It is entered by the process that becomes the program, and removed by its parent.
struct ControlGroup {
  private let path: String
  private let reason: String

  /// Makes the group and sets its limits.
  static func make(_ plan: LimitsPlan) throws(EngineFault) -> ControlGroup {
    var now = timespec()
    unsafe clock_gettime(CLOCK_REALTIME, &now)
    // Not by the number of the process alone: a group may be left with that of an earlier one, or of another PID namespace.
    let group = ControlGroup(
      path: "\(plan.parent)/apus-\(getpid())-\(now.tv_nsec)", reason: plan.reason)
    do throws(SystemCallFault) {
      let path = group.path
      try retrying("mkdir", path) { unsafe mkdir(path, 0o755) }
      for value in plan.values { try group.write(value.text, to: value.file) }
    } catch {
      group.remove()
      throw .setup(activity: "set the limits of \(plan.reason)", cause: error)
    }
    return group
  }

  /// Moves this process into the group.
  func enter() throws(EngineFault) {
    // 0 is who writes (cgroups(7)).
    do throws(SystemCallFault) { try write("0", to: "cgroup.procs") } catch {
      throw .setup(activity: "enter the control group of \(reason)", cause: error)
    }
  }

  /// Takes the group away. While programs that the container has left behind are in it, it stays: the kernel keeps it.
  func remove() { _ = unsafe rmdir(path) }

  private func write(_ text: String, to name: String) throws(SystemCallFault) {
    let file = try File.open(path + "/" + name, O_WRONLY)
    try File.write(Array(text.utf8), to: file.number, subject: path + "/" + name)
  }
}
