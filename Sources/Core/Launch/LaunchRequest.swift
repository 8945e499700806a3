public import Model

/// What the user asked for: the words of an action command, still as they were written where they have a grammar.
public struct LaunchRequest: Equatable, Sendable {
  public enum Action: String, Equatable, Sendable { case exec, run, shell, test, start }

  public var action: Action
  /// The path of the image as the container is told of it, absolute.
  public var imagePath: String
  /// The command of exec, the arguments of run and test.
  public var arguments: [String]
  /// Whether a program named by an absolute path that the container lacks is looked up in its PATH by the last
  /// component: batch systems resolve names where a job is submitted.
  public var findsByName = false
  public var binds: [String] = []
  public var mounts: [String] = []
  /// Mounts that were not written in the grammar of `--bind`; in their order, behind all others.
  public var requestedMounts: [RequestedMount] = []
  public var homeSpec: String?
  public var noHome = false
  public var noMount: [String] = []
  public var scratch: [String] = []
  public var workDirectory: String?
  public var overlays: [String] = []
  public var writable = false
  public var writableTemporary = false
  public var environment: [String] = []
  /// `NAME=value`, taken as it is: stronger than the image's scripts, weaker than `environment`.
  public var literalVariables: [String] = []
  /// Names of host variables that stay outside; one with a `*` at its end stands for all that begin so.
  public var withheldVariables: [String] = []
  public var environmentFiles: [String] = []
  public var cleanEnvironment = false
  public var noEvaluation = false
  public var contain = false
  public var pid = false
  public var noPID = false
  public var noInit = false
  public var ipc = false
  public var uts = false
  /// No overlay file system for what the image lacks.
  public var underlay = false
  /// How long a run script may be evaluated, as it was written: nothing here takes time, but nonsense is refused.
  public var runScriptTimeout: String?
  /// A network of its own.
  public var network = false
  /// Names of `--network`; empty: none was named.
  public var networks: [String] = []
  public var networkArguments: [String] = []
  /// Ports of `--publish`, as they were written.
  public var publishedPorts: [String] = []
  /// A network namespace that is there already.
  public var networkPath: String?
  /// Addresses of name servers that take the place of the host's.
  public var nameServers: [String] = []
  public var hostName: String?
  /// Whether the program is seen as root, in a user namespace of its own.
  public var fakeroot = false
  /// Whether root is the only user of that namespace, whatever ranges the caller has.
  public var ignoresSubordinateIDs = false
  public var noPrivileges = false
  public var keepPrivileges = false
  public var allowSetUserID = false
  public var addedCapabilities: [String] = []
  public var droppedCapabilities: [String] = []
  /// Words of `--security`: `uid:1000`.
  public var security: [String] = []
  /// Made of the profile that `security` names.
  public var callFilter: CallFilterPlan?
  public var limits = LimitsRequest()
  public var noUmask = false
  public var workingDirectory: String?
  /// The directory the image names as the one to start in (`WorkingDir` of an OCI configuration).
  public var imageDirectory: String?
  /// Whether programs start in the image's directory, else in `/`, wherever the caller is.
  public var startsInImage = false
  public var shellPath: String?
  /// The application of the image that is selected.
  public var app: String?
  /// The name of the instance that is made or entered.
  public var instance: String?

  public init(_ action: Action, imagePath: String, arguments: [String]) {
    self.action = action
    self.imagePath = imagePath
    self.arguments = arguments
  }

  /// Whether the home directory is left out, also as a working directory.
  var hidesHome: Bool { noHome || noMount.contains("home") }

  /// `--containall` and `--compat` are sums of others: `-C` is `-c -p -i -e`.
  public mutating func expand(containAll: Bool, compat: Bool) {
    if compat {
      noInit = true
      noUmask = true
      // A writable overlay is what --compat asks for already.
      if overlays.allSatisfy({ OverlaySpec($0).isReadOnly }) && !writable { writableTemporary = true }
      noEvaluation = true
    }
    if containAll || compat {
      contain = true
      pid = true
      ipc = true
      cleanEnvironment = true
    }
    if noPID { pid = false }
    if hostName != nil { uts = true }
    if !networks.isEmpty || !publishedPorts.isEmpty { network = true }
  }
}
