import Model
import Settings
import Testing

@testable import Launch

/// A launch, and the mounts that it must make, in their order.
struct MountCase: Sendable, CustomTestStringConvertible {
  let name: String
  let change: @Sendable (inout LaunchRequest) -> Void
  var settings: @Sendable (inout Settings) -> Void = { _ in }
  var directory: String? = "/home/ann"
  let steps: [String]
  var testDescription: String { name }

  static let kernel = ["bind /dev at /dev", "bind /proc at /proc", "bind /sys at /sys"]
  static let site = ["bind /etc/localtime at /etc/localtime", "bind /etc/hosts at /etc/hosts"]
  static let temporary = ["bind /tmp at /tmp", "bind /var/tmp at /var/tmp"]
  static let home = ["bind /home/ann at /home/ann"]
  static let files = ["write /etc/resolv.conf (20 bytes)"]
  static let identity = ["write /etc/passwd (39 bytes)", "write /etc/group (12 bytes)"]
  static let minimal =
    ["mount tmpfs at /dev"]
    + ["null", "zero", "full", "random", "urandom", "tty"].flatMap {
      ["make the file /dev/\($0)", "bind /dev/\($0) at /dev/\($0)"]
    } + ["make the directory /dev/pts", "mount devpts at /dev/pts", "make the link /dev/ptmx to pts/ptmx"]
    + ["make the directory /dev/shm", "mount tmpfs at /dev/shm"]
  static let links = [
    "make the link /dev/fd to /proc/self/fd", "make the link /dev/stdin to fd/0",
    "make the link /dev/stdout to fd/1", "make the link /dev/stderr to fd/2",
  ]
  static let others = kernel.dropFirst() + []
  static let empty = ["an empty directory at /tmp", "an empty directory at /var/tmp"]

