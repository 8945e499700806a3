internal import Glibc
public import Linux

/// A file that appears under its name only when it is finished: written without a name (O_TMPFILE) where the
/// file system can, else under a hidden name beside its place. Whatever goes wrong, what was there stays as
/// it was and nothing half-written remains. Until it is published its writer holds a lock on it
/// (`Unfinished.claim`).
public struct UnfinishedFile: ~Copyable, Sendable {
  /// What becomes of a file that has the name already.
  public enum Collision: Sendable {
    /// It stays, and the call fails with EEXIST.
    case refuse
    /// The new file takes its place in one step.
    case replace
    /// It stays and the new file goes: both hold the same.
    case keep
  }

  private let directory: Descriptor
  /// The name it will have.
  public var name: String
  /// Hidden name beside the place; empty while the file has none.
  private var hidden: String
  public let descriptor: Descriptor

  public var number: Int32 { descriptor.number }

  /// `directory` is open for reading or as a path; `mode` is cut by the caller's umask.
  public init(_ name: String, in directory: consuming Descriptor, mode: UInt32) throws(SystemCallFault) {
    Unfinished.removeAbandoned(of: name, in: directory.number)
    var hidden = ""
    let descriptor = try Self.open(beside: name, in: directory.number, mode, &hidden)
    Unfinished.claim(descriptor)
    self.name = name
    self.hidden = hidden
    self.directory = directory
    self.descriptor = descriptor
  }

  private static func open(
    beside name: String, in directory: Int32, _ mode: UInt32, _ hidden: inout String
  ) throws(SystemCallFault) -> Descriptor {
    do throws(SystemCallFault) {
      return try File.open(".", O_TMPFILE | O_RDWR, mode: mode, from: directory)
    } catch {
      // EOPNOTSUPP: no such files there; EISDIR and ENOENT: a kernel or file system that does not know the
      // flag.
      guard [EOPNOTSUPP, EISDIR, ENOENT, EINVAL].contains(error.number) else { throw error }
    }
    return try withFreeName(name) { candidate throws(SystemCallFault) in
      let file = try File.open(candidate, O_CREAT | O_EXCL | O_RDWR, mode: mode, from: directory)
      // Whoever removes what writers left may have come before the lock: then it is that one's, or gone already.
      if (try? FileLock.tryAcquire(file)) == false { throw SystemCallFault("open", candidate, EEXIST) }
      if try File.facts(file).linkCount == 0 { throw SystemCallFault("open", candidate, EEXIST) }
      hidden = candidate
      return file
    }
  }

  /// Threads of this process, and processes of other nodes with the same number, may write the same target.
  private static func withFreeName<R: ~Copyable>(
    _ name: String, _ body: (String) throws(SystemCallFault) -> R
  ) throws(SystemCallFault) -> R {
    let first = Unfinished.name(for: name)
    for attempt in 0..<64 {
      do throws(SystemCallFault) { return try body(attempt == 0 ? first : "\(first)-\(attempt)") } catch {
        if error.number != EEXIST { throw error }
      }
    }
    throw SystemCallFault("open", first, EEXIST)
  }

  deinit { if !hidden.isEmpty { _ = unsafe unlinkat(directory.number, hidden, 0) } }

  /// Gives the finished file its name, after its bytes are on the disk.
  public mutating func publish(_ collision: Collision) throws(SystemCallFault) {
    let file = descriptor.number
    try retrying("fsync", name) { fsync(file) }
    switch collision {
    case .replace: try replace()
    case .refuse: try link(as: name)
    case .keep:
      do throws(SystemCallFault) { try link(as: name) } catch {
        switch error.number {
        case EEXIST: return
        // File systems without hard links: what the rename replaces is the same.
        case EPERM, EOPNOTSUPP, ENOSYS, EMLINK: try replace()
        default: throw error
        }
      }
    }
    // The name is on the disk with its directory. Where directories cannot be synced the file system sees to
    // it.
    if let listing = try? File.open(".", O_RDONLY | O_DIRECTORY, from: directory.number) {
      _ = fsync(listing.number)
    }
  }

  private mutating func replace() throws(SystemCallFault) {
    if hidden.isEmpty {
      hidden = try Self.withFreeName(name) { candidate throws(SystemCallFault) in
        try link(as: candidate)
        return candidate
      }
    }
    let from = hidden
    let name = name
    let directory = directory.number
    try retrying("rename", name) { unsafe renameat(directory, from, directory, name) }
    hidden = ""
  }

  private func link(as name: String) throws(SystemCallFault) {
    let file = descriptor.number
    let directory = directory.number
    let hidden = hidden
    try retrying("linkat", name) {
      unsafe hidden.isEmpty
        ? linkat(AT_FDCWD, "/proc/self/fd/\(file)", directory, name, AT_SYMLINK_FOLLOW)
        : linkat(directory, hidden, directory, name, 0)
    }
  }
}
