internal import Doctor
internal import Glibc
internal import ImageMount
internal import Launch
internal import Linux
internal import Model

/// Looks at this node for `apus doctor`. Tries in a child process what a launch would do, and changes nothing.
enum NodeSurvey {
  static func facts(user: User, xdg: String?, searchPath: String?) -> NodeFacts {
    var facts = NodeFacts()
    for name in NodeFacts.programNames { facts.programs[name] = Process.find(name, searchPath) }
    facts.isRoot = user.uid == 0 && Namespace.isOfSystem
    facts.userNamespaces = Trial.run { () throws(SystemCallFault) in try Trial.enterNamespaces() }
    for name in NodeFacts.sysctlNames {
      facts.sysctls[name] = word(
        "/proc/sys/" + name.fields(at: UInt8(ascii: ".")).map(String.init).connected(by: "/"))
    }
    if word("/sys/module/apparmor/parameters/enabled") == "Y" {
      facts.appArmor = word("/proc/self/attr/apparmor/current") ?? "of no profile"
    }
    facts.seLinuxIsEnforcing = word("/sys/fs/selinux/enforce").map { $0 == "1" }
    let device = try? File.facts("/dev/fuse")
    facts.fuseMode = device?.mode
    facts.fuseIsReplaced = device.map { !$0.isFUSEDevice } ?? false
    facts.fuseOpen = Trial.error { () throws(SystemCallFault) in _ = try File.open("/dev/fuse", O_RDWR) }
    facts.fuseMount = Trial.run { () throws(SystemCallFault) in try Trial.mountFUSE() }
    facts.overlay = Trial.run { () throws(SystemCallFault) in try Trial.mountOverlay(writable: false) }
    facts.writableOverlay = Trial.run { () throws(SystemCallFault) in try Trial.mountOverlay(writable: true) }
    // A line is a type, perhaps behind "nodev" (proc_filesystems(5)).
    facts.fileSystems = (text("/proc/filesystems") ?? "").lines.map {
      String($0.fields(at: UInt8(ascii: "\t")).last ?? "")
    }
    addIDs(&facts, user)
    addCgroups(&facts)
    addInterpreters(&facts)
    facts.openFiles = limit(Int32(RLIMIT_NOFILE.rawValue))
    facts.processes = limit(Int32(__RLIMIT_NPROC.rawValue))
    facts.newMountAPI = Trial.run { () throws(SystemCallFault) in
      try Trial.enterNamespaces()
      _ = try Mount.create("tmpfs", options: [], attributes: [.noSetID])
    }
    do throws(RuntimeDirectoryFault) {
      let path = RuntimeDirectory.path(uid: user.uid, xdg: xdg)
      _ = try RuntimeDirectory.make(path, below: "doctor", uid: user.uid)
      _ = unsafe rmdir(path + "/doctor")
    } catch { facts.runtimeDirectory = error.explanation }
    return facts
  }

  private static func addIDs(_ facts: inout NodeFacts, _ user: User) {
    let host = surveySubordinateIDs(of: user)
    let users = SubordinateRanges(host.users ?? "", path: "/etc/subuid", user: user, own: user.uid)
    let groups = SubordinateRanges(host.groups ?? "", path: "/etc/subgid", user: user, own: user.gid)
    facts.subordinateUsers = users.ranges
    facts.subordinateGroups = groups.ranges
    facts.hasNewIDMap = host.userProgram != nil && host.groupProgram != nil
    let plan = planFakeroot(user: user, host: host)
    facts.fakerootUsers = plan.ids?.userCount ?? 1
    facts.fakerootReason = plan.reason
    facts.fakerootFaults = users.faults + groups.faults + users.shared + groups.shared
  }

