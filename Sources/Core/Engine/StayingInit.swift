internal import CLinux
internal import Glibc
internal import Linux
internal import Model

/// The first process of an instance: starts the program, hands signals to it, reaps what is orphaned, and stays when the
/// program has ended.
///
/// It ends when it was told to stop and has no children any more. Told by a signal with `StopWord.value` beside it
/// (`apus instance stop`), or by one that means as much to any program: TERM, INT and QUIT, as the end of a job sends.
/// What does not end by that signal is killed by whoever wanted the stop, with this process.
enum StayingInit {
  private static let endings = [SIGTERM, SIGINT, SIGQUIT]

  /// Runs `start`, if there is a program, as a child. Returns the exit code for this process, whose `signals` are
  /// blocked already.
  static func run(
    _ start: (() -> EngineFault)?, _ signals: BlockedSignals, report: (EngineFault) -> Void
  ) -> Int32 {
    if getpid() != 1 { try? Process.adoptOrphans() }
    var program: Int32 = 0
    if let start {
      let child: Int32
      do throws(SystemCallFault) { child = try signals.fork() } catch {
        report(.setup(activity: "start the program of the instance", cause: error))
        return ExitCode.failure
      }
      if child == 0 {
        let fault = start()
        report(fault)
        _exit(fault.exitCode)
      }
      program = child
    }
    // Nothing of the launch is needed any more, and this process may live for months.
    Process.closeAll(from: 3)
    Process.setTitle("apus: first process of an instance")
    Process.setName("apus-init")
    return stay(program, signals.all)
  }

  /// `program`: 0 where there is none, or it has ended.
  private static func stay(_ program: Int32, _ all: sigset_t) -> Int32 {
    var program = program
    var waited = all
    var stopping: Int32?
    while true {
      var information = unsafe siginfo_t()
      let signal = unsafe sigwaitinfo(&waited, &information)
      if signal < 0 { continue }
      if signal == SIGCHLD {
        let hasChildren = reap(&program)
        guard let stopping else { continue }
        if !hasChildren { return 0 }
        if program == 0 { signalAll(stopping) }
        continue
      }
      // What went to the whole group came here too.
      if unsafe apus_signal_sender(&information) == getpid() { continue }
      kill(0, signal)
      let isWord = unsafe apus_signal_value(&information) == StopWord.value
      guard isWord || endings.contains(signal) else { continue }
      stopping = signal
      if !reap(&program) { return 0 }
      if program == 0 { signalAll(signal) }
    }
  }

  /// What the program has left may be in groups of its own.
  private static func signalAll(_ signal: Int32) { if getpid() == 1 { kill(-1, signal) } }

  /// Reaps all that has ended. Returns whether there are children left.
  private static func reap(_ program: inout Int32) -> Bool {
    while true {
      let pid = waitpid(-1, nil, WNOHANG)
      if pid == 0 { return true }
      if pid < 0 {
        if errno == EINTR { continue }
        return false
      }
      if pid == program { program = 0 }
    }
  }
}
