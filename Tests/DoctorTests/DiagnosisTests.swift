import Model
import Testing

@testable import Doctor

@Suite struct DiagnosisTests {
  /// A node that has everything.
  static var whole: NodeFacts {
    var facts = NodeFacts()
    facts.sysctls = ["user.max_user_namespaces": "1000", "user.max_mnt_namespaces": "1000"]
    facts.fuseMode = 0o666
    facts.fileSystems = ["ext4", "squashfs", "binfmt_misc"]
    facts.subordinateUsers = [100000...165535]
    facts.subordinateGroups = [100000...165535]
    facts.hasNewIDMap = true
    facts.fakerootUsers = 65537
    facts.fakerootReason = "ranges"
    facts.hasSecondCgroups = true
    facts.limitingControllers = ["memory", "cpu"]
    facts.programs = [
      "fuse2fs": "/usr/bin/fuse2fs", "fuse-overlayfs": "/usr/bin/fuse-overlayfs",
      "mkfs.ext3": "/sbin/mkfs.ext3", "slirp4netns": "/usr/bin/slirp4netns",
    ]
    facts.openFiles = 1024
    facts.processes = .max
    return facts
  }

  static func check(_ name: String, _ change: (inout NodeFacts) -> Void) throws -> Check {
    var facts = whole
    change(&facts)
    return try #require(diagnose(facts).first { $0.name == name })
  }

  @Test func `a node that has everything lacks nothing`() {
    for check in diagnose(Self.whole) {
      #expect(check.state == .good && check.cost.isEmpty && check.remedy.isEmpty, "\(check)")
      #expect(!check.found.isEmpty)
    }
  }

  @Test func `each subject has a line whatever is found`() {
    let names = diagnose(Self.whole).map(\.name)
    #expect(diagnose(NodeFacts()).map(\.name) == names)
    #expect(names.contains("AppArmor") && names.contains("SELinux"))
  }

  struct Row: Sendable {
    let name: String
    let change: @Sendable (inout NodeFacts) -> Void
    let state: Check.State
    let found: String
    var remedy = ""
    var cost = ""
  }

