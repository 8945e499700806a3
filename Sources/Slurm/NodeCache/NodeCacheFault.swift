public import Linux
public import Model

/// Why the node cache cannot be used.
public enum NodeCacheFault: Error, Equatable, Sendable {
  case noDirectory(path: String)
  /// Somebody else made the user's folder, or it is open to others.
  case notOurs(path: String, uid: UInt32, owner: UInt32, mode: UInt32)
  case notADirectory(path: String)
  case call(path: String, SystemCallFault)
}

extension NodeCacheFault: Explained {
  public var explanation: Explanation {
    switch self {
    case .noDirectory(let path):
      Explanation(
        what: "cannot use the node cache \(printable(path))", why: "there is no such directory on this node",
        remedy: "have the administrator make it: install -d -m 1777 \(printable(path))")
    case .notOurs(let path, let uid, let owner, let mode):
      Explanation(
        what: "cannot use the node cache \(printable(path))",
        why: "it must belong to uid \(uid) with mode 0700, and belongs to uid \(owner) with mode "
          + "0\(String(mode, radix: 8))",
        remedy: "have the administrator remove it; the directory above it should have mode 1777")
    case .notADirectory(let path):
      Explanation(
        what: "cannot use the node cache \(printable(path))", why: "it is not a directory",
        remedy: "have the administrator remove it")
    case .call(let path, let fault):
      Explanation(
        what: "cannot use the node cache \(printable(path))", why: fault.explanation.why,
        remedy: fault.explanation.remedy)
    }
  }
}
