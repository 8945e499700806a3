internal import CLinux
internal import Glibc
public import Linux
public import Model

/// Carries out a plan: the one place of a launch that calls unshare, setns, mount, pivot_root and execve
/// (ImageMount does so for its server). It decides nothing and reads no settings.
///
/// The order is `enter`, then whoever plans looks at the image through `Entered.image`, then `launch`, which returns
/// only to say why the program did not start.
public enum Engine {
  /// A process that has its own mount namespace, with the image at hand and the host's tree still its root.
  public struct Entered: ~Copyable {
    /// The image: a mount without a place, or a sandbox directory.
    public let image: Descriptor
    /// The user namespace the program runs in.
    let inner: Inner
    let overlayLock: OverlayLock?

    enum Inner: ~Copyable {
      /// Real root: the host's own.
      case none
      /// Shared with all containers of the group.
      case joined(Descriptor)
      /// Made at the end, mapping root of the outer namespace to these ids.
      case made(uid: UInt32, gid: UInt32)
    }
  }

  /// Carries out `plan` and becomes its program. Returns why that failed.
  ///
  /// `report` is called for notices that arise on the way; with a PID namespace the faults of the program's start are
  /// reported through `fault`, because they arise in another process, and the exit code is then already ours.
  public static func launch(
    _ plan: Plan, in entered: consuming Entered, report: (Notice) -> Void, fault: (EngineFault) -> Void
  ) -> EngineFault {
    do throws(EngineFault) {
      try unshare(plan.namespaces)
      guard plan.namespaces.contains(where: { $0.kind == .pid }) else {
        try setUp(plan, entered, report: report)
        return Program(plan: plan.program).become()
      }
    } catch { return error }
    return launchInPIDNamespace(plan, entered, report: report, fault: fault)
  }

  private static func unshare(_ steps: [NamespaceStep]) throws(EngineFault) {
    var kinds: NamespaceKinds = []
    for step in steps {
      switch step.kind {
      case .pid: kinds.insert(.pid)
      case .ipc: kinds.insert(.ipc)
      case .uts: kinds.insert(.uts)
      case .network: kinds.insert(.network)
      }
    }
    guard !kinds.isEmpty else { return }
    do throws(SystemCallFault) { try Namespace.unshare(kinds) } catch {
      let names = steps.map { $0.kind.rawValue }.joined(separator: ", ")
      throw .setup(activity: "make the namespaces \(names)", cause: error)
    }
  }

  /// From the root of the host to the working directory of the program, in this process.
  private static func setUp(
    _ plan: Plan, _ entered: consuming Entered, report: (Notice) -> Void
  ) throws(EngineFault) {
    // Opened before the root changes: the id maps are written through it, whatever /proc is then.
    guard let process = try? File.open("/proc/self", O_PATH | O_DIRECTORY) else {
      throw .setup(activity: "open /proc/self", cause: SystemCallFault("open", "/proc/self", errno))
    }
    var builder = RootBuilder(image: entered.image, sessionBytes: plan.root.sessionBytes)
    let root = try buildRoot(plan.root, with: &builder, lock: entered.overlayLock)
    var runner = StepRunner(builder: builder, root: root)
    try runner.run(plan.steps)
    for warning in runner.warnings { report(warning) }
    do throws(SystemCallFault) {
      try runner.finish(plan.root)
      switch entered.inner {
      case .none: break
      case .joined(let inner): try Namespace.enter(inner.number, .user)
      case .made(let uid, let gid):
        try Namespace.unshare(.user)
        try Namespace.mapOne(uid: 0, to: uid, gid: 0, to: gid, process: process.number)
      }
      try Process.forbidNewPrivileges()
    } catch { throw .setup(activity: "enter the root of the container", cause: error) }
    if let notice = try Program(plan: plan.program).enterDirectory() { report(notice) }
  }

  private static func buildRoot(
    _ plan: RootPlan, with builder: inout RootBuilder, lock: OverlayLock?
  ) throws(EngineFault) -> Descriptor {
    do throws(SystemCallFault) {
      let root = try builder.build(plan)
      try lock?.follow(root.number)
      return root
    } catch {
      throw .setup(activity: "make the root of the container (\(plan.reason))", cause: error)
    }
  }

  /// The launcher stays outside as the parent of process 1 and ends with its exit code.
  private static func launchInPIDNamespace(
    _ plan: Plan, _ entered: consuming Entered, report: (Notice) -> Void, fault: (EngineFault) -> Void
  ) -> EngineFault {
    var all = sigset_t()
    var before = sigset_t()
    unsafe sigfillset(&all)
    unsafe sigprocmask(SIG_SETMASK, &all, &before)
    let child: Int32
    do throws(SystemCallFault) { child = try Process.fork() } catch {
      return .setup(activity: "start process 1 of the container", cause: error)
    }
    if child == 0 {
      unsafe sigprocmask(SIG_SETMASK, &before, nil)
      do throws(EngineFault) {
        try setUp(plan, entered, report: report)
        // Without its parent nobody would reap the container or hand it signals. After the last change of
        // credentials, which would undo it.
        try? Process.dieWithParent()
      } catch {
        fault(error)
        _exit(error.exitCode)
      }
      let program = Program(plan: plan.program)
      if plan.program.usesInit { _exit(Init.run({ program.become() }, report: fault)) }
      let error = program.become()
      fault(error)
      _exit(error.exitCode)
    }
    _ = consume entered
    _exit(SignalForwarding.untilEnd(of: child, blocked: all))
  }
}
