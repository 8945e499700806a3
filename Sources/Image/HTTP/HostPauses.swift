internal import Synchronization

/// Hosts that asked for patience: until then no request goes there, from whatever thread.
package final class HostPauses: Sendable {
  /// Until when, on the monotonic clock, by authority.
  private let ends = Mutex<[String: Double]>([:])

  package init() {}

  package func pause(_ host: String, until end: Double) {
    ends.withLock { $0[host] = max($0[host] ?? 0, end) }
  }

  /// Seconds that are left.
  package func rest(_ host: String, now: Double) -> Double {
    ends.withLock { max(0, ($0[host] ?? 0) - now) }
  }
}
