internal import Glibc
internal import Linux
internal import Model

/// Process 1 of a PID namespace: starts the program, hands it every signal, reaps whatever is orphaned, and ends with
/// the program. The kernel then ends what is left in the namespace.
enum Init {
  /// Runs `program` as a child. Returns the exit code for this process, whose `signals` are blocked already.
  static func run(
    _ reports: InitReports, _ signals: BlockedSignals, _ start: () -> EngineFault,
    report: (EngineFault) -> Void
  ) -> Int32 {
    let child: Int32
    do throws(SystemCallFault) { child = try signals.fork() } catch {
      report(.setup(activity: "start the program", cause: error))
      return ExitCode.failure
    }
    if child == 0 {
      let fault = start()
      report(fault)
      _exit(fault.exitCode)
    }
    // What the program closes is closed then: nobody waits for an end that is held here.
    Process.closeAll(except: [0, 1, 2, reports.write])
    Process.setName("apus-init")
    let end = SignalForwarding(child, signals, tells: reports.write).untilEnd()
    // Process 1 cannot end by a signal of its own.
    if case .signal(let signal) = end { InitReports.tell(.ended(by: signal), to: reports.write) }
    return end.code
  }
}
