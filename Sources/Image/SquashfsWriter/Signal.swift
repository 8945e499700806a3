internal import Linux
internal import Synchronization

/// Wakes threads that found nothing to do. Look at `current`, look for work, then wait: work that came in between
/// has changed the number, and nobody sleeps.
public final class Signal: Sendable {
  public init() {}

  private let condition = Condition()
  private let generation = Atomic<Int>(0)
  private let waiters = Atomic<Int>(0)

  public var current: Int { generation.load(ordering: .sequentiallyConsistent) }

  public func wait(after seen: Int) {
    waiters.add(1, ordering: .sequentiallyConsistent)
    condition.locked { while current == seen { condition.wait() } }
    waiters.subtract(1, ordering: .sequentiallyConsistent)
  }

  public func raise() {
    generation.add(1, ordering: .sequentiallyConsistent)
    guard waiters.load(ordering: .sequentiallyConsistent) > 0 else { return }
    condition.locked { condition.broadcast() }
  }
}
