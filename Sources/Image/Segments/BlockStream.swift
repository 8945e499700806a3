internal import Linux
internal import Squashfs
internal import SquashfsWriter
internal import Synchronization

/// Blocks that are written one behind the other, in the order in which they were given, while several threads compress
/// them. One thread gives; where a block came to lie is known after `finish`.
final class BlockStream: Sendable {
  /// What waits for its turn.
  private enum Item: Sendable {
    case pending
    case ready(StoredSize, [UInt8], room: Int)
    /// Stored bytes of another file, taken over as they are.
    case copy(from: Int32, offset: Int, size: Int)
  }

  private struct State: Sendable {
    /// Ticket `firstTicket` and those behind it.
    var items: [Item] = []
    var head = 0
    var firstTicket = 0
    var position: Int
    var starts: [UInt64] = []
    var sizes: [StoredSize] = []
    var isWriting = false
    var failure: SystemCallFault?

    mutating func next() -> Item? {
      guard head < items.count else { return nil }
      let item = items[head]
      if case .pending = item { return nil }
      // Its bytes must not be held any longer than it takes to write them.
      items[head] = .pending
      head += 1
      firstTicket += 1
      if head >= 64, head * 2 >= items.count {
        items.removeFirst(head)
        head = 0
      }
      return item
    }
  }

  private let pool: EncoderPool
  private let output: Int32
  private let path: String
  private let offset: Int
  private let state: Mutex<State>

  /// `output`: an open file; positions count from its byte `offset`, the first block lies at `start`.
  /// `path`: what is written, for messages.
  init(_ pool: EncoderPool, to output: Int32, offset: Int, start: Int, path: String = "the image") {
    self.pool = pool
    self.path = path
    self.output = output
    self.offset = offset
    state = Mutex(State(position: start))
  }

  /// Gives a block to be compressed. One of nothing but zeros takes no room, unless it `isFragment`.
  func append(_ bytes: [UInt8], isFragment: Bool = false) -> Int {
    if !isFragment, isZero(bytes) {
      let ticket = push(.ready(StoredSize(rawValue: 0), [], room: 0))
      advance()
      return ticket
    }
    let room = bytes.count * 2
    pool.acquire(room)
    let ticket = push(.pending)
    pool.submit(
      EncoderPool.Job(bytes: bytes) { size, stored in
        self.state.withLock { state in
          state.items[state.head + ticket - state.firstTicket] = .ready(size, stored, room: room)
        }
        self.advance()
      })
    return ticket
  }

  /// Takes over stored bytes of an open file, which must stay open until `finish`.
  func copy(from file: Int32, at start: Int, size: Int) -> Int {
    let ticket = push(.copy(from: file, offset: start, size: size))
    advance()
    return ticket
  }

  /// Waits until everything is written. Returns where the next byte would go.
  func finish() throws(SegmentFault) -> Int {
    while true {
      let seen = pool.current
      let (isDone, failure, position) = state.withLock {
        ($0.head == $0.items.count && !$0.isWriting, $0.failure, $0.position)
      }
      if isDone {
        if let failure { throw .call(path: path, failure) }
        return position
      }
      pool.help(after: seen)
    }
  }

  /// Whether a write has failed: then there is no sense in going on.
  var hasFailed: Bool { state.withLock { $0.failure != nil } }

  /// Where each ticket's bytes lie, and how they are stored; of what was taken over only the start counts.
  var places: (starts: [UInt64], sizes: [StoredSize]) { state.withLock { ($0.starts, $0.sizes) } }

  private func push(_ item: Item) -> Int {
    state.withLock { state in
      state.items.append(item)
      return state.firstTicket + state.items.count - state.head - 1
    }
  }

  /// Writes what is ready and next. One thread at a time; another's call is seen by the one that writes.
  private func advance() {
    while true {
      let step = state.withLock { state -> (batch: [Item], position: Int)? in
        guard !state.isWriting else { return nil }
        var batch: [Item] = []
        let position = state.position
        while batch.count < 256, let item = state.next() {
          state.starts.append(UInt64(state.position))
          switch item {
          case .ready(let size, let bytes, _):
            state.sizes.append(size)
            state.position += bytes.count
          case .copy(_, _, let size):
            state.sizes.append(StoredSize(rawValue: 0))
            state.position += size
          case .pending: break
          }
          batch.append(item)
        }
        guard !batch.isEmpty else { return nil }
        state.isWriting = true
        return (batch, position)
      }
      guard let step else { return }
      let failure = write(step.batch, at: step.position)
      state.withLock { state in
        state.isWriting = false
        if let failure, state.failure == nil { state.failure = failure }
      }
      pool.raise()
    }
  }

  private func write(_ batch: [Item], at start: Int) -> SystemCallFault? {
    var position = start
    var failure: SystemCallFault? = state.withLock { $0.failure }
    var run: (file: Int32, from: Int, to: Int, size: Int)?
    func attempt(_ body: () throws(SystemCallFault) -> Void) {
      guard failure == nil else { return }
      do throws(SystemCallFault) { try body() } catch { failure = error }
    }
    func flush() {
      guard let copied = run else { return }
      run = nil
      attempt { () throws(SystemCallFault) in
        try FileCopy.copy(
          copied.size, from: copied.file, at: copied.from, to: output, at: offset + copied.to)
      }
    }
    for item in batch {
      switch item {
      case .ready(_, let bytes, let room):
        flush()
        attempt { () throws(SystemCallFault) in try write(bytes, at: position) }
        position += bytes.count
        if room > 0 { pool.release(room) }
      case .copy(let file, let from, let size):
        // Neighbours in the source become neighbours: one call for all of them.
        if let last = run, last.file == file, last.from + last.size == from {
          run = (file, last.from, last.to, last.size + size)
        } else {
          flush()
          run = (file, from, position, size)
        }
        position += size
      case .pending: break
      }
    }
    flush()
    return failure
  }

  private func write(_ bytes: [UInt8], at position: Int) throws(SystemCallFault) {
    guard !bytes.isEmpty else { return }
    var failure: SystemCallFault?
    unsafe bytes.withUnsafeBytes { bytes in
      do throws(SystemCallFault) { try unsafe File.write(bytes, to: output, at: offset + position) } catch {
        failure = error
      }
    }
    if let failure { throw failure }
  }
}
