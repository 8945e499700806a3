internal import CLinux
internal import Glibc
internal import Linux
internal import Model

/// Process 1 of a PID namespace: starts the program, hands it every signal, reaps whatever is orphaned, and ends with
/// the program's exit code. The kernel then ends what is left in the namespace.
enum Init {
  /// Runs `program` as a child. Returns the exit code for this process.
  static func run(_ start: () -> EngineFault, report: (EngineFault) -> Void) -> Int32 {
    let signals = BlockedSignals()
    guard let child = try? signals.fork() else { return ExitCode.failure }
    if child == 0 {
      let fault = start()
      report(fault)
      _exit(fault.exitCode)
    }
    Process.setName("apus-init")
    return SignalForwarding.untilEnd(of: child, signals)
  }
}

/// Waits for a child while handing on signals: what both the launcher outside a PID namespace and the init inside do.
enum SignalForwarding {
  /// Returns the child's exit code, or 128 + the signal that ended it. `signals` are blocked already.
  static func untilEnd(of child: Int32, _ signals: BlockedSignals) -> Int32 {
    var waited = signals.all
    while true {
      var information = unsafe siginfo_t()
      let signal = unsafe sigwaitinfo(&waited, &information)
      if signal < 0 { continue }
      if signal != SIGCHLD {
        // From the terminal (SI_KERNEL): the whole foreground group has it already.
        if unsafe information.si_code != 0x80 { kill(child, signal) }
        if signal == SIGTSTP { raiseStop() }
        continue
      }
      if let code = reap(until: child) { return code }
    }
  }

  /// Reaps all that has ended. A stopped child stops this process too, so that job control sees it.
  private static func reap(until child: Int32) -> Int32? {
    while true {
      var status: Int32 = 0
      let pid = unsafe waitpid(-1, &status, WNOHANG | WUNTRACED)
      if pid <= 0 { return nil }
      if apus_is_stopped(status) != 0 {
        if pid == child && getpid() != 1 { raiseStop() }
      } else if pid == child {
        return apus_exit_code(status)
      }
    }
  }

  private static func raiseStop() {
    if getpid() != 1 { raise(SIGSTOP) }
  }
}
