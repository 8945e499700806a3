internal import Glibc
public import Linux

/// How much of a copy is compared with its record before it is used.
public enum Verification: String, CaseIterable, Sendable {
  /// Size and first bytes.
  case stat
  /// Some bytes throughout the file besides.
  case sample
  /// The digest of all bytes. Only `Staging` computes digests; here it is the same as `sample`.
  case full
}

/// A copy that is in use: for as long as the descriptor, or a copy of it in any process, is open nobody removes it.
public struct StagedImage: ~Copyable, Sendable {
  public let descriptor: Descriptor
  /// Where it lies.
  public let path: String
  public let record: CopyRecord
}

/// What a look-up finds.
public enum Finding: ~Copyable {
  case found(StagedImage)
  case missing
  /// There is a copy, and it is not what it was. `why` is a sentence without its subject: "is cut: …".
  case damaged(why: String)
}

extension NodeCache {
  /// Seconds within which a second use is not written down.
  private static let useGrain = 60

  /// Looks an image up and marks it as in use. Costs two opens, a lock and two small reads of the node's own disk.
  public func find(_ key: ImageKey, _ verification: Verification = .stat) throws(NodeCacheFault) -> Finding {
    while true {
      do throws(SystemCallFault) {
        let image = try File.open(
          Self.imageName(key), O_RDONLY | O_NOFOLLOW | O_NONBLOCK, from: folder.number)
        // Whoever removes it holds it for a moment.
        try FileLock.acquire(image, shared: true)
        let facts = try File.facts(image)
        if facts.linkCount == 0 { continue }
        return try check(image, facts, key, verification)
      } catch {
        if error.number == ENOENT { return .missing }
        if error.number == ELOOP || error.number == ENXIO { return .damaged(why: "is no file") }
        throw .call(path: path + "/" + Self.imageName(key), error)
      }
    }
  }

  private func check(
    _ image: consuming Descriptor, _ facts: FileFacts, _ key: ImageKey, _ verification: Verification
  ) throws(SystemCallFault) -> Finding {
    guard facts.kind == .file, facts.uid == uid, facts.mode & 0o022 == 0 else {
      return .damaged(why: "belongs to somebody else, or others may write to it")
    }
    guard let file = try? File.open(Self.recordName(key), O_RDONLY | O_NOFOLLOW, from: folder.number),
      let bytes = try? File.readAll(file, limit: CopyRecord.limit), let record = CopyRecord(parsing: bytes)
    else { return .damaged(why: "has no record of what it is") }
    guard facts.size == record.size else {
      return .damaged(why: "has \(facts.size) bytes instead of \(record.size)")
    }
    var isSame = try ImageSample.start(of: image.number) == record.start
    if isSame, verification != .stat {
      isSame = try ImageSample.sum(of: image.number, size: facts.size) == record.sample
    }
    guard isSame else { return .damaged(why: "has other bytes than the image it was made of") }
    markUsed(file)
    return .found(StagedImage(descriptor: image, path: path + "/" + Self.imageName(key), record: record))
  }

  /// On the record: the times of the image itself are part of what tells it from others, a server shares by them.
  private func markUsed(_ record: borrowing Descriptor) {
    guard let facts = try? File.facts(record) else { return }
    let now = time(nil)
    if now - facts.modifiedSeconds > Self.useGrain || facts.modifiedSeconds > now {
      _ = futimens(record.number, nil)
    }
  }
}
