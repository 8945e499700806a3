internal import Glibc
internal import Linux

/// The signals of a process that stays as the parent of its program: all blocked, so that it takes one after the other
/// (`SignalForwarding`). The children it makes have the mask from before.
struct BlockedSignals {
  let all: sigset_t
  private let before: sigset_t

  init() {
    var all = sigset_t()
    var before = sigset_t()
    unsafe sigfillset(&all)
    unsafe sigprocmask(SIG_SETMASK, &all, &before)
    self.all = all
    self.before = before
  }

  /// Makes a child, in which no signal is blocked that was not before. Returns 0 there.
  func fork() throws(SystemCallFault) -> Int32 {
    let child = try Process.fork()
    if child == 0 { restore() }
    return child
  }

  func restore() {
    var before = before
    unsafe sigprocmask(SIG_SETMASK, &before, nil)
  }

  /// Does to this process what the signal does by default, and goes on with it blocked.
  func raise(_ number: Int32) {
    let before = signal(number, SIG_DFL)
    Glibc.raise(number)
    Self.unblock(number)
    block()
    _ = signal(number, before)
  }

  static func isPending(_ number: Int32) -> Bool {
    var pending = sigset_t()
    unsafe sigpending(&pending)
    return unsafe sigismember(&pending, number) == 1
  }

  static func unblock(_ number: Int32) {
    var one = sigset_t()
    unsafe sigemptyset(&one)
    unsafe sigaddset(&one, number)
    unsafe sigprocmask(SIG_UNBLOCK, &one, nil)
  }

  func block() {
    var all = all
    unsafe sigprocmask(SIG_SETMASK, &all, nil)
  }
}
