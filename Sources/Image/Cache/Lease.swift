internal import Glibc
internal import Linux

/// A lock for file systems that have none: whoever makes the file `NAME.lease` holds it until they remove it.
/// It is put in place by link(2) with its text in it, which is one step on every NFS; where links are
/// missing, by O_EXCL.
enum Lease {
  private static let suffix = ".lease"

  /// No name of an object: `l` is no hexadecimal digit.
  static func name(_ name: String) -> String { name + suffix }

  static func isLease(_ name: [UInt8]) -> Bool { name.suffix(suffix.utf8.count).elementsEqual(suffix.utf8) }

  /// Makes the lease; nil where somebody has it. The descriptor is open for writing.
  static func take(_ name: String, _ owner: LockOwner, in folder: Int32) throws(SystemCallFault)
    -> Descriptor?
  {
    let lease = Self.name(name)
    let aside = asideName(lease)
    let file = try File.open(aside, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o600, from: folder)
    defer { _ = unsafe unlinkat(folder, aside, 0) }
    try File.write(Array(owner.text.utf8), to: file.number, subject: lease)
    do throws(SystemCallFault) {
      try retrying("linkat", lease) { unsafe linkat(folder, aside, folder, lease, 0) }
      return file
    } catch {
      // The answer of an NFS server may be lost when the link was made; two names tell (open(2), O_EXCL).
      if let facts = try? File.facts(file), facts.linkCount == 2 { return file }
      if error.number == EEXIST { return nil }
      guard [EPERM, EOPNOTSUPP, ENOSYS, EMLINK].contains(error.number) else { throw error }
    }
    do throws(SystemCallFault) {
      let made = try File.open(lease, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o600, from: folder)
      try File.write(Array(owner.text.utf8), to: made.number, subject: lease)
      return made
    } catch {
      if error.number == EEXIST { return nil }
      throw error
    }
  }

  /// Removes the lease if it still is the file `inode`: by moving it aside first, so that nobody's new one is
  /// lost.
  static func remove(_ name: String, inode: UInt64, in folder: Int32) {
    let lease = Self.name(name)
    let aside = asideName(lease)
    guard let named = try? File.facts(lease, from: folder, following: false), named.inode == inode,
      unsafe renameat(folder, lease, folder, aside) == 0
    else { return }
    if let moved = try? File.facts(aside, from: folder, following: false), moved.inode != inode {
      _ = unsafe linkat(folder, aside, folder, lease, 0)
    }
    _ = unsafe unlinkat(folder, aside, 0)
  }

  /// A name that nobody else uses, which cleaning knows as unfinished.
  private static func asideName(_ lease: String) -> String {
    ".\(lease).apus-\(getpid())-\(UInt32.random(in: 0...(.max)))"
  }
}
