internal import Glibc
public import Linux

/// An object of the cache or of a store, open for reading. For as long as the descriptor, or a copy of it, is
/// open in any process the object is not removed from the cache.
public struct CachedObject: ~Copyable, Sendable {
  public let descriptor: Descriptor
  /// Where it lies, for programs that must open it by name.
  public let path: String
  /// Bytes.
  public let size: Int
  /// It lies in a read-only store.
  public let isOfStore: Bool

  /// The descriptor alone, with the lock that it holds.
  public consuming func takeDescriptor() -> Descriptor { descriptor }
}

extension CacheDirectory {
  /// Opens an object for reading, marks it as used, and keeps it from being removed. nil where neither the
  /// cache nor a store has it, and for a name that is none.
  public func find(_ kind: CacheKind, _ name: String) -> Descriptor? {
    guard let object = locate(kind, name) else { return nil }
    return object.takeDescriptor()
  }

  /// The same, and where it was found; without the stores on request.
  public func locate(_ kind: CacheKind, _ name: String, inStores: Bool = true) -> CachedObject? {
    guard ObjectName.isValid(name.utf8) else { return nil }
    if let object = own(kind, name) { return object }
    for store in inStores ? stores : [] {
      guard let (number, size) = store.open(kind, name) else { continue }
      return CachedObject(
        descriptor: Descriptor(owning: number), path: "\(store.path)/\(kind.rawValue)/\(name)", size: size,
        isOfStore: true)
    }
    return nil
  }

  /// Whether the cache or a store has it; without the stores on request. Marks nothing as used.
  public func has(_ kind: CacheKind, _ name: String, inStores: Bool = true) -> Bool {
    guard ObjectName.isValid(name.utf8) else { return false }
    if let folder = existingFolder(kind),
      let facts = try? File.facts(name, from: folder.number, following: false),
      facts.kind == .file, facts.uid == uid
    {
      return true
    }
    return inStores
      && stores.contains { store in
        guard let (number, _) = store.open(kind, name) else { return false }
        close(number)
        return true
      }
  }

  private func own(_ kind: CacheKind, _ name: String) -> CachedObject? {
    guard let folder = existingFolder(kind),
      let file = try? File.open(name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, from: folder.number)
    else { return nil }
    Self.share(file)
    // After the lock: it may have been removed since it was opened. A group that may write to the folder
    // could have put something of its own there.
    guard let facts = try? File.facts(file), facts.kind == .file, facts.uid == uid, facts.linkCount > 0 else {
      return nil
    }
    Self.touch(file, facts)
    return CachedObject(descriptor: file, path: path(kind, name), size: facts.size, isOfStore: false)
  }

  /// Locks for use. Whoever removes an object holds it for a moment only. Without the lock the object is as
  /// good, but may lose its name meanwhile.
  static func share(_ file: borrowing Descriptor) {
    for _ in 0..<40 {
      guard (try? FileLock.tryAcquire(file, shared: true)) == false else { return }
      usleep(5000)
    }
  }

  /// Seconds within which a second use is not written down: a launch must not cost a write.
  private static let useGrain = 3600

  private static func touch(_ file: borrowing Descriptor, _ facts: FileFacts) {
    let now = time(nil)
    if now - facts.modifiedSeconds > useGrain || facts.modifiedSeconds > now {
      _ = futimens(file.number, nil)
    }
  }
}
