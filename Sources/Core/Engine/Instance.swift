internal import Glibc
internal import ImageMount
internal import Linux
public import Model

/// An instance: a container with a process of ours in it that stays when the program has ended, so that others can
/// enter. It is process 1 where the container has processes of its own.
///
/// Two processes make it. The *keeper* has the connection to the image's server, as the launcher of a program with
/// `--pid` does, and ends with the other one. The *init* (`StayingInit`) starts the program and waits to be stopped.
extension Engine {
  /// Carries out `plan` and stays, as the keeper, until the instance has ended. Returns why there is none.
  ///
  /// `started` is called in the keeper with the init's number and the descriptors that stay in use. `beforeProgram` is
  /// called in the init when all stands; the program starts when it returns. `ended` is called in the keeper at the end
  /// of it.
  public static func stand(
    _ plan: Plan, in entered: consuming Entered, trace: Trace? = nil, report: (Notice) -> Void,
    fault: (EngineFault) -> Void, started: (Int32, [Int32]) -> Void, beforeProgram: () -> Void,
    ended: () -> Void
  ) -> EngineFault {
    let keeper: NetworkKeeper?
    do throws(EngineFault) { keeper = try leaveHost(plan, entered, trace: trace) } catch { return error }
    let group: ControlGroup?
    do throws(EngineFault) { group = try plan.limits.map(ControlGroup.make) } catch {
      keeper?.end()
      return error
    }
    let signals = BlockedSignals()
    let lifeline = Lifeline()
    let child: Int32
    // Signals stay blocked: one that came during the set-up would be lost on a process 1.
    do throws(SystemCallFault) { child = try Process.fork() } catch {
      group?.remove()
      keeper?.end()
      return .setup(activity: "start the first process of the instance", cause: error)
    }
    if child == 0 {
      keeper?.leave()
      let processes: Int32
      do throws(EngineFault) {
        try group?.enter()
        processes = try setUp(plan, entered, trace: trace, report: report)
        lifeline.hold()
      } catch {
        fault(error)
        _exit(error.exitCode)
      }
      // The program and what it starts are in this process's group: one signal reaches all of it.
      setpgid(0, 0)
      beforeProgram()
      let program = Program(plan: plan.program, processes: processes, trace: trace)
      let start: (() -> EngineFault)? = plan.program.arguments.isEmpty ? nil : { program.become() }
      _exit(StayingInit.run(start, signals, report: fault))
    }
    let files = entered.files
    _ = consume entered
    files?.letGo()
    let endings = files?.mounted.compactMap(\.ending) ?? []
    started(child, (group.map { [$0.parent] } ?? []) + (keeper.map { [$0.socket] } ?? []) + endings)
    let code = SignalForwarding(child, signals).untilEnd().code
    keeper?.end()
    for notice in files?.awaitWritten() ?? [] { report(notice) }
    // Programs of file systems are in the group too.
    group?.remove()
    ended()
    _exit(code)
  }
}
