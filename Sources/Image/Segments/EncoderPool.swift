internal import Codec
internal import Linux
internal import Squashfs
public import SquashfsWriter
internal import Synchronization

/// Threads that compress blocks for several streams at once, within a budget of bytes.
///
/// Whoever has a block first gets room in the budget. While there is none they compress what waits themselves, so that
/// with any number of threads, none included, work goes on and memory stays bounded. No worker ever waits for room:
/// what they finish only frees it.
public final class EncoderPool: Sendable {
  struct Job: Sendable {
    let bytes: [UInt8]
    /// Called with the block as it is to be stored.
    let done: @Sendable (StoredSize, [UInt8]) -> Void
  }

  private struct State: Sendable {
    /// Those before `first` were taken; their bytes must not be held any longer.
    var jobs: [Job?] = []
    var first = 0
    var free: Int
    var isClosed = false
    var running = 0

    mutating func pop() -> Job? {
      guard first < jobs.count else { return nil }
      let job = jobs[first]
      jobs[first] = nil
      first += 1
      if first >= 64, first * 2 >= jobs.count {
        jobs.removeFirst(first)
        first = 0
      }
      return job
    }
  }

  public let options: WriterOptions
  private let budget: Int
  private let state: Mutex<State>
  private let signal = Signal()

  /// Starts the threads. `budget`: bytes of blocks that may be in memory, before and after compression.
  public init(_ options: WriterOptions, budget: Int) throws(WriterFault) {
    guard BlockEncoder(options.compressor, level: options.level) != nil else {
      throw .compressor(options.compressor)
    }
    self.options = options
    // Less than this and no block fits.
    self.budget = max(budget, options.blockSize * 4)
    state = Mutex(State(free: self.budget))
    for _ in 0..<options.threads {
      state.withLock { $0.running += 1 }
      do throws(SystemCallFault) {
        try Thread.start {
          self.work()
          self.state.withLock { $0.running -= 1 }
          self.signal.raise()
        }
      } catch {
        // Fewer threads do the same work; without any the producers do it.
        state.withLock { $0.running -= 1 }
        break
      }
    }
  }

  /// Ends the threads when what waits is done, and waits for them.
  public func close() {
    state.withLock { $0.isClosed = true }
    signal.raise()
    while true {
      let seen = signal.current
      if state.withLock({ $0.running }) == 0 { return }
      signal.wait(after: seen)
    }
  }

  private func work() {
    guard let encoder = BlockEncoder(options.compressor, level: options.level) else { return }
    while true {
      let seen = signal.current
      let (job, isClosed) = state.withLock { ($0.pop(), $0.isClosed) }
      if let job {
        Self.run(job, encoder)
      } else if isClosed {
        return
      } else {
        signal.wait(after: seen)
      }
    }
  }

  /// In the thread of somebody who waits. An encoder costs a hundredth of what it does for a block.
  private func run(_ job: Job) {
    guard let encoder = BlockEncoder(options.compressor, level: options.level) else {
      // No memory for one: the block is stored as it is.
      return job.done(StoredSize(bytes: job.bytes.count, isCompressed: false), job.bytes)
    }
    Self.run(job, encoder)
  }

  private static func run(_ job: Job, _ encoder: BlockEncoder) {
    if let stored = encoded(job.bytes, with: encoder) {
      job.done(StoredSize(bytes: stored.count, isCompressed: true), stored)
    } else {
      job.done(StoredSize(bytes: job.bytes.count, isCompressed: false), job.bytes)
    }
  }

  /// Waits for room for `count` bytes, and works meanwhile.
  func acquire(_ count: Int) {
    let count = min(count, budget)
    while true {
      let seen = signal.current
      let (isMine, job) = state.withLock { state -> (Bool, Job?) in
        if state.free >= count {
          state.free -= count
          return (true, nil)
        }
        return (false, state.pop())
      }
      if isMine { return }
      if let job { run(job) } else { signal.wait(after: seen) }
    }
  }

  func release(_ count: Int) {
    let count = min(count, budget)
    state.withLock { $0.free += count }
    signal.raise()
  }

  func submit(_ job: Job) {
    state.withLock { $0.jobs.append(job) }
    signal.raise()
  }

  /// Compresses something that waits, or sleeps until something has changed since `seen`.
  func help(after seen: Int) {
    if let job = state.withLock({ $0.pop() }) { run(job) } else { signal.wait(after: seen) }
  }

  var current: Int { signal.current }

  func raise() { signal.raise() }
}
