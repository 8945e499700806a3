internal import Model

/// Whether and when a request that failed is made again. Pure: clock and chance are handed in.
package struct RetryPolicy: Equatable, Sendable {
  /// Requests in all, the first included.
  package var tries: Int
  /// The longest pause before the second try, in seconds; doubled for each further one.
  package var base = 0.5
  /// No pause of ours is longer, in seconds.
  package var cap = 30.0
  /// A server that asks for more patience, in seconds, is not waited for.
  package var longestWait = 300

  package init(tries: Int = 6) { self.tries = tries }

  /// What may pass by itself: time-outs, too many requests, servers that start or are overloaded; 499 and 522 come from
  /// proxies and content networks.
  package static let statuses: Set<Int> = [408, 425, 429, 499, 500, 502, 503, 504, 522]

  package enum Decision: Equatable, Sendable {
    case giveUp
    /// `host`: every request to that host waits, not this one only.
    case wait(seconds: Double, host: Bool)
    /// The server asks for more patience than we have.
    case tooLong(seconds: Int)
  }

  /// `attempt` counts from 1: the try that failed. `now` are seconds since 1970, `random` is from 0 up to 1.
  package func decide(attempt: Int, status: Int, retryAfter: String?, now: Int, random: Double) -> Decision {
    guard Self.statuses.contains(status) else { return .giveUp }
    if let asked = retryAfter.flatMap({ Self.seconds($0, now: now) }) {
      if asked > longestWait { return .tooLong(seconds: asked) }
      guard attempt < tries else { return .giveUp }
      // A little more than asked: many who were told the same moment shall not come back in it.
      return .wait(seconds: Double(asked) + random, host: status == 429)
    }
    return decide(attempt: attempt, random: random, host: status == 429)
  }

  package func decide(attempt: Int, fault: HTTPFault, random: Double) -> Decision {
    fault.isTransient ? decide(attempt: attempt, random: random) : .giveUp
  }

  /// Full jitter: a pause between nothing and a bound that doubles ("Exponential Backoff And Jitter", AWS Architecture
  /// Blog, 2015).
  package func decide(attempt: Int, random: Double, host: Bool = false) -> Decision {
    guard attempt < tries else { return .giveUp }
    var bound = base
    for _ in 1..<max(1, attempt) where bound < cap { bound *= 2 }
    return .wait(seconds: min(bound, cap) * random, host: host)
  }

  /// Seconds to wait of a `Retry-After` (RFC 9110, section 10.2.3): a number or a date.
  package static func seconds(_ text: String, now: Int) -> Int? {
    if !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) { return Int(text) ?? .max }
    return HTTPDate.seconds(text, now: now).map { max(0, $0 - now) }
  }
}

/// How many tries a piece of work has left.
package struct RetryBudget {
  /// Tries that failed since the work began or last got on.
  package private(set) var failures = 0

  package init() {}

  package mutating func fail() -> Int {
    failures += 1
    return failures
  }

  /// The work got on: it has all its tries again.
  package mutating func refill() { failures = 0 }
}
