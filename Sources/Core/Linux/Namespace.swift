internal import CLinux
internal import Glibc

/// Kinds of namespaces, the CLONE_NEW* bits of namespaces(7).
public struct NamespaceKinds: OptionSet, Sendable, Equatable {
  public let rawValue: Int32
  public init(rawValue: Int32) { self.rawValue = rawValue }
  public static let user = NamespaceKinds(rawValue: CLONE_NEWUSER)
  public static let mount = NamespaceKinds(rawValue: CLONE_NEWNS)
  public static let pid = NamespaceKinds(rawValue: CLONE_NEWPID)
  public static let ipc = NamespaceKinds(rawValue: CLONE_NEWIPC)
  public static let uts = NamespaceKinds(rawValue: CLONE_NEWUTS)
  public static let network = NamespaceKinds(rawValue: CLONE_NEWNET)
  public static let cgroup = NamespaceKinds(rawValue: CLONE_NEWCGROUP)
}

public enum Namespace {
  public static func unshare(_ kinds: NamespaceKinds) throws(SystemCallFault) {
    try checked(apus_unshare(kinds.rawValue), "unshare")
  }

  public static func enter(_ descriptor: Int32, _ kinds: NamespaceKinds) throws(SystemCallFault) {
    try checked(apus_setns(descriptor, kinds.rawValue), "setns")
  }

  /// Switches on the loopback device of this thread's network namespace: in a new one it is off.
  public static func raiseLoopback() throws(SystemCallFault) {
    try checked(apus_raise_loopback(), "ioctl", "lo")
  }

  /// Lets everybody in this thread's network namespace listen on all ports and send pings, as far as the kernel knows
  /// these settings (ip-sysctl.rst): the network is the caller's own, and the host's ports are others.
  public static func openNetwork() {
    let values = [("ip_unprivileged_port_start", "0"), ("ping_group_range", "0 0")]
    for (name, value) in values {
      let path = "/proc/sys/net/ipv4/" + name
      guard let file = try? File.open(path, O_WRONLY) else { continue }
      try? File.write(Array(value.utf8), to: file.number, subject: path)
    }
  }

  /// This process's namespace of one kind, as named below /proc/self/ns.
  public static func current(_ name: String) throws(SystemCallFault) -> Descriptor {
    try File.open("/proc/self/ns/" + name)
  }

  /// Whether this process is in the user namespace of the system, where root is root. The kernel gives that one a fixed
  /// inode (include/linux/proc_ns.h, PROC_USER_INIT_INO).
  public static var isOfSystem: Bool {
    (try? File.facts("/proc/self/ns/user"))?.inode == 0xEFFF_FFFD
  }

  /// Writes the maps of this process's user namespace, which nobody has mapped yet: `inside` is what the caller's
  /// effective ids become. `outer` ids are those of the parent namespace.
  /// `process` is an open directory of procfs (/proc/self), so that it works after the root has changed.
  public static func mapOne(
    uid outerUID: UInt32, to insideUID: UInt32, gid outerGID: UInt32, to insideGID: UInt32, process: Int32
  ) throws(SystemCallFault) {
    // An unprivileged gid map is accepted only once setgroups is denied (user_namespaces(7)).
    try write("deny", to: "setgroups", process)
    try write("\(insideUID) \(outerUID) 1\n", to: "uid_map", process)
    try write("\(insideGID) \(outerGID) 1\n", to: "gid_map", process)
  }

  /// Writes the maps of another process's user namespace, with the rights of its parent namespace: any number of lines.
  /// `process` is an open directory of procfs.
  public static func map(users: String, groups: String, process: Int32) throws(SystemCallFault) {
    try write(users, to: "uid_map", process)
    try write(groups, to: "gid_map", process)
  }

  private static func write(_ text: String, to name: String, _ process: Int32) throws(SystemCallFault) {
    let file = try File.open(name, O_WRONLY, from: process)
    try File.write(Array(text.utf8), to: file.number, subject: "/proc/self/" + name)
  }
}
