internal import Glibc
internal import Linux
internal import Model

/// Whether there is room for a copy.
public enum Room: Equatable, Sendable {
  /// There is, after these copies went.
  case enough(removed: [NodeCacheEntry])
  /// There is not, whatever may go; nothing was removed. `bytes` are missing beyond what could have gone.
  case short(bytes: Int, isInUse: Bool)
  /// The image is larger than all that may be taken.
  case never(most: Int)
}

extension NodeCache {
  /// Makes room for a copy of `size` bytes: removes the longest unused copies, none that is in use, and none at all
  /// where that would not be enough. The caller has the lock of `key`. `isOnDisk`: see `CacheLimits.shortage`.
  public func makeRoom(
    for size: Int, of key: ImageKey, limits: CacheLimits, isOnDisk: Bool = false
  ) throws(NodeCacheFault) -> Room {
    let entries = try entries().filter { $0.key != key }
    let coming = try copies().reduce(0) { $1.key == key ? $0 : $0 + $1.progress.size }
    let used = entries.reduce(coming) { $0 + $1.size }
    let missing: Int
    switch limits.shortage(for: size, used: used, volume: try volume(), isOnDisk: isOnDisk) {
    case .never(let most): return .never(most: most)
    case .bytes(let bytes): missing = bytes
    }
    if missing == 0 { return .enough(removed: []) }
    let free = entries.filter { !$0.isInUse }
    let most = free.reduce(0) { $0 + $1.size }
    // Nothing goes in vain: it would have to be copied again.
    guard most >= missing else {
      return .short(bytes: missing - most, isInUse: free.count < entries.count)
    }
    var removed: [NodeCacheEntry] = []
    var gained = 0
    for entry in free where gained < missing {
      // Somebody may have come since the listing.
      guard try remove(entry.key) else { continue }
      removed.append(entry)
      gained += entry.size
    }
    guard gained >= missing else { return .short(bytes: missing - gained, isInUse: true) }
    return .enough(removed: removed)
  }

  /// Removes one copy unless somebody uses or makes it. false: somebody does.
  @discardableResult
  public func remove(_ key: ImageKey) throws(NodeCacheFault) -> Bool {
    guard case .held(let lock) = try tryLock(key) else { return false }
    do throws(SystemCallFault) {
      let image = try File.open(
        Self.imageName(key), O_RDONLY | O_NOFOLLOW | O_NONBLOCK, from: folder.number)
      guard try FileLock.tryAcquire(image) else { return false }
      // Whoever looks it up waits for this lock, and finds that the file has no name any more.
      try unlink(Self.imageName(key))
      try unlink(Self.recordName(key))
      lock.release()
      return true
    } catch {
      if error.number == ENOENT { return true }
      throw .call(path: path + "/" + Self.imageName(key), error)
    }
  }

  /// Removes a copy that is damaged, in use or not: whoever has it open keeps what he has. The caller has its lock.
  public func discard(_ key: ImageKey) throws(NodeCacheFault) {
    do throws(SystemCallFault) {
      try unlink(Self.imageName(key))
      try unlink(Self.recordName(key))
    } catch { throw .call(path: path + "/" + Self.imageName(key), error) }
  }

  /// Removes what killed processes and crashes left: records without a copy, locks that nobody holds, and beside the
  /// folder what was broadcast long ago.
  public func sweep() throws(NodeCacheFault) {
    IncomingFile.removeOld(in: ContainerPath.parent(path), uid: uid)
    for name in try names() {
      if let key = ImageKey(ofName: name, suffix: Self.lockSuffix) {
        // Taken and dropped: dropping removes the file.
        _ = try tryLock(key)
      } else if let key = ImageKey(ofName: name, suffix: Self.recordSuffix) {
        try sweepRecord(key)
      }
    }
  }

  private func sweepRecord(_ key: ImageKey) throws(NodeCacheFault) {
    guard case .held(let lock) = try tryLock(key) else { return }
    if (try? File.facts(Self.imageName(key), from: folder.number, following: false)) == nil {
      do throws(SystemCallFault) { try unlink(Self.recordName(key)) } catch {
        throw .call(path: path + "/" + Self.recordName(key), error)
      }
    }
    lock.release()
  }

  private func unlink(_ name: String) throws(SystemCallFault) {
    let folder = folder.number
    do throws(SystemCallFault) { try retrying("unlinkat", name) { unsafe unlinkat(folder, name, 0) } } catch {
      if error.number != ENOENT { throw error }
    }
  }
}
