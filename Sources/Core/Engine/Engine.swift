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
    /// Whether the process is in the network namespace that was named.
    var hasNetwork = false
    /// File systems of files, beside the image (`Engine.mount`).
    public internal(set) var files: FileMounts?
    var searchPath: String?

    /// Readable at their end when what was written to files is in them.
    var endings: [Int32] { files?.mounted.compactMap(\.ending) ?? [] }

    /// Whether it belongs to real root, who keeps the host's user namespace.
    var isPrivileged: Bool { if case .none = inner { true } else { false } }

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
  /// of a user namespace of its own, which has no other users; those of `MountOptions.ids` come with the image.
  /// `networkPath` is a network namespace to enter: from here where that is the caller's right, else when the launch is
  /// root of the outer user namespace. Not `receivesMounts`: what the host mounts later stays outside.
  public static func enter(
    _ mounted: MountedImage, overlayDirectory: String?, isPrivileged: Bool, mapsRoot: Bool = false,
    networkPath: String? = nil, receivesMounts: Bool = true, trace: Trace? = nil
  ) throws(EngineFault) -> Entered {
    let hasNetwork = networkPath.map { (try? joinNetwork($0)) != nil } ?? false
    var entered = try enterNamespaces(
      mounted, overlayDirectory: overlayDirectory, isPrivileged: isPrivileged, mapsRoot: mapsRoot,
      trace: trace)
    entered.hasNetwork = hasNetwork
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
      case .directory(let path, let device, let inode, let pair):
        let inner: Entered.Inner
        if let pair {
          try Namespace.enter(pair.outer, .user)
          try Namespace.unshare(.mount)
          try Mount.makeEverythingSlave()
          inner = .joined(pair.inner)
        } else {
          inner = try leaveHost(isPrivileged: isPrivileged)
        }
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

  /// Mounts file systems of files beside the image. Before the launch has any other namespace: in a PID namespace their
  /// programs would be killed with its first process. `searchPath`: where programs for it are looked for.
  public static func mount(
    _ images: [FileImage], in entered: inout Entered, searchPath: String?
  ) throws(EngineFault) {
    var files = FileMounts(isPrivileged: entered.isPrivileged, searchPath: searchPath)
    do throws(MountFault) { try files.make(images) } catch { throw .mount(error) }
    entered.layers += files.layers
    entered.files = files
    entered.searchPath = searchPath
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
  /// `beforeProgram` is called when all stands, by the process that then becomes the program, `asParent` by one that stays as
  /// its parent.
  public static func launch(
    _ plan: Plan, in entered: consuming Entered, trace: Trace? = nil, report: (Notice) -> Void,
    fault: (EngineFault) -> Void, beforeProgram: () -> Void = {}, asParent: () -> Void = {},
    following: Following? = nil
  ) -> EngineFault {
    let keeper: NetworkKeeper?
    do throws(EngineFault) {
      keeper = try leaveHost(plan, entered, trace: trace)
      // Somebody has to wait until what was written to files is in them.
      let writesFiles = !entered.endings.isEmpty
      guard
        following != nil || plan.limits != nil || keeper != nil || writesFiles
          || plan.namespaces.contains(where: { $0.kind == .pid })
      else {
        let processes = try setUp(plan, entered, trace: trace, report: report)
        beforeProgram()
        return Program(plan: plan.program, processes: processes, trace: trace).become()
      }
    } catch { return error }
    let failure = launchAsParent(
      plan, entered, keeper, trace: trace, report: report, fault: fault, beforeProgram: beforeProgram,
      asParent: asParent, following: following)
    keeper?.end()
    return failure
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

  /// Makes or enters the plan's namespaces, and has its network connected. Returns who takes that down.
  static func leaveHost(
    _ plan: Plan, _ entered: borrowing Entered, trace: Trace?
  ) throws(EngineFault) -> NetworkKeeper? {
    let keeper = try NetworkKeeper.start(plan.network)
    do throws(EngineFault) {
      try unshare(plan.namespaces)
      for step in plan.namespaces {
        trace?(Notice(.debug, "made a \(step.kind.rawValue) namespace (\(step.reason))"))
      }
      if case .joined(let path)? = plan.network, !entered.hasNetwork {
        do throws(SystemCallFault) { try joinNetwork(path) } catch {
          throw .networkRefused(path: path, cause: error)
        }
      }
      try keeper?.connect()
      if keeper != nil { trace?(Notice(.debug, "connected the network of the container")) }
    } catch {
      keeper?.end()
      throw error
    }
    return keeper
  }

  private static func joinNetwork(_ path: String) throws(SystemCallFault) {
    let namespace = try File.open(path)
    try Namespace.enter(namespace.number, .network)
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
  ///
  /// Returns an open directory of the host's procfs where a security module has to be told of the program, else -1.
  /// `letsMount`: root of a user namespace of its own gets the mounts in a namespace that is its too, so that it can mount;
  /// what is there already the kernel keeps as it is.
  @discardableResult static func setUp(
    _ plan: Plan, _ entered: consuming Entered, letsMount: Bool = true, trace: Trace?,
    report: (Notice) -> Void
  ) throws(EngineFault) -> Int32 {
    let processes = plan.program.rights.label == nil ? -1 : try hostProcesses()
    // Opened before the root changes: the id maps are written through it, whatever /proc is then.
    guard let process = try? File.open("/proc/self", O_PATH | O_DIRECTORY) else {
      throw .setup(activity: "open /proc/self", cause: SystemCallFault("open", "/proc/self", errno))
    }
    let layers = entered.layers
    let isPrivileged = entered.isPrivileged
    let (files, searchPath) = (entered.files, entered.searchPath)
    var builder = RootBuilder(
      image: entered.image, files: files, searchPath: searchPath, session: plan.root, layers: layers,
      isPrivileged: isPrivileged)
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
      // A node may allow no more of them: then it mounts nothing, as everybody else.
      if letsMount, plan.program.rights.isMappedRoot { try? Namespace.unshare(.mount) }
      try Process.forbidNewPrivileges()
      try take(plan.program.rights, trace: trace)
    } catch { throw .setup(activity: "enter the root of the container", cause: error) }
    if let notice = try Program(plan: plan.program, trace: trace).enterDirectory() { report(notice) }
    return processes
  }

  /// The container's procfs is what the image and the options make of it.
  static func hostProcesses() throws(EngineFault) -> Int32 {
    do throws(SystemCallFault) { return try File.open("/proc", O_PATH | O_DIRECTORY).release() } catch {
      throw .setup(activity: "open /proc", cause: error)
    }
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
    let needsSession = plan.steps.contains { $0.step.usesSession }
    let root = try builder.build(plan.root, needsSession: needsSession)
    do throws(SystemCallFault) { try lock?.follow(root.number) } catch {
      throw .setup(activity: "keep the lock of the overlay", cause: error)
    }
    return root
  }

  /// The launcher stays outside as the parent of process 1, or of a program with a control group or a network of its own,
  /// which somebody has to take away; and ends with its exit code.
  private static func launchAsParent(
    _ plan: Plan, _ entered: consuming Entered, _ keeper: NetworkKeeper?, trace: Trace?,
    report: (Notice) -> Void, fault: (EngineFault) -> Void, beforeProgram: () -> Void, asParent: () -> Void,
    following: Following?
  ) -> EngineFault {
    let isFirst = plan.namespaces.contains { $0.kind == .pid }
    let group: ControlGroup?
    do throws(EngineFault) { group = try plan.limits.map(ControlGroup.make) } catch { return error }
    let signals = BlockedSignals()
    let lifeline = Lifeline()
    let child: Int32
    let gate: Gate?
    let reports: InitReports?
    // While /proc is the host's.
    let hostProcesses: Int32?
    do throws(SystemCallFault) {
      gate = following == nil ? nil : try Gate()
      reports = isFirst && plan.program.usesInit ? try InitReports() : nil
      hostProcesses =
        isFirst && !plan.program.usesInit ? try File.open("/proc", O_PATH | O_DIRECTORY).release() : nil
      // An init takes signals one after the other, from its first moment on: on a process 1 they would be lost.
      child = reports == nil ? try signals.fork() : try Process.fork()
    } catch {
      group?.remove()
      return .setup(activity: "start process 1 of the container", cause: error)
    }
    if child == 0 {
      keeper?.leave()
      gate?.pass()
      let processes: Int32
      do throws(EngineFault) {
        try group?.enter()
        processes = try setUp(plan, entered, trace: trace, report: report)
        // Without its parent nobody would reap the container or hand it signals.
        lifeline.hold()
      } catch {
        fault(error)
        _exit(error.exitCode)
      }
      beforeProgram()
      let program = Program(plan: plan.program, processes: processes, trace: trace)
      if following != nil {
        do throws(SystemCallFault) { try Tracing.offer() } catch {
          let refused = EngineFault.setup(activity: "follow the program (--diagnose)", cause: error)
          fault(refused)
          _exit(refused.exitCode)
        }
      }
      if let reports {
        _exit(Init.run(reports, signals, { program.become() }, report: fault))
      }
      let error = program.become()
      fault(error)
      _exit(error.exitCode)
    }
    asParent()
    let files = entered.files
    _ = consume entered
    files?.letGo()
    let end: ProgramEnd
    if let following {
      // The follower keeps the host's tree: what changes the root of one process changes that of all in its namespace.
      try? Namespace.unshare(.mount)
      gate?.open()
      let followed = Watch(interesting: following.interesting, processes: hostProcesses)
        .untilEnd(of: child, blocked: signals.all)
      end = followed.end
      following.seen(followed.seen)
    } else {
      end = SignalForwarding(child, signals, hears: reports?.read, processes: hostProcesses).untilEnd()
    }
    keeper?.end()
    for notice in files?.awaitWritten() ?? [] { report(notice) }
    // Programs of file systems are in the group too.
    group?.remove()
    end.follow()
  }
}
