public import Linux
public import Model
public import Settings

/// What a plan needs to know of the host, looked up before the launch leaves its mount namespace.
public struct HostFacts: Equatable, Sendable {
  public enum Kind: Equatable, Sendable { case directory, other }

  public var user: User
  /// The working directory; nil when it is gone.
  public var currentDirectory: String?
  public var variables: Variables
  /// What is at the paths that were asked about; absent: nothing.
  public var kinds: Lookup<Kind>
  /// Why some of them cannot be looked at, where that is not that nothing is there.
  public var refusals: Lookup<String> = [:]
  public var resolverConfiguration: [UInt8]?
  /// What the site shows as /etc/hosts; looked up only where a line is added to it (`--hostname`).
  public var hosts: String?
  /// The host's /etc/group, for the names of the user's groups.
  public var groups: String
  /// Paths and texts of the files of --env-file.
  public var environmentFiles: [EnvironmentText] = []
  /// Files with file systems in them that the request names, by their path.
  public var images: Lookup<HostImage> = [:]
  /// What is at a path in one of them, by `pathsInImages`; looked up through its mount.
  public var imageKinds: Lookup<Kind> = [:]
  /// The image of the launch, where it has an overlay partition.
  public var ownImage: HostImage?
  /// It has one that is left out, because no overlay is wanted (`LaunchRequest.whyNoOverlay`).
  public var leavesOutOwn = false
  /// Whether ext file systems are mounted by the kernel, and not by a program of the user's.
  public var extIsOfKernel: Bool
  /// Looked up only where a limit is asked for.
  public var controlGroups: ControlGroups?
  /// The text of `--apply-cgroups`.
  public var limitsText: String?
  /// The numbers (`8:0`) of the block devices that `--blkio-weight-device` names, by their paths.
  public var blockDevices: Lookup<String> = [:]
  /// Looked up only where the container has a network of its own.
  public var network: NetworkFacts?
  /// Bytes of memory the launch may use.
  public var memoryBytes: Int
  public var isPrivileged: Bool
  /// Modules that the kernel has switched on; looked up only where one is asked for.
  public var securityModules: [SecurityLabel.Module] = []
  /// The users of the container's namespace, which came to be before anything else was planned; nil: `--fakeroot` is not
  /// asked for, or means one user.
  public var fakeroot: FakerootPlan?
  /// Mount points of the host below `/`; looked up only where the site shows them all (`mount hostfs`).
  public var fileSystems: [String] = []
  /// The caller's terminal, as a path of the host; looked up only where the container has a /dev of its own.
  public var terminal: String?
  /// Whether the caller has a terminal that the program shall not type into; looked up only where it is contained, or
  /// enters a container.
  public var hasTerminal = false

  public init(
    user: User, currentDirectory: String?, variables: Variables, kinds: Lookup<Kind>,
    resolverConfiguration: [UInt8]? = nil, groups: String = "", memoryBytes: Int = 0,
    isPrivileged: Bool = false
  ) {
    self.user = user
    self.currentDirectory = currentDirectory
    self.variables = variables
    self.kinds = kinds
    self.resolverConfiguration = resolverConfiguration
    self.groups = groups
    self.memoryBytes = memoryBytes
    self.isPrivileged = isPrivileged
    extIsOfKernel = isPrivileged
  }

  /// Whether variables are put into the container: their values may need its shell.
  func injects(_ request: LaunchRequest) -> Bool {
    !request.environment.isEmpty || !request.literalVariables.isEmpty || !environmentFiles.isEmpty
      || variables.all.contains { entry in
        Variables.prefixes.contains { entry.starts(withBytesOf: $0 + "ENV_") }
      }
  }

  /// The user's home directory: the user database's, $HOME only where that has none.
  var home: String? {
    if let home = user.entry?.home, home.hasPrefix("/") { return home }
    if let home = variables["HOME"], home.hasPrefix("/") { return home }
    return nil
  }
}

/// A file of `--env-file` as it was read.
public struct EnvironmentText: Equatable, Sendable {
  public let path: String
  public let text: String

  public init(path: String, text: String) {
    self.path = path
    self.text = text
  }
}
