internal import CLinux
internal import Glibc
public import ImageMount
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
    /// The image: a mount without a place, or a directory.
    public let image: Descriptor
    let inner: Inner
    let overlayLock: OverlayLock?
    /// Mounts that lie over `/` already.
    var layers = 0

    /// The user namespace the program runs in.
    enum Inner {
      /// Real root: the host's own.
      case none
      /// Shared with all containers of the group.
      case joined(Int32)
      /// Made at the end, mapping root of the outer namespace to these ids.
      case made(uid: UInt32, gid: UInt32)
    }
  }

  /// Told of each step, where somebody wants to know (DEBUG); the texts are made only then.
  public typealias Trace = (Notice) -> Void

  /// Leaves the host's mount namespace for one of this launch. `overlayDirectory` is that of a persistent writable
  /// overlay, which is locked first. `isPrivileged`: real root keeps its user namespace. `mapsRoot`: the program is root
  /// of a user namespace of its own.
  /// Not `receivesMounts`: what the host mounts later stays outside.
  public static func enter(
    _ mounted: MountedImage, overlayDirectory: String?, isPrivileged: Bool, mapsRoot: Bool = false,
    receivesMounts: Bool = true, trace: Trace? = nil
  ) throws(EngineFault) -> Entered {
    let entered = try enterNamespaces(
      mounted, overlayDirectory: overlayDirectory, isPrivileged: isPrivileged, mapsRoot: mapsRoot,
      trace: trace)
    guard !receivesMounts else { return entered }
    do throws(SystemCallFault) { try Mount.makeEverythingPrivate() } catch {
      throw .setup(activity: "keep later mounts of the host out (mount slave = no)", cause: error)
    }
    trace?(Notice(.debug, "mounts that the host makes from now on stay outside"))
    return entered
  }

  private static func enterNamespaces(
    _ mounted: MountedImage, overlayDirectory: String?, isPrivileged: Bool, mapsRoot: Bool, trace: Trace?
  ) throws(EngineFault) -> Entered {
    let rootMap: Entered.Inner? = mapsRoot && !isPrivileged ? .made(uid: 0, gid: 0) : nil
    let lock: OverlayLock? =
      if let overlayDirectory { try OverlayLock.acquire(directory: overlayDirectory) } else { nil }
    if let overlayDirectory { trace?(Notice(.debug, "locked the overlay \(printable(overlayDirectory))")) }
    do throws(SystemCallFault) {
      switch mounted.access {
      case .mount(let outer, let inner, let mount):
        try Namespace.enter(outer, .user)
        try Namespace.unshare(.mount)
        try Mount.makeEverythingSlave()
        trace?(Notice(.debug, "entered the server's outer user namespace, made a mount namespace beneath it"))
        return Entered(
          image: Descriptor(owning: mount), inner: rootMap ?? .joined(inner), overlayLock: lock)
      case .place(let outer, let inner, let namespace, let path):
        try Namespace.enter(outer, .user)
        try Namespace.enter(namespace, .mount)
        try Namespace.unshare(.mount)
        try Mount.makeEverythingSlave()
        let image = try File.open(path, O_PATH | O_DIRECTORY)
        trace?(
          Notice(.debug, "entered the server's user and mount namespaces, made a copy of the latter"))
        return Entered(image: image, inner: rootMap ?? .joined(inner), overlayLock: lock)
      case .kernelMount(let mount, let isOverRoot):
        trace?(Notice(.debug, "made a mount namespace with the image in it"))
        return Entered(
          image: Descriptor(owning: mount), inner: .none, overlayLock: lock, layers: isOverRoot ? 1 : 0)
      case .directory(let path, let device, let inode):
        let inner = try leaveHost(isPrivileged: isPrivileged)
        // Opened anew: a directory of the host's namespace cannot be bound in another one.
        let image = try File.open(path, O_PATH | O_DIRECTORY)
        let facts = try File.facts(image)
        guard facts.device == device, facts.inode == inode else {
          throw SystemCallFault("open", path, ESTALE)
        }
        let made = isPrivileged ? "a mount namespace" : "an outer user namespace and a mount namespace"
        trace?(Notice(.debug, "made \(made)"))
        return Entered(image: image, inner: rootMap ?? inner, overlayLock: lock)
      }
    } catch {
      if error.call == "unshare" || error.call == "clone" { throw .namespacesRefused(cause: error) }
      throw .setup(activity: "enter the namespaces of the container", cause: error)
    }
  }

  /// Namespaces of this launch's own, for an image that has no server.
  private static func leaveHost(isPrivileged: Bool) throws(SystemCallFault) -> Entered.Inner {
    guard !isPrivileged else {
      try Namespace.unshare(.mount)
      try Mount.makeEverythingSlave()
      return .none
    }
    let uid = geteuid()
    let gid = getegid()
    try NamespacePair.makeOuter(uid: uid, gid: gid)
    try Mount.makeEverythingSlave()
    return .made(uid: uid, gid: gid)
  }

  /// Carries out `plan` and becomes its program. Returns why that failed.
  ///
  /// `report` is called for notices that arise on the way; with a PID namespace the faults of the program's start are
  /// reported through `fault`, because they arise in another process, and the exit code is then already ours.
  /// `beforeProgram` is called when all stands, by the process that then becomes the program.
  public static func launch(
    _ plan: Plan, in entered: consuming Entered, trace: Trace? = nil, report: (Notice) -> Void,
    fault: (EngineFault) -> Void, beforeProgram: () -> Void = {}, following: Following? = nil
  ) -> EngineFault {
    do throws(EngineFault) {
      try unshare(plan.namespaces)
      for step in plan.namespaces {
        trace?(Notice(.debug, "made a \(step.kind.rawValue) namespace (\(step.reason))"))
      }
      guard following != nil || plan.limits != nil || plan.namespaces.contains(where: { $0.kind == .pid })
      else {
        try setUp(plan, entered, trace: trace, report: report)
        beforeProgram()
        return Program(plan: plan.program, trace: trace).become()
      }
    } catch { return error }
    return launchAsParent(
      plan, entered, trace: trace, report: report, fault: fault, beforeProgram: beforeProgram,
      following: following)
  }

  /// What a follower of the program is told, and of what.
  public struct Following {
    /// Directories of the container of which uses that worked are told too.
    public let interesting: [String]
    /// Called when the program has ended.
    public let seen: ([Observation]) -> Void

    public init(interesting: [String], seen: @escaping ([Observation]) -> Void) {
      self.interesting = interesting
      self.seen = seen
    }
  }

  static func unshare(_ steps: [NamespaceStep]) throws(EngineFault) {
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
    guard kinds.contains(.network) else { return }
    do throws(SystemCallFault) { try Namespace.raiseLoopback() } catch {
      throw .setup(activity: "switch on the loopback device of the container", cause: error)
    }
  }

  /// From the root of the host to the working directory of the program, in this process.
  static func setUp(
    _ plan: Plan, _ entered: consuming Entered, trace: Trace?, report: (Notice) -> Void
  ) throws(EngineFault) {
    // Opened before the root changes: the id maps are written through it, whatever /proc is then.
    guard let process = try? File.open("/proc/self", O_PATH | O_DIRECTORY) else {
      throw .setup(activity: "open /proc/self", cause: SystemCallFault("open", "/proc/self", errno))
    }
    let layers = entered.layers
    let isPrivileged = if case .none = entered.inner { true } else { false }
    var builder = RootBuilder(
      image: entered.image, session: plan.root, layers: layers, isPrivileged: isPrivileged)
    let root = try buildRoot(plan, with: &builder, lock: entered.overlayLock)
    trace?(Notice(.debug, "made the root (\(plan.root.reason))"))
    for notice in builder.notices { report(notice) }
    var runner = StepRunner(builder: builder, root: root, trace: trace)
    try runner.run(plan.steps)
    for warning in runner.warnings { report(warning) }
    do throws(SystemCallFault) {
      try runner.finish(plan.root)
      trace?(Notice(.debug, "made it the root of this process"))
      switch entered.inner {
      case .none: break
      case .joined(let inner): try Namespace.enter(inner, .user)
      case .made(let uid, let gid):
        try NamespacePair.makeInner(uid: uid, gid: gid, process: process.number)
      }
      if !isPrivileged { trace?(Notice(.debug, "entered the inner user namespace")) }
      try Process.forbidNewPrivileges()
      try take(plan.program.rights, trace: trace)
    } catch { throw .setup(activity: "enter the root of the container", cause: error) }
    if let notice = try Program(plan: plan.program, trace: trace).enterDirectory() { report(notice) }
  }

  /// The last change of what this process is: nothing after it needs what it takes away.
  static func take(_ rights: RightsPlan, trace: Trace?) throws(SystemCallFault) {
    guard rights.changesProcess else { return }
    try Rights.take(
      capabilities: rights.capabilities, uid: rights.identity?.uid,
      groups: rights.identity.map { [$0.gid] + $0.groups } ?? [])
    trace?(Notice(.debug, "took on the user and the capabilities of the program (\(rights.reason))"))
  }

  private static func buildRoot(
    _ plan: Plan, with builder: inout RootBuilder, lock: OverlayLock?
  ) throws(EngineFault) -> Descriptor {
    do throws(SystemCallFault) {
      let needsSession = plan.steps.contains { $0.step.usesSession }
      let root = try builder.build(plan.root, needsSession: needsSession)
      try lock?.follow(root.number)
      return root
    } catch {
      throw .setup(activity: "make the root of the container (\(plan.root.reason))", cause: error)
    }
  }

  /// The launcher stays outside as the parent of process 1, or of a program in a control group of its own, which somebody
  /// has to take away; and ends with its exit code.
  private static func launchAsParent(
    _ plan: Plan, _ entered: consuming Entered, trace: Trace?, report: (Notice) -> Void,
    fault: (EngineFault) -> Void, beforeProgram: () -> Void, following: Following?
  ) -> EngineFault {
    let isFirst = plan.namespaces.contains { $0.kind == .pid }
    let group: ControlGroup?
    do throws(EngineFault) { group = try plan.limits.map(ControlGroup.make) } catch { return error }
    let signals = BlockedSignals()
    let child: Int32
    let gate: Gate?
    let reports: InitReports?
    // While /proc is the host's.
    let processes: Int32?
    do throws(SystemCallFault) {
      gate = following == nil ? nil : try Gate()
      reports = isFirst && plan.program.usesInit && following == nil ? try InitReports() : nil
      processes =
        isFirst && !plan.program.usesInit ? try File.open("/proc", O_PATH | O_DIRECTORY).release() : nil
      child = try signals.fork()
    } catch {
      group?.remove()
      return .setup(activity: "start process 1 of the container", cause: error)
    }
    if child == 0 {
      gate?.pass()
      do throws(EngineFault) {
        try group?.enter()
        try setUp(plan, entered, trace: trace, report: report)
        // Without its parent nobody would reap the container or hand it signals. After the last change of
        // credentials, which would undo it.
        try? Process.dieWithParent()
      } catch {
        fault(error)
        _exit(error.exitCode)
      }
      beforeProgram()
      let program = Program(plan: plan.program, trace: trace)
      if following != nil {
        do throws(SystemCallFault) { try Tracing.offer() } catch {
          let refused = EngineFault.setup(activity: "follow the program (--diagnose)", cause: error)
          fault(refused)
          _exit(refused.exitCode)
        }
      } else if let reports {
        _exit(Init.run(reports, { program.become() }, report: fault))
      }
      let error = program.become()
      fault(error)
      _exit(error.exitCode)
    }
    _ = consume entered
    let end: ProgramEnd
    if let following {
      // The follower keeps the host's tree: what changes the root of one process changes that of all in its namespace.
      try? Namespace.unshare(.mount)
      gate?.open()
      let followed = Watch(interesting: following.interesting).untilEnd(of: child, blocked: signals.all)
      end = .code(followed.code)
      following.seen(followed.seen)
    } else {
      end = SignalForwarding(child, signals, hears: reports?.read, processes: processes).untilEnd()
    }
    group?.remove()
    end.follow()
  }
}
