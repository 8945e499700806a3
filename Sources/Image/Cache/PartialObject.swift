internal import Glibc
internal import Linux

/// A download that outlives the process that makes it: it has its name under `partial` from the first byte,
/// and who comes next goes on where it ends. Nothing there counts as complete, so it is verified from the
/// first byte when it is. One process at a time writes it.
public struct PartialObject: ~Copyable, Sendable {
  let cache: CacheDirectory
  public let name: String
  let descriptor: Descriptor
  /// Bytes that were there when it was opened.
  public let size: Int

  /// Open for reading and writing.
  public var number: Int32 { descriptor.number }

  /// Removes it: what it holds is of no use.
  public consuming func discard() {
    guard let folder = cache.existingFolder(.partial) else { return }
    _ = unsafe unlinkat(folder.number, name, 0)
  }

  /// Makes it the object `name` of a kind, once its bytes are on the disk. The caller has verified them.
  @discardableResult
  public consuming func publish(as kind: CacheKind, _ target: String) throws(CacheFault) -> Eviction {
    try ObjectName.check(target)
    let from = try cache.folder(.partial)
    let to = try cache.folder(kind)
    let file = number
    let name = name
    _ = try? FileLock.tryAcquire(descriptor, shared: true)
    try onCache(cache.path(kind, target)) { () throws(SystemCallFault) in
      try retrying("fsync", name) { fsync(file) }
      // What the rename may replace is the same.
      try retrying("rename", target) { unsafe renameat(from.number, name, to.number, target) }
    }
    _ = fsync(to.number)
    return cache.keepLimit()
  }
}

extension CacheDirectory {
  /// Removes a download that something lasting was made of, though the caller still has it open.
  public func removePartial(_ name: String) {
    guard ObjectName.isValid(name.utf8), let folder = existingFolder(.partial) else { return }
    _ = unsafe unlinkat(folder.number, name, 0)
  }

  /// Opens a download to be begun or resumed; nil while another process is at it.
  public func openPartial(_ name: String) throws(CacheFault) -> PartialObject? {
    try ObjectName.check(name)
    let folder = try folder(.partial)
    // A second time where it was renamed or removed between the open and the lock.
    for _ in 0..<8 {
      let file = try onCache(path(.partial, name)) { () throws(SystemCallFault) in
        try File.open(
          name, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK, mode: 0o600, from: folder.number)
      }
      if (try? FileLock.tryAcquire(file)) == false { return nil }
      let facts = try onCache(path) { () throws(SystemCallFault) in try File.facts(file) }
      guard facts.kind == .file, facts.uid == uid else {
        throw .foreign(path: path(.partial, name), owner: facts.uid)
      }
      guard let named = try? File.facts(name, from: folder.number, following: false),
        named.inode == facts.inode
      else { continue }
      return PartialObject(cache: self, name: name, descriptor: file, size: facts.size)
    }
    return nil
  }
}
