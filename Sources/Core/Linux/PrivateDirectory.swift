public import Glibc

/// Why a directory is not the user's own.
public enum PrivateDirectoryFault: Error, Equatable, Sendable {
  /// Somebody else made it, or it is open to others.
  case notOurs(path: String, owner: UInt32, mode: UInt32)
  case notADirectory(path: String)
  case call(SystemCallFault)

  public var isMissing: Bool { if case .call(let cause) = self { cause.number == ENOENT } else { false } }
}

/// A directory that must belong to one user with mode 0700, in a place where others may make names too. Whatever the
/// path says, the owner and the mode are asked of the descriptor.
public enum PrivateDirectory {
  /// Opens it; a link is refused.
  public static func open(
    _ path: String, from base: Int32 = AT_FDCWD, uid: UInt32
  ) throws(PrivateDirectoryFault) -> Descriptor {
    let directory = try openUnchecked(path, from: base)
    let facts: FileFacts
    do throws(SystemCallFault) { facts = try File.facts(directory) } catch { throw .call(error) }
    guard facts.uid == uid, facts.mode & 0o077 == 0 else {
      throw .notOurs(path: path, owner: facts.uid, mode: facts.mode)
    }
    return directory
  }

  /// Makes it where there is none, and opens it.
  public static func make(
    _ path: String, from base: Int32 = AT_FDCWD, uid: UInt32
  ) throws(PrivateDirectoryFault) -> Descriptor {
    do throws(SystemCallFault) {
      try retrying("mkdir", path) { unsafe mkdirat(base, path, 0o700) }
    } catch { if error.number != EEXIST { throw .call(error) } }
    return try open(path, from: base, uid: uid)
  }

  private static func openUnchecked(
    _ path: String, from base: Int32
  ) throws(PrivateDirectoryFault) -> Descriptor {
    do throws(SystemCallFault) {
      return try File.open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, from: base)
    } catch {
      if error.number == ENOTDIR || error.number == ELOOP { throw .notADirectory(path: path) }
      if error.number == EACCES, let facts = try? File.facts(path, from: base, following: false) {
        throw .notOurs(path: path, owner: facts.uid, mode: facts.mode)
      }
      throw .call(error)
    }
  }
}
