internal import Glibc
internal import Linux
internal import Model

/// A control group of this launch's own. It is entered by the process that becomes the program, and removed by its parent.
///
/// All is done from the open directory of the group above: the child's pivot_root moves the root of its parent too, where
/// both share a mount namespace, and then the host's paths lead elsewhere.
struct ControlGroup {
  /// The group above, open for as long as this process lives.
  let parent: Int32
  private let name: String
  private let reason: String

  /// Makes the group and sets its limits.
  static func make(_ plan: LimitsPlan) throws(EngineFault) -> ControlGroup {
    var now = timespec()
    unsafe clock_gettime(CLOCK_REALTIME, &now)
    do throws(SystemCallFault) {
      // Not by the number of the process alone: a group may be left with that of an earlier one, or of another PID
      // namespace.
      let group = ControlGroup(
        parent: try File.open(plan.parent, O_PATH | O_DIRECTORY).release(),
        name: "apus-\(getpid())-\(now.tv_nsec)", reason: plan.reason)
      let (parent, name) = (group.parent, group.name)
      try retrying("mkdir", plan.parent + "/" + name) { unsafe mkdirat(parent, name, 0o755) }
      do throws(SystemCallFault) {
        for value in plan.values { try group.write(value.text, to: value.file) }
      } catch {
        group.remove()
        throw error
      }
      return group
    } catch { throw .setup(activity: "set the limits of \(plan.reason)", cause: error) }
  }

  /// Moves this process into the group.
  func enter() throws(EngineFault) {
    // 0 is who writes (cgroups(7)).
    do throws(SystemCallFault) { try write("0", to: "cgroup.procs") } catch {
      throw .setup(activity: "enter the control group of \(reason)", cause: error)
    }
  }

  /// Takes the group away. While programs that the container has left behind are in it, it stays: the kernel keeps it.
  func remove() { _ = unsafe unlinkat(parent, name, AT_REMOVEDIR) }

  private func write(_ text: String, to file: String) throws(SystemCallFault) {
    let path = name + "/" + file
    let open = try File.open(path, O_WRONLY, from: parent)
    try File.write(Array(text.utf8), to: open.number, subject: path)
  }
}
