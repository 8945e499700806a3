internal import CLinux
internal import Glibc
internal import Linux
internal import Model

/// Waits for a child while handing on signals: what the launcher outside a PID namespace and the init inside do. To a shell
/// with job control the launcher stops, goes on and ends as the program does.
struct SignalForwarding {
  /// What the kernel sends to a process group (tty_ioctl(4), setpgid(2)).
  private static let ofTerminals: Set = [
    SIGINT, SIGQUIT, SIGTSTP, SIGTTIN, SIGTTOU, SIGHUP, SIGCONT, SIGWINCH, SIGIO,
  ]

  private let child: Int32
  /// Blocked already.
  private let signals: BlockedSignals
  /// In the init: where the launcher is told.
  private let tells: Int32?
  /// In the launcher: what its init tells.
  private let hears: Int32?
  /// In the launcher of a program that is process 1: procfs as this process has it.
  private let processes: Int32?
  /// The signal that has ended the program, as its init has told.
  private var told: Int32?
  /// The signal for which the program was ended or stopped in the kernel's stead.
  private var meant: Int32?

  init(
    _ child: Int32, _ signals: BlockedSignals, tells: Int32? = nil, hears: Int32? = nil,
    processes: Int32? = nil
  ) {
    self.child = child
    self.signals = signals
    self.tells = tells
    self.hears = hears
    self.processes = processes
  }

  func untilEnd() -> ProgramEnd {
    var waiting = self
    return waiting.wait()
  }

  private mutating func wait() -> ProgramEnd {
    var waited = signals.all
    while true {
      var information = unsafe siginfo_t()
      let signal = unsafe sigwaitinfo(&waited, &information)
      if signal < 0 { continue }
      let isOfKernel = unsafe information.si_code == 0x80
      switch signal {
      case SIGCHLD: if let end = reap() { return end }
      case SIGIO where isOfKernel && hears != nil: hear()
      default:
        // From the terminal: the whole foreground group has it already.
        if !isOfKernel || !Self.ofTerminals.contains(signal) { kill(child, signal) }
        if let processes { actByDefault(signal, processes) }
      }
    }
  }

  /// Reaps all that has ended. When the child is stopped, this process stops too, so that job control sees it.
  private mutating func reap() -> ProgramEnd? {
    while true {
      var status: Int32 = 0
      let pid = unsafe waitpid(-1, &status, WNOHANG | WUNTRACED)
      if pid <= 0 { return nil }
      guard pid == child else { continue }
      let number = apus_signal_number(status)
      if apus_is_stopped(status) != 0 {
        stop(by: meant ?? number)
        meant = nil
        continue
      }
      hear()
      if let signal = told ?? (number == SIGKILL ? meant : nil) ?? (number > 0 ? number : nil) {
        return .signal(signal)
      }
      return .code(apus_exit_code(status))
    }
  }

  /// Does what the init tells.
  private mutating func hear() {
    guard let hears else { return }
    for message in InitReports.messages(from: hears) {
      switch message {
      case .stopped(let signal): stop(by: signal)
      case .ended(let signal): told = signal
      }
    }
  }

  /// Process 1 of a container cannot stop.
  private func stop(by signal: Int32) {
    if let tells { return InitReports.tell(.stopped(by: signal), to: tells) }
    guard getpid() != 1, !BlockedSignals.isPending(SIGCONT) else { return }
    // Not SIGSTOP: where nobody does job control nobody would wake this process again, and the kernel does not stop it by
    // the others (setpgid(2), orphaned process groups).
    signals.raise([SIGTTIN, SIGTTOU].contains(signal) ? signal : SIGTSTP)
  }

  /// The kernel keeps the default action of a signal from process 1. Whoever types Ctrl-C, or ends a job, means it all
  /// the same: a program that does nothing of its own with the signal is ended or stopped here.
  private mutating func actByDefault(_ signal: Int32, _ processes: Int32) {
    switch signal {
    case SIGCONT, SIGURG, SIGWINCH, SIGIO: return
    default: break
    }
    guard let state = SignalState(of: child, parent: getpid(), processes: processes),
      state.leavesToKernel(signal)
    else { return }
    meant = signal
    kill(child, [SIGTSTP, SIGTTIN, SIGTTOU].contains(signal) ? SIGSTOP : SIGKILL)
  }
}