  static let rows: [Row] = [
    Row(
      name: "user namespaces",
      change: {
        $0.userNamespaces = 28
        $0.sysctls["user.max_user_namespaces"] = "0"
      },
      state: .failing, found: "user.max_user_namespaces = 0", remedy: "sysctl user.max_user_namespaces=",
      cost: "run nothing"),
    Row(
      name: "user namespaces",
      change: {
        $0.userNamespaces = 28
        $0.sysctls["user.max_mnt_namespaces"] = "0"
      }, state: .failing,
      found: "No space left", remedy: "sysctl user.max_mnt_namespaces=", cost: "run nothing"),
    Row(
      name: "user namespaces",
      change: {
        $0.userNamespaces = 1
        $0.sysctls["kernel.unprivileged_userns_clone"] = "0"
      },
      state: .failing, found: "kernel.unprivileged_userns_clone = 0",
      remedy: "sysctl kernel.unprivileged_userns_clone=1", cost: "run nothing"),
    Row(
      name: "user namespaces",
      change: {
        $0.userNamespaces = 13
        $0.sysctls["kernel.apparmor_restrict_unprivileged_userns"] = "1"
        $0.isRoot = true
      }, state: .missing, found: "Permission denied", remedy: "--apparmor-profile", cost: "run nothing"),
    Row(
      name: "user namespaces", change: { $0.userNamespaces = 1 }, state: .failing, found: "not permitted",
      remedy: "inside another container", cost: "run nothing"),
    Row(
      name: "other namespaces", change: { $0.sysctls["user.max_mnt_namespaces"] = "0" }, state: .failing,
      found: "user.max_mnt_namespaces = 0", remedy: "sysctl user.max_mnt_namespaces=65536",
      cost: "run anything"),
    Row(
      name: "other namespaces",
      change: {
        $0.sysctls["user.max_pid_namespaces"] = "0"
        $0.sysctls["user.max_uts_namespaces"] = "0"
      },
      state: .missing, found: "user.max_pid_namespaces = 0",
      remedy: "sysctl user.max_pid_namespaces=65536 user.max_uts_namespaces=65536", cost: "--pid fails; --uts"
    ),
    Row(
      name: "other namespaces", change: { $0.sysctls["user.max_net_namespaces"] = "0" }, state: .missing,
      found: "user.max_net_namespaces = 0", remedy: "sysctl user.max_net_namespaces=65536",
      cost: "--net and --network fail"),
    Row(
      name: "programs of other packages", change: { $0.programs["slirp4netns"] = nil }, state: .missing,
      found: "not there: pasta", remedy: "passt", cost: "--net fails; --network none works"),
    Row(name: "AppArmor", change: { _ in }, state: .good, found: "off"),
    Row(
      name: "AppArmor", change: { $0.appArmor = "unconfined" }, state: .good,
      found: "on, this process: unconfined"),
    Row(
      name: "AppArmor",
      change: {
        $0.appArmor = "apus (unconfined)"
        $0.sysctls["kernel.apparmor_restrict_unprivileged_userns"] = "1"
      }, state: .good, found: "need a profile"),
    Row(
      name: "AppArmor",
      change: {
        $0.appArmor = "unconfined"
        $0.userNamespaces = 13
        $0.sysctls["kernel.apparmor_restrict_unprivileged_userns"] = "1"
      }, state: .missing, found: "need a profile", remedy: "--apparmor-profile", cost: "run nothing"),
    Row(name: "SELinux", change: { _ in }, state: .good, found: "off"),
    Row(name: "SELinux", change: { $0.seLinuxIsEnforcing = false }, state: .good, found: "permissive"),
    Row(
      name: "SELinux", change: { $0.seLinuxIsEnforcing = true }, state: .good, found: "on, enforcing",
      remedy: "ausearch", cost: "refuse"),
    Row(
      name: "/dev/fuse", change: { $0.fuseMode = nil }, state: .missing, found: "there is none",
      remedy: "modprobe fuse", cost: "unpacked"),
    Row(
      name: "/dev/fuse",
      change: {
        $0.fuseMode = 0o600
        $0.fuseOpen = 13
      }, state: .missing,
      found: "mode 0600: Permission denied", remedy: "chmod 0666", cost: "unpacked"),
    Row(
      name: "/dev/fuse",
      change: {
        $0.fuseIsReplaced = true
        $0.fuseMount = 19
      }, state: .missing, found: "something else", remedy: "10:229", cost: "unpacked"),
    Row(
      name: "/dev/fuse", change: { $0.fuseMount = 1 }, state: .failing, found: "mounting", remedy: "4.18",
      cost: "cannot be mounted"),
    Row(name: "/dev/fuse", change: { $0.fuseMount = 38 }, state: .good, found: "mode 0666"),
    Row(
      name: "read-only overlay for users", change: { $0.overlay = 1 }, state: .missing,
      found: "not permitted",
      remedy: "5.11", cost: "slower"),
    Row(
      name: "writable overlay in memory", change: { $0.writableOverlay = 95 }, state: .missing,
      found: "not supported", remedy: "6.6", cost: "--writable-tmpfs"),
    Row(
      name: "mounts by descriptor", change: { $0.newMountAPI = 38 }, state: .missing,
      found: "not implemented", remedy: "5.12", cost: "older"),
    Row(
      name: "kernel squashfs", change: { $0.fileSystems = [] }, state: .missing, found: "not known",
      remedy: "modprobe squashfs", cost: "--userns"),
    Row(
      name: "subordinate ids", change: { _ in }, state: .good,
      found: "subuid: 100000-165535, subgid: 100000-165535; --fakeroot has 65537 users: ranges"),
    Row(
      name: "subordinate ids", change: { $0.fakerootFaults = ["line 3 is bad"] }, state: .missing,
      found: "line 3 is bad", remedy: "NAME:FIRST:COUNT", cost: "not used"),
    Row(
      name: "subordinate ids",
      change: {
        $0.subordinateGroups = []
        $0.fakerootUsers = 1
      }, state: .missing,
      found: "subuid: 100000-165535, subgid: no range", remedy: "usermod", cost: "--fakeroot"),
    Row(
      name: "subordinate ids",
      change: {
        $0.hasNewIDMap = false
        $0.fakerootUsers = 1
      }, state: .missing, found: "no newuidmap",
      remedy: "uidmap", cost: "--fakeroot"),
    Row(
      name: "cgroups", change: { _ in }, state: .good,
      found: "version 2, containers can be limited in: memory, cpu"),
    Row(
      name: "cgroups",
      change: {
        $0.limitingControllers = []
        $0.limitRefusal = Explanation(what: "x", why: "none is delegated", remedy: "-p Delegate=yes")
      }, state: .missing, found: "version 2; none is delegated", remedy: "Delegate=yes", cost: "limits"),
    Row(
      name: "cgroups",
      change: {
        $0.hasFirstCgroups = true
        $0.hasSecondCgroups = false
        $0.limitingControllers = []
      }, state: .missing,
      found: "version 1", remedy: "systemd.unified_cgroup_hierarchy=1", cost: "limits"),
    Row(
      name: "cgroups",
      change: {
        $0.hasFirstCgroups = true
        $0.limitingControllers = []
        $0.limitRefusal = Explanation(what: "x", why: "both (hybrid)", remedy: "y")
      }, state: .missing, found: "version 2 beside version 1; both (hybrid)",
      remedy: "systemd.unified_cgroup_hierarchy=1", cost: "limits"),
    Row(
      name: "binfmt_misc",
      change: {
        $0.fileSystems = []
        $0.binfmtMount = 19
      }, state: .missing,
      found: "not known", remedy: "modprobe binfmt_misc", cost: "other architectures"),
    Row(
      name: "binfmt_misc", change: { $0.binfmtMount = 1 }, state: .missing, found: "nothing is registered",
      remedy: "6.7", cost: "other architectures"),
    Row(
      name: "binfmt_misc",
      change: {
        $0.binfmtMount = 1
        $0.interpreters = [
          .init(name: "qemu-aarch64", path: "/usr/bin/qemu-aarch64", isEnabled: true),
          .init(name: "python3", path: "/usr/bin/python3", isEnabled: false),
        ]
      }, state: .good, found: "registered: qemu-aarch64 (/usr/bin/qemu-aarch64); none for a user namespace"),
    Row(name: "binfmt_misc", change: { _ in }, state: .good, found: "a user namespace can have its own"),
    Row(
      name: "limits", change: { $0.openFiles = 100 }, state: .missing, found: "100 open files",
      remedy: "ulimit -n 1024", cost: "many programs"),
    Row(name: "limits", change: { _ in }, state: .good, found: "1024 open files, unlimited processes"),
    Row(
      name: "terminals", change: { $0.sysctls["dev.tty.legacy_tiocsti"] = "1" }, state: .missing,
      found: "= 1", remedy: "legacy_tiocsti=0", cost: "type into"),
    Row(
      name: "runtime directory",
      change: { $0.runtimeDirectory = Explanation(what: "x", why: "it is not yours", remedy: "remove it") },
      state: .failing, found: "it is not yours", remedy: "remove it", cost: "sockets"),
  ]

  @Test func `of two programs that do the same one is enough, and root needs none for what its kernel does`()
    throws
  {
    let subject = "programs of other packages"
    let none = try Self.check(subject) { $0.programs = [:] }
    #expect(none.state == .missing)
    #expect(none.remedy.contains("fuse2fs fuse-overlayfs e2fsprogs passt"), "\(none)")
    let root = try Self.check(subject) { node in
      node.isRoot = true
      node.programs = ["mkfs.ext3": "/sbin/mkfs.ext3"]
    }
    #expect(root.state == .good, "\(root)")
  }

  @Test(arguments: rows) func `what is found has its line, its cost and its remedy`(row: Row) throws {
    let check = try Self.check(row.name, row.change)
    #expect(check.state == row.state && check.found.contains(row.found), "\(check)")
    #expect(row.remedy.isEmpty ? check.remedy.isEmpty : check.remedy.contains(row.remedy), "\(check)")
    #expect(row.cost.isEmpty ? check.cost.isEmpty : check.cost.contains(row.cost), "\(check)")
  }

  @Test func `the profile names the program`() {
    #expect(appArmorProfile(program: "/opt/bin/apus").contains("profile apus \"/opt/bin/apus\""))
  }
}