  private static func addCgroups(_ facts: inout NodeFacts) {
    for line in (text("/proc/self/mountinfo") ?? "").lines {
      // The type stands behind the field that is a dash (proc_pid_mountinfo(5)).
      let fields = line.fields(at: UInt8(ascii: " "))
      guard let dash = fields.firstIndex(of: "-"), dash + 1 < fields.count else { continue }
      if fields[dash + 1] == "cgroup" { facts.hasFirstCgroups = true }
      if fields[dash + 1] == "cgroup2" { facts.hasSecondCgroups = true }
    }
    let offered = surveyControlGroups().offered
    facts.limitingControllers = offered.controllers
    facts.limitRefusal = offered.refusal
  }

  private static func addInterpreters(_ facts: inout NodeFacts) {
    let folder = "/proc/sys/fs/binfmt_misc"
    if let directory = try? File.open(folder, O_RDONLY | O_DIRECTORY) {
      let names = ((try? File.names(in: directory)) ?? []).sorted()
      facts.interpreters = names.filter { $0 != "register" && $0 != "status" }.compactMap { name in
        text(folder + "/" + name).flatMap { NodeFacts.interpreter(name, $0) }
      }
    }
    facts.binfmtMount = Trial.run { () throws(SystemCallFault) in
      try Trial.enterNamespaces()
      _ = try Mount.create("binfmt_misc", options: [], attributes: [.noSetID])
    }
  }

  private static func text(_ path: String) -> String? {
    (try? File.readAll(path, limit: 16 << 20)).map { String(decoding: $0, as: UTF8.self) }
  }

  private static func word(_ path: String) -> String? {
    text(path)?.split(whereSeparator: { $0 == "\n" || $0 == "\0" }).first.map(String.init)
  }

  private static func limit(_ kind: Int32) -> UInt {
    var limit = rlimit()
    guard unsafe getrlimit(__rlimit_resource_t(UInt32(kind)), &limit) == 0 else { return 0 }
    return UInt(limit.rlim_cur)
  }
}

/// Things tried in a child, so that the doctor itself stays outside.
enum Trial {
  /// The error number of the first call that failed, 0 when all went well.
  static func run(_ body: () throws(SystemCallFault) -> Void) -> Int32 {
    guard let child = try? Process.fork() else { return EAGAIN }
    if child == 0 { _exit(error(body)) }
    return (try? Process.wait(child)) ?? ECHILD
  }

  static func error(_ body: () throws(SystemCallFault) -> Void) -> Int32 {
    do throws(SystemCallFault) {
      try body()
      return 0
    } catch { return error.number }
  }

  static func enterNamespaces() throws(SystemCallFault) {
    try NamespacePair.makeOuter(uid: geteuid(), gid: getegid())
    try Mount.makeEverythingPrivate()
  }

  static func mountFUSE() throws(SystemCallFault) {
    try enterNamespaces()
    let device = try File.open("/dev/fuse", O_RDWR)
    _ = try Mount.create(
      "fuse",
      options: [("fd", "\(device.number)"), ("rootmode", "40000"), ("user_id", "0"), ("group_id", "0")],
      attributes: [.noSetID, .noDevices])
  }

  /// An overlay of two directories of a tmpfs; writable ones need attributes on the upper (Linux 6.6 for tmpfs).
  static func mountOverlay(writable: Bool) throws(SystemCallFault) {
    try enterNamespaces()
    let place = try File.open("/", O_PATH | O_DIRECTORY)
    let top = try Mount.make("tmpfs", attributes: [.noSetID], at: place.number, subject: "/") {
      () throws(SystemCallFault) in try Mount.topmostRoot()
    }
    let number = top.number
    var directories: [String] = []
    for name in ["a", "b", "upper", "work"] {
      try retrying("mkdir", name) { unsafe mkdirat(number, name, 0o755) }
      directories.append(Mount.path(of: try File.open(name, O_PATH | O_DIRECTORY, from: number).release()))
    }
    var options: [(String, String?)] = [("lowerdir", directories[0] + ":" + directories[1])]
    if writable {
      options += [("upperdir", directories[2]), ("workdir", directories[3]), ("userxattr", nil)]
      try RawAttribute.set(Array("user.apus".utf8), Array("1".utf8), of: Array("upper".utf8), in: number)
    }
    _ = try Mount.create("overlay", options: options, attributes: [.noSetID])
  }
}
