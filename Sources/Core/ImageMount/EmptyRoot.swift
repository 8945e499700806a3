internal import Glibc
public import Linux

/// A mount namespace with nothing in it, for processes that outlive a launch: whoever stayed in its mounts would keep
/// them from ever going.
public enum EmptyRoot {
  /// Leaves all mounts behind. Needs the rights to mount.
  public static func enter() throws(SystemCallFault) {
    try Namespace.unshare(.mount)
    try Mount.makeEverythingPrivate()
    let bottom = try File.open("/", O_PATH | O_DIRECTORY)
    let top = try Mount.make(
      "tmpfs", options: [("size", "4096"), ("mode", "0700")], attributes: [.noSetID, .noDevices],
      at: bottom.number, subject: "/"
    ) { () throws(SystemCallFault) in try Mount.topmostRoot() }
    try Mount.pivot(to: top.number)
  }
}