  static let all: [MountCase] = [
    MountCase(
      name: "by default", change: { _ in }, steps: kernel + site + temporary + home + files + identity),
    MountCase(
      name: "the working directory comes last, behind the user's binds",
      change: { $0.binds = ["/data:/mnt"] }, directory: "/work/here",
      steps: kernel + site + temporary + home + files + identity
        + ["bind /data at /mnt", "bind /work/here at /work/here"]),
    MountCase(
      name: "a working directory that is shown already, or never is", change: { _ in }, directory: "/tmp/x",
      steps: kernel + site + temporary + home + files + identity),
    MountCase(
      name: "the host's /usr as working directory stays the image's", change: { _ in }, directory: "/usr",
      steps: kernel + site + temporary + home + files + identity),
    MountCase(
      name: "binds by depth, with a default at the same place replaced",
      change: { $0.binds = ["/data:/a/b/c,/file:/a", "/data:/tmp:ro"] },
      steps: kernel + site + ["bind /var/tmp at /var/tmp"] + home + files + identity
        + ["bind /file at /a", "bind /data at /tmp, read-only", "bind /data at /a/b/c"]),
    MountCase(
      name: "--mount beside --bind",
      change: {
        $0.binds = ["/data"]
        $0.mounts = ["type=bind,src=/file,dst=/f,ro"]
      },
      steps: kernel + site + temporary + home + files + identity
        + ["bind /data at /data", "bind /file at /f, read-only"]),
    MountCase(
      name: "--no-home", change: { $0.noHome = true }, steps: kernel + site + temporary + files + identity),
    MountCase(
      name: "mount home = no", change: { _ in }, settings: { $0.mountsHome = false }, directory: "/",
      steps: kernel + site + temporary + files + identity),
    MountCase(
      name: "--home of one part", change: { $0.homeSpec = "/data" }, directory: "/",
      steps: kernel + site + temporary + ["bind /data at /data"] + files
        + ["write /etc/passwd (35 bytes)", "write /etc/group (12 bytes)"]),
    MountCase(
      name: "--home with a target", change: { $0.homeSpec = "/data:/home/x" }, directory: "/",
      steps: kernel + site + temporary + ["bind /data at /home/x"] + files
        + ["write /etc/passwd (37 bytes)", "write /etc/group (12 bytes)"]),
    MountCase(
      name: "--home from the working directory", change: { $0.homeSpec = "sub:/h" }, directory: "/data",
      steps: kernel + site + temporary + ["bind /data/sub at /h"] + files
        + ["write /etc/passwd (32 bytes)", "write /etc/group (12 bytes)", "bind /data at /data"]),
    MountCase(
      name: "--home of what does not exist", change: { $0.homeSpec = "/none" }, directory: "/",
      steps: kernel + site + temporary + ["an empty directory at /none"] + files
        + ["write /etc/passwd (35 bytes)", "write /etc/group (12 bytes)"]),
    MountCase(
      name: "--contain", change: { $0.contain = true },
      steps: minimal + links + others + empty + ["an empty directory at /home/ann"] + files + identity),
    MountCase(
      name: "--contain with --home of two parts",
      change: {
        $0.contain = true
        $0.homeSpec = "/data:/home/ann"
      },
      steps: minimal + links + others + empty + ["bind /data at /home/ann"] + files + identity),
    MountCase(
      name: "--contain with --workdir",
      change: {
        $0.contain = true
        $0.workDirectory = "/data"
        $0.scratch = ["/scr"]
      },
      steps: minimal + links + others
        + [("tmp", "/tmp"), ("var_tmp", "/var/tmp"), ("home", "/home/ann"), ("scratch/scr", "/scr")].flatMap {
          ["make the directory /data/\($0) on the host", "bind /data/\($0) at \($1)"]
        } + files + identity),
    MountCase(
      name: "--containall",
      change: { $0.expand(containAll: true, compat: false) },
      steps: minimal + ["make the directory /dev/mqueue", "mount mqueue at /dev/mqueue"] + links
        + ["mount proc at /proc", "bind /sys at /sys"] + empty + ["an empty directory at /home/ann"] + files
        + identity),
    MountCase(
      name: "--scratch", change: { $0.scratch = ["/scr", "/tmp/below"] },
      steps: kernel + site + temporary + home
        + ["an empty directory at /scr", "an empty directory at /tmp/below"] + files + identity),
    MountCase(
      name: "--scratch with --workdir",
      change: {
        $0.scratch = ["/scr"]
        $0.workDirectory = "/data"
      },
      steps: kernel + site + temporary + home
        + ["make the directory /data/scratch/scr on the host", "bind /data/scratch/scr at /scr"] + files
        + identity),
    MountCase(
      name: "mount dev = minimal", change: { _ in }, settings: { $0.deviceMount = .minimal },
      steps: minimal + links + others + site + temporary + home + files + identity),
    MountCase(
      name: "everything off in apus.conf", change: { _ in },
      settings: {
        $0.deviceMount = .no
        $0.mountsProc = false
        $0.mountsSys = false
        $0.mountsTemporary = false
        $0.mountsHome = false
        $0.bindPaths = []
        $0.writesPasswd = false
        $0.writesGroup = false
        $0.writesResolverConfiguration = false
        $0.allowsUserBinds = false
      }, steps: []),
    MountCase(
      name: "--pid", change: { $0.pid = true },
      steps: ["bind /dev at /dev", "mount proc at /proc", "bind /sys at /sys"] + site + temporary + home
        + files + identity),
    MountCase(
      name: "--hostname", change: { $0.hostName = "box" },
      steps: ["host name box"] + kernel + ["bind /etc/localtime at /etc/localtime"] + temporary + home + files
        + ["write /etc/hosts (75 bytes)", "write /etc/hostname (4 bytes)"] + identity),
  ]

  /// What is left out by a value of --no-mount.
  static let left: [(name: String, steps: [String])] = [
    ("proc", ["bind /proc at /proc"]), ("sys", ["bind /sys at /sys"]), ("dev", ["bind /dev at /dev"]),
    ("devpts", []), ("home", home), ("tmp", temporary), ("hostfs", []), ("cwd", []),
    ("bind-paths", site), ("/etc/hosts", ["bind /etc/hosts at /etc/hosts"]),
    ("/etc/resolv.conf", files),
  ]
}

