public import Content
internal import Glibc
public import Linux
internal import Model
public import NodeCache

/// Puts a copy of one image into the node cache, once, however many ask at the same time, and finds it there.
///
/// The copy has no name until it is complete, verified and on the disk: whatever ends this process, nothing is left.
/// Reads as the user who asks. Prints nothing: lines for people go to `say`.
public struct Staging {
  /// The image, open for reading.
  public let source: Int32
  /// What fstat said of it when it was chosen.
  public let facts: FileFacts
  /// How the user calls it: a path or a reference.
  public let name: String
  public let key: ImageKey
  /// Where it can be opened again, to see whether another file took its place; nil where it cannot.
  public var path: String?
  public var verification = Verification.stat
  public var limits = CacheLimits()
  /// What all its bytes must give, where that is known.
  public var expected: Digest?
  /// A file that was broadcast to this node, to be taken for the copy if it is whole and the user's alone; nil: there
  /// is none. It must lie on the cache's file system, and goes in any case.
  public var incoming: IncomingFile?
  /// For lines: the node's name, its number within the step, and the job.
  public var node = ""
  public var nodeID = 0
  public var job = ""
  /// Bytes a second at most, for tests; nil: as fast as it goes.
  public var rate: Int?
  /// A line for the user, without its end.
  public var say: (String) -> Void = { _ in }

  /// `key` nil: made of what fstat says of the file.
  public init(_ source: Int32, name: String, key: ImageKey? = nil) throws(StagingFault) {
    do throws(SystemCallFault) { facts = try File.facts("", from: source) } catch {
      throw .source(name: name, error)
    }
    guard facts.kind == .file else { throw .notAFile(name: name) }
    self.source = source
    self.name = name
    self.key = key ?? ImageKey(facts)
  }

  /// The copy, made if there is none. Waits for others who make it.
  public func stage(in cache: borrowing NodeCache) throws(StagingFault) -> StagedImage {
    defer { incoming?.remove() }
    var wasDamaged = false
    switch try find(in: cache, verification) {
    case .found(let image): return image
    case .missing: break
    case .damaged: wasDamaged = true
    }
    let turn = try wait(for: cache)
    // Who waited finds what was verified when it was made, unless it is the damaged one still.
    switch try find(in: cache, turn.hasWaited && !wasDamaged ? .stat : verification) {
    case .found(let image): return image
    case .missing: break
    case .damaged(let why):
      say("\(start)the copy of \(printable(name)) \(why): it is made anew")
      do throws(NodeCacheFault) { try cache.discard(key) } catch { throw .cache(error) }
    }
    let isThere = try adopt(into: cache)
    if !isThere {
      // Its bytes are room for the copy.
      incoming?.remove()
      try copy(into: cache, turn.lock)
    }
    // Still under the lock: nobody removes it before it is found.
    let finding = try find(in: cache, verification)
    turn.release()
    switch consume finding {
    case .found(let image): return image
    case .missing: throw .damaged(name: name, cache: cache.path, why: "has gone")
    case .damaged(let why): throw .damaged(name: name, cache: cache.path, why: why)
    }
  }

  private var start: String { "apus: " + (node.isEmpty ? "" : printable(node) + ": ") }

  private func find(
    in cache: borrowing NodeCache, _ verification: Verification
  ) throws(StagingFault) -> Finding {
    let finding: Finding
    do throws(NodeCacheFault) { finding = try cache.find(key, verification) } catch { throw .cache(error) }
    switch consume finding {
    case .missing: return .missing
    case .damaged(let why): return .damaged(why: why)
    case .found(let image):
      if let expected, image.record.digest != expected.text {
        return .damaged(why: "is of another image")
      }
      guard verification == .full else { return .found(image) }
      do throws(SystemCallFault) {
        let digest = try Self.digest(of: image.descriptor.number)
        guard digest.text == image.record.digest else {
          return .damaged(why: "has other bytes than the image it was made of")
        }
      } catch { throw .cache(.call(path: image.path, error)) }
      return .found(image)
    }
  }

  /// The digest of all bytes of an open file.
  public static func digest(of file: Int32) throws(SystemCallFault) -> Digest {
    let hasher = DigestHasher()
    var offset = 0
    while true {
      let piece = try File.bytes(of: file, at: offset, count: 1 << 20)
      if piece.isEmpty { return hasher.finish() }
      unsafe piece.withUnsafeBytes { unsafe hasher.add($0) }
      offset += piece.count
    }
  }

