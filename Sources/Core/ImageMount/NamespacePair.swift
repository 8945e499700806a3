internal import Glibc
public import Linux

/// Descriptors of a pair.
public struct OpenPair: Equatable, Sendable {
  public let outer: Int32
  public let inner: Int32
}

/// The two user namespaces of a container.
///
/// *Outer* maps its root to the user: it owns the image mount and the mounts of the set-up. *Inner* lies beneath it and
/// maps the user's ids to themselves again: programs run there, as who they are, and cannot trace the server outside.
public enum NamespacePair {
  /// Makes the caller root of a new outer namespace, by default with a mount namespace of its own.
  public static func makeOuter(
    uid: UInt32, gid: UInt32, _ kinds: NamespaceKinds = [.user, .mount]
  ) throws(SystemCallFault) {
    let process = try File.open("/proc/self", O_PATH | O_DIRECTORY)
    try Namespace.unshare(kinds)
    try Namespace.mapOne(uid: uid, to: 0, gid: gid, to: 0, process: process.number)
  }

  /// From within outer: moves the caller into a new inner namespace with the user's ids. `process` is an open
  /// directory /proc/self of the caller.
  public static func makeInner(uid: UInt32, gid: UInt32, process: Int32) throws(SystemCallFault) {
    try Namespace.unshare(.user)
    try Namespace.mapOne(uid: 0, to: uid, gid: 0, to: gid, process: process)
  }
}
