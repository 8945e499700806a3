internal import Glibc
internal import Linux

/// A thread that touches a file every few seconds, so that others see, on any node, that somebody is still at
/// work. It ends with the variable.
struct Heartbeat: ~Copyable, Sendable {
  /// The writing end of a pipe: closing it wakes the thread.
  private let stop: Descriptor

  private init(stop: consuming Descriptor) { self.stop = stop }

  /// nil where no thread can be had: then others go on without waiting for long.
  static func start(touching file: consuming Descriptor, everySeconds seconds: Double) -> Heartbeat? {
    var ends: [Int32] = [0, 0]
    guard unsafe pipe2(&ends, O_CLOEXEC) == 0 else { return nil }
    let (end, number) = (ends[0], file.release())
    let stop = Descriptor(owning: ends[1])
    do throws(SystemCallFault) {
      try Thread.start(stack: 64 << 10) { Self.beat(number, until: end, everySeconds: seconds) }
      return Heartbeat(stop: stop)
    } catch {
      close(end)
      close(number)
      return nil
    }
  }

  private static func beat(_ number: Int32, until end: Int32, everySeconds seconds: Double) {
    let file = Descriptor(owning: number)
    let end = Descriptor(owning: end)
    while true {
      // POLLHUP comes unasked (poll(2)).
      var wait = pollfd(fd: end.number, events: 0, revents: 0)
      let woken = unsafe poll(&wait, 1, Int32(max(1, min(seconds, 3600) * 1000)))
      if woken > 0 || woken < 0 && errno != EINTR { return }
      if woken == 0 { _ = futimens(file.number, nil) }
    }
  }
}