  private struct Turn: ~Copyable {
    let lock: CopyLock
    let hasWaited: Bool

    consuming func release() {}
  }

  /// Waits until nobody else copies the image.
  private func wait(for cache: borrowing NodeCache) throws(StagingFault) -> Turn {
    var report = StagingReport(node: node, nodeID: nodeID, name: name, size: facts.size)
    let began = ImageCopy.now
    var pause: UInt32 = 5000
    var hasWaited = false
    do throws(NodeCacheFault) {
      while true {
        switch try cache.tryLock(key) {
        case .held(let lock): return Turn(lock: lock, hasWaited: hasWaited)
        case .busy(let progress):
          hasWaited = true
          if let line = report.waiting(for: progress, seconds: ImageCopy.now - began) { say(line) }
        }
        usleep(pause)
        pause = min(pause * 2, 100_000)
      }
    } catch { throw .cache(error) }
  }

  private func copy(into cache: borrowing NodeCache, _ lock: borrowing CopyLock) throws(StagingFault) {
    var progress = CopyProgress(pid: getpid(), job: job, source: name, size: facts.size)
    lock.tell(progress)
    do throws(NodeCacheFault) {
      Unfinished.removeAbandoned(in: cache.folder.number)
      try cache.sweep()
    } catch { throw .cache(error) }
    try makeRoom(in: cache)
    var report = StagingReport(node: node, nodeID: nodeID, name: name, size: facts.size)
    let began = ImageCopy.now
    var told = began
    let names = NodeCache.names(of: key)
    var output = try reserved(names.image, in: cache)
    let work = ImageCopy(source: source, size: facts.size, target: output.number, rate: rate)
    let digest: Digest
    do throws(ImageCopy.Failure) {
      digest = try work.run { done in
        let now = ImageCopy.now
        if let line = report.copying(done, seconds: now - began) { say(line) }
        guard now - told >= 0.2 else { return }
        told = now
        progress.done = done
        lock.tell(progress)
      }
    } catch {
      switch error {
      case .shorter: throw .changed(name: name)
      // ESTALE: another file took its place on the server (NFS).
      case .read(let cause): throw cause.number == ESTALE ? .changed(name: name) : .source(name: name, cause)
      case .write(let cause): throw failed(cause, cache)
      }
    }
    try checkUnchanged()
    if let expected, digest != expected { throw .digest(name: name, expected: expected, found: digest) }
    do throws(SystemCallFault) {
      let number = output.number
      try retrying("fchmod", names.image) { fchmod(number, 0o400) }
      try write(try record(of: number, digest), names.record, cache)
      // Nothing has the name: what was damaged is gone, and the lock is ours.
      try output.publish(.refuse)
    } catch { throw failed(error, cache) }
    if let line = report.finished(seconds: ImageCopy.now - began) { say(line) }
  }

  /// Takes what was broadcast for the copy: it is read once and not written again. false: it is not whole, or not the
  /// user's alone.
  private func adopt(into cache: borrowing NodeCache) throws(StagingFault) -> Bool {
    guard let incoming, let digest = Digest(incoming.digest), expected == nil || expected == digest,
      let file = whole(incoming)
    else { return false }
    let number = file.number
    try checkUnchanged()
    try makeRoom(in: cache, isOnDisk: true)
    do throws(SystemCallFault) {
      let names = NodeCache.names(of: key)
      try retrying("fsync", incoming.path) { fsync(number) }
      try write(try record(of: number, digest), names.record, cache)
      let folder = cache.folder.number
      try retrying("linkat", names.image) {
        unsafe linkat(AT_FDCWD, "/proc/self/fd/\(number)", folder, names.image, AT_SYMLINK_FOLLOW)
      }
      // Where directories cannot be synced the file system sees to it.
      _ = fsync(folder)
      return true
    } catch {
      // It lies on another file system: the image is copied as without it.
      return false
    }
  }

