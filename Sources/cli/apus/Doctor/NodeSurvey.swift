internal import Glibc
internal import ImageMount
internal import Linux
internal import Model

/// What `apus doctor` finds on this node. Tries in a child process what a launch would do, and changes nothing.
struct NodeSurvey {
  let isRoot = geteuid() == 0
  /// The error number of making a user namespace, 0 when it can be made.
  let userNamespaces: Int32
  let sysctls: [(name: String, value: String?)]
  let appArmor: String?
  let seLinux: String?
  let fuseMode: UInt32?
  let fuseError: Int32
  let fuseMount: Int32
  let overlay: Int32
  let writableOverlay: Int32
  let fileSystems: String
  let subordinateIDs: Bool
  let newUIDMap: Bool
  let cgroups: String
  let binfmt: Bool
  let openFiles: UInt
  let processes: UInt
  let newMountAPI: Bool
  let typeahead: String?
  let runtimeDirectory: RuntimeDirectoryFault?

  init(user: User, xdg: String?) {
    userNamespaces = Trial.run { () throws(SystemCallFault) in try Trial.enterNamespaces() }
    sysctls = [
      "user/max_user_namespaces", "kernel/unprivileged_userns_clone",
      "kernel/apparmor_restrict_unprivileged_userns",
    ].map { ($0.split(separator: "/").joined(separator: "."), Self.word("/proc/sys/" + $0)) }
    let modules = Self.word("/sys/module/apparmor/parameters/enabled")
    appArmor = modules == "Y" ? Self.word("/proc/self/attr/apparmor/current") ?? "enabled" : nil
    seLinux = Self.word("/sys/fs/selinux/enforce").map { $0 == "1" ? "enforcing" : "permissive" }
    let fuse = try? File.facts("/dev/fuse")
    fuseMode = fuse?.mode
    fuseError = Trial.error { () throws(SystemCallFault) in _ = try File.open("/dev/fuse", O_RDWR) }
    fuseMount = Trial.run { () throws(SystemCallFault) in try Trial.mountFUSE() }
    overlay = Trial.run { () throws(SystemCallFault) in try Trial.mountOverlay(writable: false) }
    writableOverlay = Trial.run { () throws(SystemCallFault) in try Trial.mountOverlay(writable: true) }
    fileSystems = Self.text("/proc/filesystems") ?? ""
    let name = user.entry?.name ?? ""
    subordinateIDs = ["/etc/subuid", "/etc/subgid"].allSatisfy { path in
      (Self.text(path) ?? "").split(separator: "\n").contains {
        $0.hasPrefix(name + ":") && !name.isEmpty || $0.hasPrefix("\(user.uid):")
      }
    }
    newUIDMap = (try? File.facts("/usr/bin/newuidmap")) != nil
    let mounts = Self.text("/proc/self/mountinfo") ?? ""
    let hasFirst = mounts.holds(bytesOf: " - cgroup ")
    let hasSecond = mounts.holds(bytesOf: " - cgroup2 ")
    cgroups =
      hasFirst ? (hasSecond ? "version 1 with 2 beside it" : "version 1") : (hasSecond ? "version 2" : "none")
    binfmt = Self.text("/proc/filesystems")?.holds(bytesOf: "binfmt_misc") ?? false
    openFiles = Self.limit(Int32(RLIMIT_NOFILE.rawValue))
    processes = Self.limit(Int32(__RLIMIT_NPROC.rawValue))
    newMountAPI =
      Trial.run { () throws(SystemCallFault) in
        try Trial.enterNamespaces()
        _ = try Mount.create("tmpfs", options: [], attributes: [.noSetID])
      } == 0
    typeahead = Self.word("/proc/sys/dev/tty/legacy_tiocsti")
    do throws(RuntimeDirectoryFault) {
      _ = try RuntimeDirectory.make(
        RuntimeDirectory.path(uid: user.uid, xdg: xdg), below: "doctor", uid: user.uid)
      _ = unsafe rmdir(RuntimeDirectory.path(uid: user.uid, xdg: xdg) + "/doctor")
      runtimeDirectory = nil
    } catch { runtimeDirectory = error }
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
