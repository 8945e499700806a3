internal import Glibc
public import Linux
public import Model

/// Starting a program in a container that stands: the namespaces are entered in the order outer, others, mount, PID,
/// inner. Whoever plans looks at the root in between, as with a launch.
extension Engine {
  /// A process that has the mounts of a container, and not yet its processes and rights.
  public struct Visiting: ~Copyable {
    /// The container's root directory.
    public let root: Descriptor
    let container: StandingContainer
    /// Open directory of the host's procfs.
    let processes: Int32
  }

  /// Enters all of `container` but what only a program needs.
  public static func visit(_ container: StandingContainer) throws(EngineFault) -> Visiting {
    let processes = try hostProcesses()
    do throws(SystemCallFault) {
      try container.enter()
      return Visiting(
        root: try File.open("/", O_PATH | O_DIRECTORY), container: container, processes: processes)
    } catch { throw entryFault(error) }
  }

  /// Becomes the program, or with processes of the container's own its parent, which ends as it does. Returns why the
  /// program did not start; `fault` is told where that arises in another process.
  public static func start(
    _ program: ProgramPlan, in visiting: consuming Visiting, trace: Trace? = nil, report: (Notice) -> Void,
    fault: (EngineFault) -> Void
  ) -> EngineFault {
    let container = visiting.container
    let processes = visiting.processes
    guard let pid = container.pid else {
      do throws(EngineFault) { try finishEntry(program, container, trace, report) } catch { return error }
      return Program(plan: program, processes: processes, trace: trace).become()
    }
    let signals = BlockedSignals()
    let lifeline = Lifeline()
    let child: Int32
    do throws(SystemCallFault) {
      try Namespace.enter(pid, .pid)
      child = try signals.fork()
    } catch { return entryFault(error) }
    if child == 0 {
      do throws(EngineFault) {
        try finishEntry(program, container, trace, report)
        lifeline.hold()
      } catch {
        fault(error)
        _exit(error.exitCode)
      }
      let error = Program(plan: program, processes: processes, trace: trace).become()
      fault(error)
      _exit(error.exitCode)
    }
    _ = consume visiting
    SignalForwarding(child, signals).untilEnd().follow()
  }

  private static func finishEntry(
    _ program: ProgramPlan, _ container: StandingContainer, _ trace: Trace?, _ report: (Notice) -> Void
  ) throws(EngineFault) {
    do throws(SystemCallFault) {
      if let inner = container.inner { try Namespace.enter(inner, .user) }
      try Process.forbidNewPrivileges()
      try take(program.rights, trace: trace)
    } catch { throw entryFault(error) }
    if let notice = try Program(plan: program, trace: trace).enterDirectory() { report(notice) }
  }

  private static func entryFault(_ cause: SystemCallFault) -> EngineFault {
    .setup(activity: "enter the namespaces of the container", cause: cause)
  }
}
