internal import Glibc
internal import Linux

/// One object as a listing has it.
public struct CacheEntry: Equatable, Sendable {
  public let kind: CacheKind
  public let name: String
  public let bytes: Int
  /// When it was last used, to the hour, or made; in seconds since 1970.
  public let usedSeconds: Int
}

/// What was removed to keep the size limit.
public struct Eviction: Equatable, Sendable {
  /// In the order in which they went.
  public internal(set) var removed: [CacheEntry] = []
  /// Had to go and could not: somebody uses them.
  public internal(set) var inUse: [CacheEntry] = []
  /// What the objects take afterwards.
  public internal(set) var bytes = 0
}

extension CacheDirectory {
  /// Removes objects, the longest unused first, until they take at most `limit` bytes; nothing that somebody
  /// uses.
  @discardableResult
  public func evict(limit: Int) throws(CacheFault) -> Eviction {
    var eviction = Eviction()
    let entries = try list(CacheKind.evictable)
    eviction.bytes = entries.totalBytes
    guard eviction.bytes > limit else { return eviction }
    let oldestFirst = entries.sorted { ($0.usedSeconds, $0.name) < ($1.usedSeconds, $1.name) }
    for entry in oldestFirst where eviction.bytes > limit {
      switch remove(entry) {
      case .removed:
        eviction.removed.append(entry)
        eviction.bytes -= entry.bytes
      case .inUse: eviction.inUse.append(entry)
      case .failed: continue
      }
    }
    return eviction
  }

  /// After something was added. That no room could be made does not spoil what was.
  func keepLimit() -> Eviction {
    guard let limit else { return Eviction() }
    return (try? evict(limit: limit)) ?? Eviction()
  }

  enum Removal: Equatable {
    case removed, inUse
    case failed(SystemCallFault)
  }

  /// Removes an object that is of no use any more, unless somebody holds it.
  public func remove(_ kind: CacheKind, _ name: String) {
    guard ObjectName.isValid(name.utf8) else { return }
    _ = remove(CacheEntry(kind: kind, name: name, bytes: 0, usedSeconds: 0))
  }

  /// Removes an object that nobody holds. `pretending`: only says what would come of it.
  func remove(_ entry: CacheEntry, pretending: Bool = false) -> Removal {
    guard let folder = existingFolder(entry.kind) else { return .removed }
    do throws(SystemCallFault) {
      let file: Descriptor
      do throws(SystemCallFault) {
        // NFS locks only what is open for writing.
        file = try File.open(entry.name, O_RDWR | O_NOFOLLOW | O_NONBLOCK, from: folder.number)
      } catch {
        if error.number == ENOENT { return .removed }
        guard [EACCES, EPERM, EROFS, ETXTBSY].contains(error.number) else { throw error }
        file = try File.open(entry.name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, from: folder.number)
      }
      guard Self.isFree(file, entry) else { return .inUse }
      let named = try File.facts(entry.name, from: folder.number, following: false)
      let facts = try File.facts(file)
      // Somebody else removed it, and it is already there again.
      guard named.inode == facts.inode else { return .inUse }
      if pretending { return .removed }
      let name = entry.name
      try retrying("unlink", name) { unsafe unlinkat(folder.number, name, 0) }
      return .removed
    } catch { return error.number == ENOENT ? .removed : .failed(error) }
  }

  /// Where locks do not work an object counts as used for two hours after its last use.
  private static func isFree(_ file: borrowing Descriptor, _ entry: CacheEntry) -> Bool {
    do throws(SystemCallFault) { return try FileLock.tryAcquire(file) } catch {
      return time(nil) - entry.usedSeconds > 2 * 3600
    }
  }
}

extension [CacheEntry] {
  /// Sizes of files are what a file system says: their sum need not fit.
  public var totalBytes: Int {
    reduce(0) { sum, entry in
      let (next, overflows) = sum.addingReportingOverflow(Swift.max(0, entry.bytes))
      return overflows ? .max : next
    }
  }
}
