internal import Linux

/// Reads a source in a thread of its own, some pieces ahead of who reads here: so that decompression and digests of a
/// layer take one processor, and what is made of its bytes another.
///
/// The source belongs to that thread up to its end, its failure, or `stop`.
@safe public final class PipelinedSource: ByteSource {
  private let source: any ByteSource
  private let ring: Ring
  private var isThreaded = false
  /// Bytes of the oldest piece that were passed on.
  private var position = 0

  /// Starts the thread; without one the source is read by who reads here.
  public init(_ source: any ByteSource) {
    self.source = source
    ring = Ring()
    // Nobody else uses the source until `Ring.isOver`.
    nonisolated(unsafe) let handed = source
    isThreaded = (try? Thread.start { [ring] in unsafe ring.fill(from: handed) }) != nil
  }

  deinit { if isThreaded { ring.stop() } }

  public func read(into buffer: UnsafeMutableRawBufferPointer) throws(ContentFault) -> Int {
    guard isThreaded else { return try unsafe source.read(into: buffer) }
    guard let piece = try unsafe ring.oldest() else { return 0 }
    let count = min(buffer.count, piece.count - position)
    unsafe buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: piece[position..<position + count]))
    advance(count, in: piece.count)
    return count
  }

  public func skip(_ count: Int) throws(ContentFault) -> Int {
    guard isThreaded else { return try source.skip(count) }
    guard let piece = try unsafe ring.oldest() else { return 0 }
    let step = min(count, piece.count - position)
    advance(step, in: piece.count)
    return step
  }

  /// Ends the thread, wherever it is. Returns why the source has failed, if it has. It can be used again then, behind what
  /// the thread has read.
  @discardableResult public func stop() -> ContentFault? {
    guard isThreaded else { return nil }
    isThreaded = false
    return ring.stop()
  }

  private func advance(_ count: Int, in size: Int) {
    position += count
    if position == size {
      position = 0
      ring.drop()
    }
  }
}

/// Pieces on their way from one thread to another.
///
/// Safe: a slot is the writer's until it is counted as filled, and the reader's until it is dropped; both counts change
/// under the lock.
@safe private final class Ring: @unchecked Sendable {
  private static let pieceSize = 128 << 10
  private static let slots = 4

  private let bytes: UnsafeMutableRawBufferPointer
  private let condition = Condition()
  private var sizes = [Int](repeating: 0, count: slots)
  private var filled = 0
  private var dropped = 0
  private var isStopped = false
  private var isOver = false
  private var failure: ContentFault?

  init() { unsafe bytes = .allocate(byteCount: Self.pieceSize * Self.slots, alignment: 64) }

  deinit { unsafe bytes.deallocate() }

  private func slot(_ number: Int) -> UnsafeMutableRawBufferPointer {
    let start = number % Self.slots * Self.pieceSize
    return unsafe UnsafeMutableRawBufferPointer(rebasing: bytes[start..<start + Self.pieceSize])
  }

  /// In the writer's thread: up to the end of the source, its failure, or `stop`.
  func fill(from source: any ByteSource) {
    var failure: ContentFault?
    while let number = nextFree() {
      do throws(ContentFault) {
        let count = try unsafe source.read(into: slot(number))
        if count == 0 { break }
        condition.locked {
          sizes[number % Self.slots] = count
          filled += 1
          condition.broadcast()
        }
      } catch {
        failure = error
        break
      }
    }
    condition.locked {
      self.failure = failure
      isOver = true
      condition.broadcast()
    }
  }

  /// Waits for a slot; nil once nobody wants more.
  private func nextFree() -> Int? {
    condition.locked {
      while filled - dropped == Self.slots, !isStopped { condition.wait() }
      return isStopped ? nil : filled
    }
  }

  /// Waits for a piece; nil at the end. It stays where it is until `drop`.
  func oldest() throws(ContentFault) -> UnsafeRawBufferPointer? {
    let (size, failure) = condition.locked {
      while filled == dropped, !isOver { condition.wait() }
      return filled > dropped ? (sizes[dropped % Self.slots], nil) : (0, self.failure)
    }
    if let failure { throw failure }
    return size == 0 ? nil : unsafe UnsafeRawBufferPointer(rebasing: slot(dropped)[..<size])
  }

  func drop() {
    condition.locked {
      dropped += 1
      condition.broadcast()
    }
  }

  /// Ends the writer. Returns why the source has failed, if it has.
  @discardableResult func stop() -> ContentFault? {
    condition.locked {
      isStopped = true
      condition.broadcast()
      while !isOver { condition.wait() }
      return failure
    }
  }
}