  /// What was broadcast, if it is the user's alone and has all the bytes that were sent; else nil: a broadcast that
  /// went wrong fails nothing.
  private func whole(_ incoming: IncomingFile) -> Descriptor? {
    do throws(SystemCallFault) {
      let file = try File.open(incoming.path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
      let here = try File.facts(file)
      guard here.kind == .file, here.uid == geteuid(), here.linkCount == 1, here.mode & 0o022 == 0,
        here.size == facts.size
      else { return nil }
      let number = file.number
      try retrying("fchmod", incoming.path) { fchmod(number, 0o400) }
      guard try Self.digest(of: number).text == incoming.digest else { return nil }
      return file
    } catch { return nil }
  }

  private func makeRoom(
    in cache: borrowing NodeCache, isOnDisk: Bool = false
  ) throws(StagingFault) {
    var room: Room
    do throws(NodeCacheFault) {
      room = try cache.makeRoom(for: facts.size, of: key, limits: limits, isOnDisk: isOnDisk)
      // Who lists the cache locks each copy for a moment, and then it looks as if it were in use.
      for _ in 0..<3 {
        guard case .short(_, isInUse: true) = room else { break }
        usleep(20_000)
        room = try cache.makeRoom(for: facts.size, of: key, limits: limits, isOnDisk: isOnDisk)
      }
    } catch { throw .cache(error) }
    switch room {
    case .enough: return
    case .never(let most):
      throw noRoom(cache, "No space left for it: cache_max allows \(StagingText.size(most)) in all")
    case .short(let bytes, let isInUse):
      throw noRoom(
        cache,
        "No space left for it: \(StagingText.size(bytes)) are missing"
          + (isInUse ? ", and what is there is in use" : ""))
    }
  }

  /// The file that will be the copy. Its room is taken before the first byte is copied.
  private func reserved(
    _ name: String, in cache: borrowing NodeCache
  ) throws(StagingFault) -> UnfinishedFile {
    do throws(SystemCallFault) {
      let output = try UnfinishedFile(name, in: cache.folder.duplicate(), mode: 0o400)
      let (number, size) = (output.number, off_t(facts.size))
      do throws(SystemCallFault) {
        if size > 0 { try retrying("fallocate", name) { fallocate(number, 0, 0, size) } }
      } catch {
        // The file system has no such call: then a write says it.
        guard [EOPNOTSUPP, ENOSYS, EINVAL].contains(error.number) else { throw error }
      }
      return output
    } catch { throw failed(error, cache) }
  }

  private func failed(_ fault: SystemCallFault, _ cache: borrowing NodeCache) -> StagingFault {
    guard [ENOSPC, EDQUOT, EFBIG].contains(fault.number) else {
      return .write(name: name, cache: cache.path, fault)
    }
    return noRoom(
      cache, fault.number == ENOSPC ? "No space left on device" : "No space left: \(errorText(fault.number))")
  }

  private func noRoom(_ cache: borrowing NodeCache, _ why: String) -> StagingFault {
    .noRoom(name: name, size: facts.size, cache: cache.path, why: why)
  }

  /// Both the file that was copied and the one under its name are what was asked for. Opening it anew makes network
  /// file systems ask the server (NFS, "close-to-open").
  private func checkUnchanged() throws(StagingFault) {
    do throws(SystemCallFault) {
      if let path {
        let again = try File.open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY)
        guard isSame(try File.facts(again)) else { throw SystemCallFault("stat", name, ESTALE) }
      }
      guard isSame(try File.facts("", from: source)) else {
        throw SystemCallFault("stat", name, ESTALE)
      }
    } catch {
      throw [ESTALE, ENOENT].contains(error.number) ? .changed(name: name) : .source(name: name, error)
    }
  }

  private func isSame(_ now: FileFacts) -> Bool {
    // Objects of a cache, whose name stands for their content, change their times with use.
    key == ImageKey(facts) ? key == ImageKey(now) : now.size == facts.size
  }

  private func record(of file: Int32, _ digest: Digest) throws(SystemCallFault) -> CopyRecord {
    CopyRecord(
      digest: digest.text, size: facts.size, start: try ImageSample.start(of: file),
      sample: try ImageSample.sum(of: file, size: facts.size), source: name, copiedSeconds: time(nil))
  }

  private func write(
    _ record: CopyRecord, _ name: String, _ cache: borrowing NodeCache
  ) throws(SystemCallFault) {
    var file = try UnfinishedFile(name, in: cache.folder.duplicate(), mode: 0o600)
    try File.write(Array((record.json.text() + "\n").utf8), to: file.number, subject: name)
    _ = unsafe unlinkat(cache.folder.number, name, 0)
    try file.publish(.refuse)
  }
}
