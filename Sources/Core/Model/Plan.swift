/// All that a launch will do, decided before anything is done. Plain values: a plan can be compared, printed and
/// made without privileges. The engine carries it out in the order of its parts.
public struct Plan: Equatable, Sendable {
  /// Namespaces beside the user and the mount namespace, in the order in which they are made.
  public var namespaces: [NamespaceStep]
  /// How the root directory of the container comes to be.
  public var root: RootPlan
  /// Mounts and files, in order. A target is a path of the container.
  public var steps: [PlannedStep]
  public var program: ProgramPlan
  /// Limits of this container's own; nil: those its caller is under, and no others.
  public var limits: LimitsPlan?
  /// nil: the host's network, or loopback alone, as `namespaces` says.
  public var network: NetworkPlan?
  /// What the user is told before the program starts.
  public var notices: [Notice]

  public init(
    namespaces: [NamespaceStep] = [], root: RootPlan, steps: [PlannedStep] = [], program: ProgramPlan,
    limits: LimitsPlan? = nil, network: NetworkPlan? = nil, notices: [Notice] = []
  ) {
    self.namespaces = namespaces
    self.root = root
    self.steps = steps
    self.program = program
    self.limits = limits
    self.network = network
    self.notices = notices
  }
}

/// A namespace of the launch and why it is there.
public struct NamespaceStep: Equatable, Sendable {
  public enum Kind: String, Equatable, Sendable { case pid, ipc, uts, network }
  public let kind: Kind
  public let reason: String

  public init(_ kind: Kind, reason: String) {
    self.kind = kind
    self.reason = reason
  }
}

/// How the root directory is made, cheapest first (docs/contributing/launch.md).
public struct RootPlan: Equatable, Sendable {
  public enum Form: Equatable, Sendable {
    /// The image mount itself; steps may still lay a tmpfs over one of its empty directories.
    case image
    /// A read-only overlay: the skeleton over the image.
    case readOnlyOverlay
    /// A tmpfs with every entry of the image's root bound in: kernels without overlay in user namespaces.
    case boundEntries
    /// An overlay whose upper layer lies in the launch's own tmpfs.
    case writableTemporary
    /// An overlay whose upper layer is `directory`/upper with `directory`/work, both on the host.
    case writableOverlay(directory: String)
    /// The same with both directories at the top of an ext file system.
    case writableImage(FileImage)
    /// A sandbox directory itself, writable.
    case writableSandbox
  }

  public var form: Form
  /// Laid over the image read-only, the last on top (`--overlay DIR:ro`).
  public var layers: [RootLayer]
  /// Whether a program makes the overlay: the kernel takes no file system of a program as a place for changes, and does
  /// not understand all that the program leaves in one (fuse-overlayfs(1)).
  public var isMadeByProgram = false
  /// What must exist for the steps and is missing in the image; parents come before what lies in them.
  public var skeleton: [SkeletonEntry]
  /// Bytes that the launch's own tmpfs may take: upper layers, session directories and generated files lie in it.
  public var sessionBytes: Int
  /// Its type: `tmpfs`, or `ramfs`, which knows no size.
  public var sessionType = "tmpfs"
  public var reason: String

  public init(
    form: Form, layers: [RootLayer] = [], skeleton: [SkeletonEntry] = [], sessionBytes: Int = 64 << 20,
    reason: String
  ) {
    self.form = form
    self.layers = layers
    self.skeleton = skeleton
    self.sessionBytes = sessionBytes
    self.reason = reason
  }
}

/// A mount point that the image does not have.
public struct SkeletonEntry: Equatable, Sendable {
  public enum Kind: Equatable, Sendable {
    case directory, file
    case link(to: String)
  }
  /// Absolute, normalized.
  public let path: String
  public let kind: Kind

  public init(_ path: String, _ kind: Kind) {
    self.path = path
    self.kind = kind
  }
}

/// One step of the set-up of the root.
public enum Step: Equatable, Sendable {
  /// Shows `source` of the host, with all mounts beneath it, at `target`; both are directories or neither is.
  /// Always nosuid and nodev; `devices` keeps device nodes usable (/dev and what lies in it).
  case bind(source: String, target: String, writable: Bool, devices: Bool)
  /// Shows `path` of a file system in a file at `target`.
  case bindImage(FileImage, path: String, target: String, writable: Bool)
  /// A new file system (`tmpfs`, `proc`, `devpts`, `mqueue`, `sysfs`) with its options.
  case fileSystem(type: String, target: String, options: [FileSystemOption])
  /// A generated file, shown read-only or writable at `target` in place of what the image has there.
  case generatedFile(target: String, contents: [UInt8], mode: UInt32)
  /// A directory made at `path`, on a file system of this plan that is writable there (a tmpfs of an earlier step).
  case makeDirectory(path: String, mode: UInt32)
  /// An empty file made at `path`, likewise.
  case makeFile(path: String)
  /// A directory made on the host, with those above it, with the user's rights (`--workdir`).
  case makeHostDirectory(path: String)
  /// A symbolic link made at `path`, likewise.
  case makeLink(path: String, to: String)
  /// Shows the directory that the launch keeps for `path` in its session tmpfs (`--contain`, `--scratch`).
  case sessionDirectory(target: String, mode: UInt32)
  /// The name of the UTS namespace.
  case hostName(String)
}

/// An option of a file system; no value: a flag.
public struct FileSystemOption: Equatable, Sendable {
  public let name: String
  public let value: String?

  public init(_ name: String, _ value: String? = nil) {
    self.name = name
    self.value = value
  }
}

public struct PlannedStep: Equatable, Sendable {
  public let step: Step
  /// Why the step is there, in a few words: shown by `explain` and in messages when the step fails.
  public let reason: String
  /// A step that may fail with a WARNING instead of ending the launch.
  public let isOptional: Bool

  public init(_ step: Step, reason: String, isOptional: Bool = false) {
    self.step = step
    self.reason = reason
    self.isOptional = isOptional
  }
}

/// What is executed once the root stands.
public struct ProgramPlan: Equatable, Sendable {
  /// Words of the command; the first is looked up in the container's PATH unless it has a slash.
  public var arguments: [String]
  /// Whether an absolute path that does not exist is looked up by its last component.
  public var isFoundByName = false
  /// `NAME=value`, in order, each name once.
  public var environment: [String]
  /// Directories to try as the working directory, in order. The first is what the user asked for.
  public var directories: [String]
  /// Whether a failure to enter the first directory ends the launch (`--cwd`).
  public var directoryIsRequired: Bool
  /// nil keeps the caller's.
  public var umask: UInt32?
  /// Whether pid 1 of a new PID namespace is our small init instead of the program.
  public var usesInit: Bool
  /// Who the program is; the caller, unless it says otherwise.
  public var rights = RightsPlan()

  public init(
    arguments: [String], environment: [String], directories: [String], directoryIsRequired: Bool = false,
    umask: UInt32? = nil, usesInit: Bool = false
  ) {
    self.arguments = arguments
    self.environment = environment
    self.directories = directories
    self.directoryIsRequired = directoryIsRequired
    self.umask = umask
    self.usesInit = usesInit
  }
}

/// A line for the user: printed unless they asked for less.
public struct Notice: Equatable, Sendable {
  public enum Level: Equatable, Sendable { case warning, info, verbose, debug }
  public let level: Level
  public let text: String

  public init(_ level: Level, _ text: String) {
    self.level = level
    self.text = text
  }
}
