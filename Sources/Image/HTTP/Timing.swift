internal import Glibc

/// Clocks, sleep and chance, handed in where something is tried again, so that tests have none of them.
public struct Timing: Sendable {
  /// Seconds of a clock that only goes forward.
  public var monotonic: @Sendable () -> Double
  /// Seconds since 1970.
  public var wall: @Sendable () -> Int
  /// Seconds to wait.
  public var sleep: @Sendable (Double) -> Void
  /// From 0 up to, not including, 1.
  public var random: @Sendable () -> Double

  public init(
    monotonic: @escaping @Sendable () -> Double, wall: @escaping @Sendable () -> Int,
    sleep: @escaping @Sendable (Double) -> Void, random: @escaping @Sendable () -> Double
  ) {
    self.monotonic = monotonic
    self.wall = wall
    self.sleep = sleep
    self.random = random
  }

  public static let system = Timing(
    monotonic: {
      var time = timespec()
      unsafe clock_gettime(CLOCK_MONOTONIC, &time)
      return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    },
    wall: {
      var time = timespec()
      unsafe clock_gettime(CLOCK_REALTIME, &time)
      return time.tv_sec
    },
    sleep: { seconds in
      let whole = seconds.rounded(.down)
      var time = timespec(tv_sec: Int(whole), tv_nsec: Int((seconds - whole) * 1e9))
      var rest = timespec()
      while unsafe nanosleep(&time, &rest) == -1, errno == EINTR { time = rest }
    },
    random: { Double.random(in: 0..<1) })
}
