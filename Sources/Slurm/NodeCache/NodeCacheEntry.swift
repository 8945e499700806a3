internal import Glibc
internal import Linux
internal import Model

/// One copy as a listing has it.
public struct NodeCacheEntry: Equatable, Sendable {
  public let key: ImageKey
  /// Bytes.
  public let size: Int
  /// Seconds since 1970, to the minute.
  public let usedSeconds: Int
  public let isInUse: Bool
  /// nil where it is lost: then nobody uses the copy.
  public let record: CopyRecord?
}

extension NodeCache {
  /// The copies that are there, the longest unused first.
  public func entries() throws(NodeCacheFault) -> [NodeCacheEntry] {
    var entries: [NodeCacheEntry] = []
    for name in try names() {
      guard let key = ImageKey(ofName: name, suffix: Self.imageSuffix),
        let image = try? File.open(name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, from: folder.number),
        let facts = try? File.facts(image), facts.linkCount > 0
      else { continue }
      let (record, written) = record(key)
      let isInUse = (try? FileLock.tryAcquire(image)) == false
      entries.append(
        NodeCacheEntry(
          key: key, size: facts.size, usedSeconds: written ?? facts.modifiedSeconds, isInUse: isInUse,
          record: record))
    }
    return entries.sorted { ($0.usedSeconds, $0.key.name) < ($1.usedSeconds, $1.key.name) }
  }

  /// The record of a copy, and when it was last used.
  private func record(_ key: ImageKey) -> (CopyRecord?, usedSeconds: Int?) {
    guard let file = try? File.open(Self.recordName(key), O_RDONLY | O_NOFOLLOW, from: folder.number) else {
      return (nil, nil)
    }
    let bytes = try? File.readAll(file, limit: CopyRecord.limit)
    return (bytes.flatMap { CopyRecord(parsing: $0) }, (try? File.facts(file))?.modifiedSeconds)
  }

  /// The copies that are being made now, and how far they are.
  public func copies() throws(NodeCacheFault) -> [(key: ImageKey, progress: CopyProgress)] {
    try names().compactMap { name in
      guard let key = ImageKey(ofName: name, suffix: Self.lockSuffix), let progress = progress(key) else {
        return nil
      }
      return (key, progress)
    }
  }

  func names() throws(NodeCacheFault) -> [String] {
    do throws(SystemCallFault) { return try File.names(in: folder) } catch { throw .call(path: path, error) }
  }
}
