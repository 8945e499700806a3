internal import Glibc
public import Linux
public import Model

/// Why the directory for sockets and locks cannot be used.
public enum RuntimeDirectoryFault: Error, Equatable, Sendable {
  /// Somebody else made it, or it is open to others.
  case notOurs(path: String, owner: UInt32, mode: UInt32)
  case notADirectory(path: String)
  case cannotMake(SystemCallFault)
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
    do throws(RuntimeDirectoryFault) { _ = try openOurs(path, from: AT_FDCWD, uid: uid) } catch {
      guard case .cannotMake(let cause) = error, cause.number == ENOENT else { throw error }
    }
  }

  /// Makes the directory and one below it, and checks both through descriptors.
  public static func make(_ path: String, below name: String, uid: UInt32) throws(RuntimeDirectoryFault)
    -> Descriptor
  {
    // The first is nearly always there, the other goes with the last server of its group.
    let top: Descriptor
    do throws(RuntimeDirectoryFault) { top = try openOurs(path, from: AT_FDCWD, uid: uid) } catch {
      guard case .cannotMake(let cause) = error, cause.number == ENOENT else { throw error }
      top = try makeAndOpen(path, from: AT_FDCWD, uid: uid)
    }
    return try makeAndOpen(name, from: top.number, uid: uid)
  }

  private static func makeAndOpen(
    _ path: String, from base: Int32, uid: UInt32
  ) throws(RuntimeDirectoryFault) -> Descriptor {
    do throws(SystemCallFault) {
      try retrying("mkdir", path) { unsafe mkdirat(base, path, 0o700) }
    } catch { if error.number != EEXIST { throw .cannotMake(error) } }
    return try openOurs(path, from: base, uid: uid)
  }

  private static func openOurs(
    _ path: String, from base: Int32, uid: UInt32
  ) throws(RuntimeDirectoryFault) -> Descriptor {
    let directory = try openChecked(path, from: base)
    let facts: FileFacts
    do throws(SystemCallFault) { facts = try File.facts(directory) } catch { throw .cannotMake(error) }
    guard facts.uid == uid, facts.mode & 0o077 == 0 else {
      throw .notOurs(path: path, owner: facts.uid, mode: facts.mode)
    }
    return directory
  }

  private static func openChecked(_ path: String, from base: Int32) throws(RuntimeDirectoryFault)
    -> Descriptor
  {
    do throws(SystemCallFault) {
      return try File.open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, from: base)
    } catch {
      if error.number == ENOTDIR || error.number == ELOOP { throw .notADirectory(path: path) }
      if error.number == EACCES, let facts = try? File.facts(path, from: base, following: false) {
        throw .notOurs(path: path, owner: facts.uid, mode: facts.mode)
      }
      throw .cannotMake(error)
    }
  }
}
