internal import Glibc
internal import Linux

/// Ties a child to the process that made it, from before the fork on.
///
/// The kernel's own way (PR_SET_PDEATHSIG) begins late, because a change of credentials undoes it, and says nothing of a
/// parent that has gone before; who is outside of a PID namespace cannot be asked for from within.
struct Lifeline {
  /// Of the parent; -1 before Linux 5.3.
  private let parent: Int32

  /// To be called by the parent.
  init() { parent = (try? Process.pidfd(getpid()))?.release() ?? -1 }

  /// In the child, when its credentials are the last ones: it dies with its parent, or is dead now.
  func hold() {
    try? Process.dieWithParent()
    // Readable when the process has ended (pidfd_open(2)).
    var waiting = pollfd(fd: parent, events: Int16(POLLIN), revents: 0)
    let hasEnded = unsafe poll(&waiting, 1, 0) > 0
    if parent >= 0, hasEnded { _exit(128 + SIGKILL) }
  }
}
