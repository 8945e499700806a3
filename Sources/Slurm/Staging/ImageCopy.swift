internal import Content
internal import Glibc
internal import Linux
internal import Synchronization

/// Copies a file and computes its digest in one pass: one thread reads and hashes, the other writes.
///
/// Little of either file stays in memory: pages on their way to the disk count against the memory of the job, and a job
/// may have little. Considered: letting the kernel copy (FICLONE, copy_file_range(2)) and hashing afterwards; where the
/// source is on another file system, as it nearly always is, that reads everything twice.
struct ImageCopy {
  enum Failure: Error {
    case read(SystemCallFault)
    /// The source has fewer bytes than it had.
    case shorter
    case write(SystemCallFault)
  }

  let source: Int32
  let size: Int
  let target: Int32
  /// Bytes a second at most; nil: as fast as it goes.
  var rate: Int?
  /// Bytes of memory that may be used, from which everything else follows.
  var memory = Memory.limit

  /// Large enough that system calls cost nothing; small where memory is.
  private var pieceBytes: Int {
    let usual = memory < 256 << 20 ? 1 << 20 : 4 << 20
    return rate.map { min(usual, max(64 << 10, $0 / 4)) } ?? usual
  }
  /// Bytes on their way to the disk.
  private var windowBytes: Int { memory < 256 << 20 ? 4 << 20 : 32 << 20 }
  /// Whether the copy may stay in memory, where the tasks will want it next.
  private var keepsPages: Bool { size <= memory / 4 }

  /// `progress` hears the bytes that were written so far.
  func run(_ progress: (Int) -> Void) throws(Failure) -> Digest {
    let pieces = PieceQueue(count: 3, bytes: pieceBytes)
    let size = size
    do throws(SystemCallFault) {
      let number = try Descriptor.duplicate(of: source).release()
      do throws(SystemCallFault) {
        try Thread.start { Self.read(number, size: size, into: pieces) }
      } catch {
        close(number)
        throw error
      }
    } catch { throw .read(error) }
    defer { pieces.abort() }
    let began = Self.now
    var written = 0
    var clean = 0
    while true {
      switch pieces.nextFilled() {
      case .failed(let failure): throw failure
      case .end(let digest): return digest
      case .piece(let bytes, let count):
        do throws(SystemCallFault) {
          try write(bytes, count, at: written)
          written += count
          try clear(written: written, &clean)
        } catch { throw .write(error) }
        pieces.giveBack(bytes)
        progress(written)
        if let rate, rate > 0 { Self.pause(until: began + Double(written) / Double(rate)) }
      }
    }
  }

  private func write(_ bytes: [UInt8], _ count: Int, at offset: Int) throws(SystemCallFault) {
    var failure: SystemCallFault?
    unsafe bytes.withUnsafeBytes { buffer in
      do throws(SystemCallFault) {
        try unsafe File.write(UnsafeRawBufferPointer(rebasing: buffer[..<count]), to: target, at: offset)
      } catch { failure = error }
    }
    if let failure { throw failure }
    // SYNC_FILE_RANGE_WRITE: on its way, not waited for. File systems that do not know it write when they like.
    _ = sync_file_range(target, off_t(offset), off_t(count), 2)
  }

  /// Waits for what was written some time ago, and lets the kernel forget it.
  private func clear(written: Int, _ clean: inout Int) throws(SystemCallFault) {
    let count = written - windowBytes - clean
    guard count >= pieceBytes else { return }
    let (target, offset) = (target, off_t(clean))
    // SYNC_FILE_RANGE_WAIT_BEFORE, _WRITE and _WAIT_AFTER: an error of the disk is seen by the fsync at the end.
    _ = sync_file_range(target, offset, off_t(count), 7)
    if !keepsPages { _ = posix_fadvise(target, offset, off_t(count), POSIX_FADV_DONTNEED) }
    clean += count
  }

  /// The other thread. What it read is not needed again on this node: the copy is.
  private static func read(_ number: Int32, size: Int, into pieces: PieceQueue) {
    let source = Descriptor(owning: number)
    _ = posix_fadvise(number, 0, 0, POSIX_FADV_SEQUENTIAL)
    let hasher = DigestHasher()
    var offset = 0
    while offset < size {
      guard var bytes = pieces.nextEmpty() else { return }
      let wanted = min(bytes.count, size - offset)
      var failure: Failure?
      unsafe bytes.withUnsafeMutableBytes { buffer in
        let part = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[..<wanted])
        do throws(SystemCallFault) {
          guard try unsafe File.read(source.number, at: offset, into: part) == wanted else {
            failure = .shorter
            return
          }
          unsafe hasher.add(UnsafeRawBufferPointer(part))
        } catch { failure = .read(error) }
      }
      if let failure { return pieces.end(.failed(failure)) }
      _ = posix_fadvise(number, off_t(offset), off_t(wanted), POSIX_FADV_DONTNEED)
      offset += wanted
      pieces.put(bytes, wanted)
    }
    pieces.end(.end(hasher.finish()))
  }

  private static func pause(until moment: Double) {
    let seconds = moment - now
    if seconds > 0 { usleep(UInt32(min(seconds, 60) * 1e6)) }
  }

  /// Seconds of a clock that nobody sets.
  static var now: Double {
    var time = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }
}

/// A fixed number of buffers that go round between the thread that fills them and the one that empties them.
private final class PieceQueue: Sendable {
  enum Next {
    case piece([UInt8], Int)
    case end(Digest)
    case failed(ImageCopy.Failure)
  }

  private struct State {
    var empty: [[UInt8]] = []
    var filled: [([UInt8], Int)] = []
    /// What comes behind the last piece.
    var end: Next?
    var isAborted = false
  }

  private let state: Mutex<State>
  private let changed = Condition()

  init(count: Int, bytes: Int) {
    var first = State()
    for _ in 0..<count { first.empty.append([UInt8](repeating: 0, count: bytes)) }
    state = Mutex(first)
  }

  /// nil: nobody wants more.
  func nextEmpty() -> [UInt8]? {
    changed.locked {
      while true {
        let (bytes, isAborted) = state.withLock { ($0.empty.popLast(), $0.isAborted) }
        if isAborted { return nil }
        if let bytes { return bytes }
        changed.wait()
      }
    }
  }

  func put(_ bytes: [UInt8], _ count: Int) { change { $0.filled.append((bytes, count)) } }
  func end(_ end: Next) { change { $0.end = end } }
  func giveBack(_ bytes: [UInt8]) { change { $0.empty.append(bytes) } }
  func abort() { change { $0.isAborted = true } }

  func nextFilled() -> Next {
    changed.locked {
      while true {
        let next = state.withLock { state -> Next? in
          guard !state.filled.isEmpty else { return state.end }
          let (bytes, count) = state.filled.removeFirst()
          return .piece(bytes, count)
        }
        if let next { return next }
        changed.wait()
      }
    }
  }

  private func change(_ body: (inout State) -> Void) {
    state.withLock { body(&$0) }
    changed.locked { changed.broadcast() }
  }
}
