public import Linux
public import Model

/// Why the directory for sockets and locks cannot be used.
public enum RuntimeDirectoryFault: Error, Equatable, Sendable {
  /// Somebody else made it, or it is open to others.
  case notOurs(path: String, owner: UInt32, mode: UInt32)
  case notADirectory(path: String)
  case cannotMake(SystemCallFault)

  init(_ fault: PrivateDirectoryFault) {
    self =
      switch fault {
      case .notOurs(let path, let owner, let mode): .notOurs(path: path, owner: owner, mode: mode)
      case .notADirectory(let path): .notADirectory(path: path)
      case .call(let cause): .cannotMake(cause)
      }
  }
}

extension RuntimeDirectoryFault: Explained {
  public var explanation: Explanation {
    switch self {
    case .notOurs(let path, let owner, let mode):
      Explanation(
        what: "cannot use \(path)",
        why:
          "it must belong to you with mode 0700, and belongs to uid \(owner) with mode 0\(String(mode, radix: 8))",
        remedy:
          "have the administrator remove it, or set XDG_RUNTIME_DIR to a directory of yours with mode 0700")
    case .notADirectory(let path):
      Explanation(
        what: "cannot use \(path)", why: "it is not a directory",
        remedy: "have it removed, or set XDG_RUNTIME_DIR to a directory of yours with mode 0700")
    case .cannotMake(let fault):
      Explanation(what: fault.explanation.what, why: fault.explanation.why, remedy: fault.explanation.remedy)
    }
  }
}

/// Where sockets and locks of one user lie: `$XDG_RUNTIME_DIR/apus` if that directory is the user's own, else
/// `/tmp/apus-UID`. Never trusted for authority: a peer's uid is asked of the kernel.
public struct RuntimeDirectory: Equatable, Sendable {
  public let path: String

  /// Chooses without touching: what a client connects to.
  public static func path(uid: UInt32, xdg: String?) -> String {
    // Jobs inherit the value from where they were submitted; there it may be gone, or another user's.
    if let xdg, ContainerPath.isAbsolute(xdg), xdg.utf8.count <= 40,
      let facts = try? File.facts(xdg, following: false),
      facts.kind == .directory, facts.uid == uid, facts.mode & 0o077 == 0
    {
      return xdg + "/apus"
    }
    return "/tmp/apus-\(uid)"
  }

  /// Refuses a directory that `make` would refuse; makes nothing. None at all is fine.
  public static func check(_ path: String, uid: UInt32) throws(RuntimeDirectoryFault) {
    do throws(PrivateDirectoryFault) { _ = try PrivateDirectory.open(path, uid: uid) } catch {
      if error.isMissing { return }
      throw RuntimeDirectoryFault(error)
    }
  }

  /// Makes the directory and one below it, and checks both through descriptors.
  public static func make(_ path: String, below name: String, uid: UInt32) throws(RuntimeDirectoryFault)
    -> Descriptor
  {
    do throws(PrivateDirectoryFault) {
      // The first is nearly always there, the other goes with the last server of its group.
      let top: Descriptor
      do throws(PrivateDirectoryFault) { top = try PrivateDirectory.open(path, uid: uid) } catch {
        guard error.isMissing else { throw error }
        top = try PrivateDirectory.make(path, uid: uid)
      }
      return try PrivateDirectory.make(name, from: top.number, uid: uid)
    } catch { throw RuntimeDirectoryFault(error) }
  }
}
