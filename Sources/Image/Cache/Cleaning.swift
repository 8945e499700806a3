internal import Content
internal import Glibc
public import Linux

/// How much of a kind there is.
public struct CacheUsage: Equatable, Sendable {
  public let kind: CacheKind
  public let count: Int
  public let bytes: Int
}

/// What `clean` did.
public struct CleanReport: Equatable, Sendable {
  public internal(set) var removed: [CacheEntry] = []
  /// Kept because somebody uses them.
  public internal(set) var inUse: [CacheEntry] = []
  /// Kept because the system refused.
  public internal(set) var failed: [CleanFailure] = []
}

public struct CleanFailure: Equatable, Sendable {
  public let entry: CacheEntry
  public let fault: SystemCallFault
}

extension CacheDirectory {
  /// The objects of the cache itself, by kind and name. Whatever else lies there is left out, and left alone.
  public func list(_ kinds: [CacheKind] = CacheKind.shown) throws(CacheFault) -> [CacheEntry] {
    var entries: [CacheEntry] = []
    for kind in kinds {
      guard let folder = existingFolder(kind) else { continue }
      let names = try onCache(path + "/" + kind.rawValue) { () throws(SystemCallFault) in
        try RawName.names(in: folder.number)
      }
      for name in names where ObjectName.isValid(name) {
        // It may be gone by now.
        guard let facts = try? RawName.facts(name, in: folder.number), facts.kind == .file else { continue }
        entries.append(
          CacheEntry(
            kind: kind, name: String(decoding: name, as: UTF8.self), bytes: facts.size,
            usedSeconds: facts.modifiedSeconds))
      }
    }
    return entries
  }

  /// How much there is of each kind.
  public func usage() throws(CacheFault) -> [CacheUsage] {
    let entries = try list()
    return CacheKind.shown.map { kind in
      let these = entries.filter { $0.kind == kind }
      return CacheUsage(kind: kind, count: these.count, bytes: these.totalBytes)
    }
  }

  /// Removes the objects of these kinds that were not used for `days` days (nil: all), except those in use,
  /// and with them what killed writers left anywhere. `dryRun`: only says what would go.
  public func clean(
    _ kinds: [CacheKind] = CacheKind.shown, days: Int? = nil, dryRun: Bool = false
  ) throws(CacheFault) -> CleanReport {
    var report = CleanReport()
    let now = time(nil)
    for entry in try list(kinds) {
      if let days, (now - entry.usedSeconds) / 86400 < days { continue }
      switch remove(entry, pretending: dryRun) {
      case .removed: report.removed.append(entry)
      case .inUse: report.inUse.append(entry)
      case .failed(let fault): report.failed.append(CleanFailure(entry: entry, fault: fault))
      }
    }
    if !dryRun { removeLitter() }
    return report
  }

  /// What killed writers left, and the lock files that nobody holds.
  private func removeLitter() {
    for kind in CacheKind.allCases {
      guard let folder = existingFolder(kind) else { continue }
      Unfinished.removeAbandoned(in: folder.number)
      // Where locks do not work, what nobody wrote to for a day.
      for name in (try? RawName.names(in: folder.number)) ?? []
      where Unfinished.isUnfinished(name) && isOld(name, in: folder.number)
        && !canLock(name, in: folder.number)
      {
        try? RawName.remove(name, isDirectory: false, in: folder.number)
      }
    }
    for entry in (try? list([.locks])) ?? [] { _ = remove(entry) }
    guard let locks = existingFolder(.locks) else { return }
    for name in (try? RawName.names(in: locks.number)) ?? []
    where Lease.isLease(name) && isOld(name, in: locks.number) {
      try? RawName.remove(name, isDirectory: false, in: locks.number)
    }
  }

  private func isOld(_ name: [UInt8], in folder: Int32) -> Bool {
    guard let facts = try? RawName.facts(name, in: folder) else { return false }
    return facts.kind == .file && time(nil) - facts.modifiedSeconds > 86400
  }

  private func canLock(_ name: [UInt8], in folder: Int32) -> Bool {
    guard let file = try? RawName.open(name, O_RDWR | O_NONBLOCK, in: folder) else { return true }
    return (try? FileLock.tryAcquire(file)) != nil
  }
}
