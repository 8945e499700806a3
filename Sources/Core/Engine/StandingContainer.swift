internal import CLinux
internal import Glibc
public import Linux

/// The namespaces of a container that stands, open, so that programs can be let in: first into `outer`, then the others
/// and `mount`, at last `inner` (setns(2)). nil: the host's own.
public struct StandingContainer: Sendable {
  /// The user namespace that owns the mounts.
  public let outer: Int32?
  public let mount: Int32
  /// The user namespace of its programs.
  public let inner: Int32?
  public let ipc: Int32?
  public let uts: Int32?
  public let network: Int32?
  public let pid: Int32?

  public init(
    outer: Int32?, mount: Int32, inner: Int32? = nil, ipc: Int32? = nil, uts: Int32? = nil,
    network: Int32? = nil
  ) {
    self.outer = outer
    self.mount = mount
    self.inner = inner
    self.ipc = ipc
    self.uts = uts
    self.network = network
    pid = nil
  }

  /// Of a process inside it. `process`: its open directory of procfs.
  public init(of process: borrowing Descriptor) throws(SystemCallFault) {
    let number = process.number
    func other(_ name: String) throws(SystemCallFault) -> Int32? {
      let theirs = try File.open("ns/" + name, from: number)
      let mine = try File.facts("/proc/self/ns/" + name)
      return try File.facts(theirs).inode == mine.inode ? nil : theirs.release()
    }
    mount = try File.open("ns/mnt", from: number).release()
    inner = try other("user")
    ipc = try other("ipc")
    uts = try other("uts")
    network = try other("net")
    pid = try other("pid")
    guard let inner else {
      outer = nil
      return
    }
    // The one above it; the mounts may be of either. ioctl_ns(2), NS_GET_PARENT
    outer = try checked(apus_ioctl_value(inner, 0xB702, 0), "ioctl", "NS_GET_PARENT")
  }

  /// The same mounts in a mount namespace of its own: two overlays on one layer would be undefined, one overlay shown
  /// twice is not. This process enters it.
  public func apart() throws(SystemCallFault) -> StandingContainer {
    let process = try File.open("/proc/self", O_PATH | O_DIRECTORY)
    try enter()
    try Namespace.unshare(.mount)
    return StandingContainer(
      outer: outer, mount: try File.open("ns/mnt", from: process.number).release(), inner: inner)
  }

  /// A mount of its root alone, without what is mounted on it and without a place. Made by a child, because whoever
  /// enters the mount namespace cannot come back; `fault` is called there.
  public func copyOfRoot(fault: (SystemCallFault) -> Void) throws(SystemCallFault) -> Int32 {
    let (near, far) = try Socket.pair()
    let child = try Process.fork()
    if child == 0 {
      do throws(SystemCallFault) {
        try enter()
        let root = try File.open("/", O_PATH | O_DIRECTORY)
        let copy = try Mount.clone(root.number, recursively: false, subject: "/")
        try Socket.send([1], descriptors: [copy.number], to: far)
        _exit(0)
      } catch {
        fault(error)
        _exit(1)
      }
    }
    close(far)
    defer { close(near) }
    let answer = try Socket.receive(limit: 1, from: near)
    _ = try Process.wait(child)
    guard let root = answer.descriptors.first else { throw SystemCallFault("open_tree", "/", EINVAL) }
    return root
  }

  /// Enters all but what only a program needs: its processes and its user namespace.
  func enter() throws(SystemCallFault) {
    if let outer { try Namespace.enter(outer, .user) }
    if let ipc { try Namespace.enter(ipc, .ipc) }
    if let uts { try Namespace.enter(uts, .uts) }
    if let network { try Namespace.enter(network, .network) }
    try Namespace.enter(mount, .mount)
  }
}
