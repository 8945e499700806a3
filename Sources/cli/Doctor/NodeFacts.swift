public import Model

/// What was found on a node: values only, so that tables can judge the diagnosis.
///
/// Errors are numbers of errno(3) of the first call that failed when it was tried, 0 where it worked.
public struct NodeFacts: Equatable, Sendable {
  /// A program registered with binfmt_misc for files of another kind.
  public struct Interpreter: Equatable, Sendable {
    public let name: String
    public let path: String
    public let isEnabled: Bool

    public init(name: String, path: String, isEnabled: Bool) {
      self.name = name
      self.path = path
      self.isEnabled = isEnabled
    }
  }

  public var isRoot = false
  public var userNamespaces: Int32 = 0
  /// `user.max_user_namespaces` and their like, by name; those that the kernel has.
  public var sysctls: [String: String] = [:]
  /// The profile of the calling process; nil where AppArmor is off.
  public var appArmor: String?
  /// nil: SELinux is off.
  public var seLinuxIsEnforcing: Bool?
  /// nil: there is no /dev/fuse.
  public var fuseMode: UInt32?
  public var fuseOpen: Int32 = 0
  /// Something else lies where the device should be.
  public var fuseIsReplaced = false
  public var fuseMount: Int32 = 0
  public var overlay: Int32 = 0
  public var writableOverlay: Int32 = 0
  /// Types of file systems that the kernel knows now; modules can add some.
  public var fileSystems: [String] = []
  /// Ranges of /etc/subuid and /etc/subgid for the caller.
  public var subordinateUsers: [ClosedRange<UInt32>] = []
  public var subordinateGroups: [ClosedRange<UInt32>] = []
  public var hasNewIDMap = false
  /// How many users `--fakeroot` has for the caller, why, and what of the files it does not take.
  public var fakerootUsers: UInt32 = 1
  public var fakerootReason = ""
  public var fakerootFaults: [String] = []
  /// Which versions of cgroups are mounted.
  public var hasFirstCgroups = false
  public var hasSecondCgroups = false
  /// Controllers with which a launch of the caller's can be limited, and what it says where there is none.
  public var limitingControllers: [String] = []
  public var limitRefusal: Explanation?
  public var interpreters: [Interpreter] = []
  /// A binfmt_misc of one's own in a user namespace (Linux 6.7).
  public var binfmtMount: Int32 = 0
  public var openFiles: UInt = 0
  public var processes: UInt = 0
  public var newMountAPI: Int32 = 0
  /// Programs beside Apus that some options take, by name: their paths, of those that are there.
  public var programs: [String: String] = [:]
  /// Why the directory for sockets cannot be used.
  public var runtimeDirectory: Explanation?

  public init() {}

  /// The names of the limits and switches that count.
  public static let sysctlNames =
    ["user.max_user_namespaces"] + namespaces.map(\.sysctl) + [
      "kernel.unprivileged_userns_clone", "kernel.apparmor_restrict_unprivileged_userns",
      "dev.tty.legacy_tiocsti",
    ]

  /// Limits of the namespaces that launches make besides, and what a limit of 0 costs.
  static let namespaces: [(sysctl: String, cost: String)] = [
    ("user.max_mnt_namespaces", "nobody can run anything"), ("user.max_pid_namespaces", "--pid fails"),
    ("user.max_ipc_namespaces", "--ipc fails"), ("user.max_uts_namespaces", "--uts and --hostname fail"),
    ("user.max_net_namespaces", "--net and --network fail"),
  ]
}

extension NodeFacts {
  /// A program that some options take.
  struct Helper {
    let name: String
    let package: String
    let cost: String
    /// The one that does the same.
    var instead: String?
    /// Whether root has the kernel's in its place.
    var isForUsers = false
  }

  static let helpers = [
    Helper(
      name: "fuse2fs", package: "fuse2fs", cost: "ext3 images are no overlays and no sources of binds",
      isForUsers: true),
    Helper(
      name: "fuse-overlayfs", package: "fuse-overlayfs",
      cost: "ext3 overlays cannot be written to", isForUsers: true),
    Helper(name: "mkfs.ext3", package: "e2fsprogs", cost: "`apus overlay create` fails"),
    Helper(
      name: "pasta", package: "passt", cost: "--net fails; --network none works", instead: "slirp4netns",
      isForUsers: true),
  ]

  /// The names to look for.
  public static let programNames = helpers.flatMap { [$0.name] + ($0.instead.map { [$0] } ?? []) }
}

extension NodeFacts {
  /// A file of binfmt_misc (Documentation/admin-guide/binfmt-misc.rst): whether it is enabled, and its interpreter.
  public static func interpreter(_ name: String, _ text: String) -> Interpreter? {
    let lines = text.lines
    guard let line = lines.first(where: { $0.starts(withBytesOf: "interpreter ") }) else { return nil }
    return Interpreter(
      name: name, path: String(line.dropFirst("interpreter ".count)), isEnabled: lines.first == "enabled")
  }
}