@Suite struct WantedMountsTests {
  static let host = Facts.node(["/data": .directory, "/file": .other, "/data/sub": .directory])

  static func steps(_ plan: Plan) -> [String] { plan.steps.map(\.step.text) }

  @Test(arguments: MountCase.all) func `the mounts of a launch, in their order:`(_ launch: MountCase) throws {
    var host = Self.host
    host.currentDirectory = launch.directory
    var settings = Settings()
    launch.settings(&settings)
    let plan = try Facts.plan(host: host, settings: settings, change: launch.change)
    #expect(Self.steps(plan) == launch.steps)
    #expect(plan.root.form == .image)
  }

  @Test(arguments: MountCase.left) func `no-mount leaves out what it names, and nothing else:`(
    name: String, steps: [String]
  ) throws {
    var host = Self.host
    // A working directory in a home that is left out would be shown by itself.
    host.currentDirectory = "/"
    let all = Self.steps(try Facts.plan(host: host))
    let plan = try Facts.plan(host: host) { $0.noMount = [name] }
    #expect(Set(all).subtracting(Self.steps(plan)) == Set(steps))
    #expect(Self.steps(plan).allSatisfy(all.contains))
    #expect(plan.notices.isEmpty)
  }

  @Test func `a terminal directory of one's own goes with devpts`() throws {
    let plan = try Facts.plan(host: Self.host) {
      $0.contain = true
      $0.noMount = ["devpts"]
    }
    #expect(!Self.steps(plan).contains { $0.contains("pts") })
  }

  @Test func `a home that is shown already is not worth a word`() throws {
    let plan = try Facts.plan(host: Self.host) { $0.homeSpec = "/tmp" }
    #expect(plan.notices.isEmpty, "\(plan.notices)")
    #expect(Self.steps(plan).filter { $0 == "bind /tmp at /tmp" }.count == 1)
  }

  @Test func `no-mount of a default that nobody knows is a warning`() throws {
    let plan = try Facts.plan(host: Self.host) { $0.noMount = ["nonsense"] }
    #expect(plan.notices.map(\.level) == [.warning])
  }

  @Test(
    arguments: [
      (["proc"], ["/proc"]), (["sys"], ["/sys"]), (["dev"], ["/dev"]), (["home"], ["/home/ann"]),
      (["tmp"], ["/tmp", "/var/tmp"]), (["cwd"], ["/work"]),
      (["bind-paths"], ["/etc/localtime", "/etc/hosts"]),
      (["hostfs"], ["/scratch"]), (["/etc/hosts"], ["/etc/hosts"]), (["/tmp"], ["/tmp"]),
      (["/tmp/"], ["/tmp"]),
      (["/proc"], ["/proc"]), (["/work"], ["/work"]), (["/scratch"], ["/scratch"]),
      (["/home/ann"], ["/home/ann"]),
      (["/etc/passwd"], ["/etc/passwd"]), (["/etc/group"], ["/etc/group"]),
      (["/etc/resolv.conf"], ["/etc/resolv.conf"]), (["/nowhere"], []), (["devpts"], []),
    ] as [([String], [String])])
  func `no-mount leaves out the default that it names, and nothing else`(names: [String], gone: [String])
    throws
  {
    var host = Facts.node(["/scratch": .directory], directory: "/work")
    host.fileSystems = ["/scratch"]
    var settings = Settings()
    settings.mountsHostFileSystems = true
    let all = try Facts.plan(host: host, settings: settings)
    let some = try Facts.plan(host: host, settings: settings) { $0.noMount = names }
    func targets(_ plan: Plan) -> [String] {
      plan.steps.compactMap { planned in
        switch planned.step {
        case .bind(_, let target, _, _), .fileSystem(_, let target, _), .generatedFile(let target, _, _):
          target
        default: nil
        }
      }
    }
    #expect(targets(all).filter { !targets(some).contains($0) }.sorted() == gone.sorted())
    #expect(targets(some).allSatisfy { targets(all).contains($0) } && some.notices.isEmpty)
  }

