internal import Glibc
public import Linux
public import Model

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
        name: "\(word)-\(getpid())-\(now.tv_nsec)", reason: plan.reason)
      let (parent, name) = (group.parent, group.name)
      sweep(parent)
      for controller in plan.enabled { try write("+" + controller, to: "cgroup.subtree_control", of: parent) }
      try retrying("mkdir", plan.parent + "/" + name) { unsafe mkdirat(parent, name, 0o755) }
      do throws(SystemCallFault) {
        for value in plan.values { try write(value.text, to: name + "/" + value.file, of: parent) }
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
    do throws(SystemCallFault) { try Self.write("0", to: name + "/cgroup.procs", of: parent) } catch {
      throw .setup(activity: "enter the control group of \(reason)", cause: error)
    }
  }

  /// Takes the group away. While programs that the container has left behind are in it, the kernel keeps it: then a later
  /// launch does it.
  func remove() {
    // Who has ended is in it for a moment more.
    for _ in 0..<10 {
      if unsafe unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno != EBUSY { return }
      usleep(5000)
    }
  }

  /// Takes away what launches have left that are gone. A group with processes stays.
  private static func sweep(_ parent: Int32) {
    guard let folder = try? File.open(".", O_RDONLY | O_DIRECTORY, from: parent),
      let names = try? File.names(in: folder)
    else { return }
    for name in names {
      // Its launch may not have entered it yet.
      guard let pid = launcher(ofGroup: name), kill(pid, 0) != 0, errno == ESRCH else { continue }
      _ = unsafe unlinkat(parent, name, AT_REMOVEDIR)
    }
  }

  /// The process that has made the group, by its name; nil: no launch has.
  static func launcher(ofGroup name: String) -> Int32? {
    let words = name.fields(at: UInt8(ascii: "-"))
    guard words.count == 3, words[0] == word, let pid = Int32(words[1]), pid > 0,
      UInt32(words[2]) != nil
    else { return nil }
    return pid
  }

  private static let word: Substring = "apus"

  private static func write(
    _ text: String, to path: String, of group: Int32
  ) throws(SystemCallFault) {
    let open = try File.open(path, O_WRONLY, from: group)
    try File.write(Array(text.utf8), to: open.number, subject: path)
  }
}

extension Engine {
  /// Moves this process into the control group that a launch has made for the container `process` is in, so that the
  /// limits hold for both. `process`: its open directory of procfs. Returns why that could not be; nil also where the
  /// container has no group of its own.
  public static func shareLimits(with process: borrowing Descriptor) -> Notice? {
    ControlGroup.enter(groupOf: process.number)
  }
}

extension ControlGroup {
  fileprivate static func enter(groupOf process: Int32) -> Notice? {
    let text = (try? File.readAll("cgroup", limit: 65536, from: process)) ?? []
    guard
      let line = String(decoding: text, as: UTF8.self).lines.first(where: { $0.starts(withBytesOf: "0::/") }),
      let path = String(line.utf8.dropFirst(3)),
      launcher(ofGroup: ContainerPath.lastComponent(path)) != nil
    else { return nil }
    do throws(SystemCallFault) {
      let group = try File.open("/sys/fs/cgroup" + path, O_PATH | O_DIRECTORY)
      try write("0", to: "cgroup.procs", of: group.number)
      return nil
    } catch {
      return Notice(
        .warning,
        "the limits of the container do not hold for this program: its control group cannot be entered "
          + "(\(errorText(error.number)))")
    }
  }
}
