internal import Linux
internal import SquashfsWriter
internal import Synchronization

/// Runs the same work for several layers, some at the same time, and waits for all of it.
enum LayerThreads {
  private struct State<Value: Sendable>: Sendable {
    var next = 0
    var running = 0
    var values: [Int: Value] = [:]
    var failure: BuildFault?
  }

  /// `work` for each number in `order`, at most `atMost` at once. After a failure nothing new begins, and the first is
  /// thrown when what runs has ended. Threads that cannot be had only make it slower.
  static func run<Value: Sendable>(
    _ order: [Int], atMost: Int, work: @escaping @Sendable (Int) throws(BuildFault) -> Value
  ) throws(BuildFault) -> [Int: Value] {
    let shared = Shared<Value>()
    let loop: @Sendable () -> Void = {
      while let index = shared.state.withLock({ state -> Int? in
        guard state.failure == nil, state.next < order.count else { return nil }
        defer { state.next += 1 }
        return order[state.next]
      }) {
        do throws(BuildFault) {
          let value = try work(index)
          shared.state.withLock { $0.values[index] = value }
        } catch {
          shared.state.withLock { if $0.failure == nil { $0.failure = error } }
        }
      }
    }
    for _ in 1..<max(1, min(atMost, order.count)) {
      shared.state.withLock { $0.running += 1 }
      do throws(SystemCallFault) {
        try Thread.start {
          loop()
          shared.state.withLock { $0.running -= 1 }
          shared.signal.raise()
        }
      } catch {
        shared.state.withLock { $0.running -= 1 }
        break
      }
    }
    loop()
    while true {
      let seen = shared.signal.current
      if shared.state.withLock({ $0.running }) == 0 { break }
      shared.signal.wait(after: seen)
    }
    return try shared.state.withLock { state throws(BuildFault) in
      if let failure = state.failure { throw failure }
      return state.values
    }
  }

  private final class Shared<Value: Sendable>: Sendable {
    let state = Mutex(State<Value>())
    let signal = Signal()
  }
}