  @Test func `what the user asks for is shown, whatever is left out`() throws {
    let plan = try Facts.plan(host: Self.host) {
      $0.noMount = ["/tmp", "tmp"]
      $0.binds = ["/data:/tmp"]
    }
    #expect(Self.steps(plan).contains("bind /data at /tmp"))
  }

  @Test func `without devpts a dev of its own has no terminals`() throws {
    let plan = try Facts.plan(host: Self.host) {
      $0.contain = true
      $0.noMount = ["devpts"]
    }
    #expect(!Self.steps(plan).contains { $0.contains("pts") })
  }

  @Test(arguments: [(true, []), (false, ["home"])] as [(Bool, [String])])
  func `a home that is left out is no working directory either`(noHome: Bool, noMount: [String]) throws {
    let plan = try Facts.plan(host: Facts.node(directory: "/home/ann/deep")) {
      $0.noHome = noHome
      $0.noMount = noMount
    }
    #expect(plan.program.directories == ["/"] && plan.notices.map(\.level) == [.info])
    #expect(!Self.steps(plan).contains { $0.contains("/home/ann") })
  }

  @Test func `the working directory in a home that is left out is said once`() throws {
    let host = Facts.node(directory: "/home/ann/deep")
    let plan = try Facts.plan(host: host) { $0.noHome = true }
    #expect(plan.notices.map(\.level) == [.info])
    #expect(plan.program.directories == ["/"])
    #expect(try Facts.plan(host: host).program.directories == ["/home/ann/deep", "/home/ann", "/"])
    let asked = try Facts.plan(host: host) { $0.workingDirectory = "/opt" }
    #expect(asked.program.directories == ["/opt"] && asked.program.directoryIsRequired)
  }

