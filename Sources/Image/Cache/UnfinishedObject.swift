internal import Content
internal import Glibc
internal import Linux

/// An object that is being written. It has no name until it is published, and goes if it never is.
public struct UnfinishedObject: ~Copyable, Sendable {
  let cache: CacheDirectory
  public let kind: CacheKind
  public private(set) var name: String
  private var file: UnfinishedFile

  init(_ cache: CacheDirectory, _ kind: CacheKind, _ name: String, mode: UInt32) throws(CacheFault) {
    try ObjectName.check(name)
    let folder = try cache.folder(kind)
    Unfinished.removeAbandoned(in: folder.number)
    do throws(SystemCallFault) { file = try UnfinishedFile(name, in: folder, mode: mode) } catch {
      throw .call(path: cache.path(kind, name), error)
    }
    self.cache = cache
    self.kind = kind
    self.name = name
  }

  /// Changes the name it will have: that of content whose digest is known only when all of it has come.
  public mutating func rename(to name: String) throws(CacheFault) {
    try ObjectName.check(name)
    self.name = name
    file.name = name
  }

  /// Open for reading and writing.
  public var number: Int32 { file.number }

  /// Gives the object its name once its bytes are on the disk. If somebody else published the same meanwhile,
  /// theirs stays. Then makes room if the cache has grown beyond its limit; this object is kept at least
  /// until its variable goes.
  @discardableResult
  public mutating func publish() throws(CacheFault) -> Eviction {
    try publish(.keep)
    return cache.keepLimit()
  }

  mutating func publish(_ collision: UnfinishedFile.Collision) throws(CacheFault) {
    // From the moment it has a name others may want to lock it for use.
    _ = try? FileLock.tryAcquire(file.descriptor, shared: true)
    do throws(SystemCallFault) { try file.publish(collision) } catch {
      throw .call(path: cache.path(kind, name), error)
    }
  }
}

extension CacheDirectory {
  /// Begins an object. `mode` is cut by the caller's umask: an image that is hard-linked out of the cache
  /// wants 0o755.
  public func create(
    _ kind: CacheKind, _ name: String, mode: UInt32 = 0o600
  ) throws(CacheFault) -> UnfinishedObject {
    try UnfinishedObject(self, kind, name, mode: mode)
  }
}
