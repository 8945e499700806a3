internal import Codec
internal import Linux
internal import Squashfs
internal import Synchronization

/// Decoded data blocks and fragments, the least recently used dropped first. A block is decoded by the first thread
/// that asks for it; others that ask meanwhile wait for that one.
final class BlockCache: Sendable {
  private struct State {
    var blocks: [UInt64: CachedBlock] = [:]
    var bytes = 0
    /// Counts uses: a block's value at its last use orders them.
    var clock: UInt64 = 0
  }

  private let image: SquashfsImage
  private let pool: BufferPool
  private let limit: Int
  private let state = Mutex(State())
  private let loaded = Condition()

  init(image: SquashfsImage, limit: Int) {
    self.image = image
    // At least one block for each of two threads, whatever the limit says.
    self.limit = max(limit, 4 * Int(image.superblock.blockSize))
    let size = Int(image.superblock.blockSize)
    // As many as one eviction frees: memory given back to the system costs a fault a page when it is wanted again.
    pool = BufferPool(size: size, most: max(16, self.limit / 8 / size + 2))
  }

  /// Bytes held now.
  var bytes: Int { state.withLock { $0.bytes } }

  /// The block decoded, by this thread if nobody has.
  func block(
    _ block: StoredBlock, decoder: BlockDecoder, scratch: UnsafeMutableRawBufferPointer
  ) throws(SquashfsFault) -> CachedBlock {
    let (cached, isMine) = state.withLock { state -> (CachedBlock, Bool) in
      state.clock += 1
      if let found = state.blocks[block.start] {
        found.lastUse.store(state.clock, ordering: .relaxed)
        return (found, false)
      }
      let new = unsafe CachedBlock(buffer: pool.take(), pool: pool)
      new.lastUse.store(state.clock, ordering: .relaxed)
      state.blocks[block.start] = new
      state.bytes += pool.size
      if state.bytes > limit { evict(&state) }
      return (new, true)
    }
    if isMine {
      do throws(SquashfsFault) {
        let count = try unsafe image.decode(block, with: decoder, scratch: scratch, into: cached.buffer)
        finish(cached, .ready(count))
      } catch {
        finish(cached, .failed(error))
        state.withLock { state in
          if state.blocks[block.start] === cached {
            state.blocks[block.start] = nil
            state.bytes -= pool.size
          }
        }
      }
    } else if cached.isLoading {
      loaded.locked { while cached.isLoading { loaded.wait() } }
    }
    return try cached.checked()
  }

  private func finish(_ block: CachedBlock, _ outcome: CachedBlock.Outcome) {
    loaded.locked {
      block.finish(outcome)
      loaded.broadcast()
    }
  }

  /// Drops an eighth of the limit at once, so that the search for the oldest is rare.
  private func evict(_ state: inout State) {
    let target = limit - limit / 8
    let oldest = state.blocks.sorted {
      $0.value.lastUse.load(ordering: .relaxed) < $1.value.lastUse.load(ordering: .relaxed)
    }
    for (key, block) in oldest {
      if state.bytes <= target { break }
      // A block that is being decoded has waiters who expect to find the next one here.
      if block.isLoading { continue }
      state.blocks[key] = nil
      state.bytes -= pool.size
    }
  }
}

/// A decoded block. Its memory goes back to the pool with the last reference, so that a reader keeps what it reads.
@safe final class CachedBlock: @unchecked Sendable {
  enum Outcome: Sendable {
    case ready(Int)
    case failed(SquashfsFault)
  }

  // Safe to share: the buffer is written by one thread before `outcome` is set, and only read afterwards.
  let buffer: UnsafeMutableRawBufferPointer
  private let pool: BufferPool
  private let outcome = Mutex<Outcome?>(nil)
  private let ready = Atomic<Bool>(false)
  let lastUse = Atomic<UInt64>(0)
  /// The node whose bytes were last read from here, and the nodes given to the kernel unasked (`Neighbours`).
  let lastNode = Atomic<UInt64>(0)
  let pushed = Mutex<[Range<UInt64>]>([])
  /// Whether all of the block is in the kernel's page cache.
  let isStored = Atomic<Bool>(false)

  init(buffer: UnsafeMutableRawBufferPointer, pool: BufferPool) {
    unsafe self.buffer = buffer
    self.pool = pool
  }

  deinit { unsafe pool.give(buffer) }

  var isLoading: Bool { !ready.load(ordering: .acquiring) }

  func finish(_ new: Outcome) {
    outcome.withLock { $0 = new }
    ready.store(true, ordering: .releasing)
  }

  func checked() throws(SquashfsFault) -> CachedBlock {
    switch outcome.withLock({ $0 }) {
    case .ready, nil: return self
    case .failed(let fault): throw fault
    }
  }

  /// Bytes decoded.
  var count: Int {
    if case .ready(let count) = outcome.withLock({ $0 }) { return count }
    return 0
  }
}

/// Buffers of one size, kept for the next user: a fresh one costs a page fault for each of its pages.
@safe final class BufferPool: @unchecked Sendable {
  let size: Int
  /// Free buffers kept at most.
  private let most: Int
  // Safe to share: the list is only touched under its lock, and a buffer has one owner at a time.
  private let free = Mutex<[UInt]>([])

  init(size: Int, most: Int) {
    self.size = size
    self.most = most
  }

  func take() -> UnsafeMutableRawBufferPointer {
    if let address = free.withLock({ $0.popLast() }),
      let start = unsafe UnsafeMutableRawPointer(bitPattern: address)
    {
      return unsafe UnsafeMutableRawBufferPointer(start: start, count: size)
    }
    return UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 4096)
  }

  func give(_ buffer: UnsafeMutableRawBufferPointer) {
    let kept = free.withLock { free in
      guard free.count < most else { return false }
      free.append(UInt(bitPattern: buffer.baseAddress))
      return true
    }
    if !kept { unsafe buffer.deallocate() }
  }

  deinit {
    for address in free.withLock({ $0 }) {
      if let start = unsafe UnsafeMutableRawPointer(bitPattern: address) {
        unsafe UnsafeMutableRawBufferPointer(start: start, count: size).deallocate()
      }
    }
  }
}