  @Test func `the caller's terminal is the console of a dev of its own`() throws {
    var host = Self.host
    host.terminal = "/dev/pts/7"
    #expect(!Self.steps(try Facts.plan(host: host)).contains { $0.contains("console") })
    let plan = try Facts.plan(host: host) { $0.contain = true }
    #expect(Self.steps(plan).contains("bind /dev/pts/7 at /dev/console"))
    #expect(
      !Self.steps(try Facts.plan(host: Self.host) { $0.contain = true }).contains { $0.contains("console") })
  }

  @Test func `with a proc of their own contained programs do not see what tells of the machine`() throws {
    var host = Self.host
    host.kinds["/proc/kcore"] = .other
    host.kinds["/proc/scsi"] = .directory
    host.kinds["/sys/firmware"] = .directory
    host.kinds["/proc/sys"] = .directory
    let masks = [
      "bind /dev/null at /proc/kcore, read-only", "mount tmpfs at /proc/scsi", "mount tmpfs at /sys/firmware",
      "bind /proc/sys at /proc/sys, read-only",
    ]
    for (all, compat) in [(true, false), (false, true)] {
      let plan = try Facts.plan(host: host) { $0.expand(containAll: all, compat: compat) }
      let made = plan.steps.filter { $0.reason.hasSuffix("contained programs") }
      #expect(made.map(\.step.text) == masks)
      for planned in made {
        if case .fileSystem(_, _, let options) = planned.step {
          #expect(options.contains { $0.name == "ro" })
        }
      }
    }
    // The host's own /proc is shown as it is.
    for change: @Sendable (inout LaunchRequest) -> Void in [{ $0.contain = true }, { $0.pid = true }] {
      #expect(!Self.steps(try Facts.plan(host: host, change: change)).contains { $0.contains("kcore") })
    }
    let without = try Facts.plan(host: host) {
      $0.expand(containAll: true, compat: false)
      $0.noMount = ["proc", "sys"]
    }
    #expect(!without.steps.contains { $0.reason.hasSuffix("contained programs") })
  }

  @Test func `namespaces and the parts of compat`() throws {
    let plan = try Facts.plan(host: Self.host) { $0.expand(containAll: false, compat: true) }
    #expect(plan.namespaces.map(\.kind) == [.ipc, .pid])
    #expect(plan.root.form == .writableTemporary)
    #expect(plan.program.umask == 0o022 && !plan.program.usesInit)
    #expect(plan.program.directories == ["/home/ann", "/"])
    let all = try Facts.plan(host: Self.host) { $0.expand(containAll: true, compat: false) }
    #expect(all.namespaces.map(\.kind) == [.ipc, .pid] && all.root.form == .image)
    #expect(all.program.umask == nil && all.program.usesInit)
    let shared = try Facts.plan(host: Self.host) {
      $0.noPID = true
      $0.hostName = "box"
      $0.expand(containAll: true, compat: false)
    }
    #expect(shared.namespaces.map(\.kind) == [.ipc, .uts])
    #expect(shared.namespaces.map(\.reason) == ["--containall", "--hostname"])
  }

  static let refused: [(@Sendable (inout LaunchRequest) -> Void, LaunchFault)] = [
    ({ $0.homeSpec = "rel" }, .homeSyntax(spec: "rel", why: "\"rel\" is not an absolute path")),
    (
      { $0.homeSpec = "/a:/b:/c" },
      .homeSyntax(spec: "/a:/b:/c", why: "it has more than two fields, or an empty one")
    ),
    ({ $0.scratch = ["scr"] }, .scratchSyntax(target: "scr")),
    ({ $0.scratch = ["/"] }, .scratchSyntax(target: "/")),
    ({ $0.workDirectory = "/file" }, .workDirectoryMissing(path: "/file")),
    ({ $0.binds = ["/none"] }, .bindSourceMissing(path: "/none", spec: "/none")),
    ({ $0.writable = true }, .writableNeedsSandbox(path: "/images/tiny.sif")),
    ({ $0.app = "x" }, .appMissing(name: "x")),
  ]

  @Test(arguments: refused) func `what cannot be planned is refused by what is wrong`(
    change: @Sendable (inout LaunchRequest) -> Void, fault: LaunchFault
  ) {
    #expect(throws: fault) { try Facts.plan(host: Self.host, change: change) }
  }

  @Test func `a file with a file system is no bind path of the site, and it is said`() throws {
    var settings = Settings()
    settings.bindPaths = ["/file:/f:image-src=/x", "/file:/g:id=1", "/data:/d"]
    let plan = try Facts.plan(host: Self.host, settings: settings)
    #expect(
      Self.steps(plan).contains("bind /data at /d") && !Self.steps(plan).contains { $0.contains("/file") })
    #expect(plan.notices.count { $0.level == .warning && $0.text.contains("image-src and id") } == 2)
    #expect(try imageSources(ofBindPath: settings.bindPaths[0]) == ["/file"])
  }

  @Test func `a site that forbids binds refuses them`() {
    var settings = Settings()
    settings.allowsUserBinds = false
    #expect(throws: LaunchFault.bindsForbidden) {
      try Facts.plan(host: Self.host, settings: settings) { $0.binds = ["/data"] }
    }
  }

  @Test(arguments: [
    ("/data", false, true), ("/data:/home/ann", false, true), ("/data:/h", true, true),
    ("/home/ann", false, false), ("/home/ann/:/h", false, false), ("/data", true, false),
  ]) func `a site that forbids binds refuses a home that is not the user's`(
    spec: String, contain: Bool, isRefused: Bool
  ) throws {
    var settings = Settings()
    settings.allowsUserBinds = false
    func change(_ request: inout LaunchRequest) {
      request.homeSpec = spec
      request.contain = contain
    }
    guard isRefused else {
      _ = try Facts.plan(host: Self.host, settings: settings, change: change)
      return
    }
    #expect(throws: LaunchFault.bindsForbidden) {
      try Facts.plan(host: Self.host, settings: settings, change: change)
    }
  }
}
