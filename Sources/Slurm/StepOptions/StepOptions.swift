public import Launch
public import Model
public import NodeCache
public import Settings

/// What a user asked of the container of a job step, and what their site says where they did not.
///
/// This room turns words into values: the options of srun, sbatch and salloc (`--container-image` and its kin), the
/// variables that stand for them, the words of the plugin's line in plugstack.conf, and out of them the request that
/// `Launch` plans. It opens nothing and asks nobody: what it must know of the host is handed in. Names and grammars
/// are those of Pyxis 0.24 where that has them, so that job scripts move over; where the defaults differ the site
/// chooses (`defaults=`).
public struct StepOptions: Equatable, Sendable {
  /// The image as the user wrote it; nil: none was named.
  public var image: String?
  /// What named the image: `--container-image`, `--container`, or a variable.
  public var imageOrigin = "--container-image"
  /// In the order in which they were written, each once.
  public var mounts: [RequestedMount] = []
  public var workDirectory = WorkDirectory.unset
  public var name: ContainerName?
  public var save: SavePath?
  public var showsHome: Bool
  public var mapsToRoot: Bool
  public var runsEntrypoint: Bool
  public var logsEntrypoint: Bool
  /// Whether programs may write to the root; what they wrote is kept in a named container only.
  public var isWritable: Bool
  public var environment = EnvironmentChoice()
  public var unshared = UnsharedNamespaces()
  /// nil: neither user nor site said.
  public var stage: StageMode?
  /// Whether programs inside may start further steps (`--container-slurm`).
  public var showsSlurm: Bool
  public var verify: Verification
  /// Whose habits hold where nothing was said.
  public var defaults: SiteOptions.Defaults
  public var notices: [Notice] = []

  /// Where programs start.
  public enum WorkDirectory: Equatable, Sendable {
    case unset
    /// In the directory that the image names.
    case image
    /// Absolute, normalized.
    case path(String)
  }

  /// Whether a container is wanted at all: an image was named, or a container that may exist.
  public var isWanted: Bool { image != nil || name != nil }

  /// `words` are the options as they were given, without their dashes; a flag's value is empty. `directory` is the one
  /// that relative paths are taken from.
  public init(
    words: [(name: String, value: String)], variables: Variables, site: SiteOptions, directory: String
  ) throws(StepFault) {
    let given = try GivenOptions(words, variables)
    notices = given.notices
    defaults = site.defaults
    showsHome = try given.flag(.mountHome, against: .noMountHome) ?? (site.defaults == .apus)
    mapsToRoot = try given.flag(.remapRoot, against: .noRemapRoot) ?? false
    runsEntrypoint = try given.flag(.entrypoint, against: .noEntrypoint) ?? site.runsEntrypoint
    logsEntrypoint = try given.flag(.entrypointLog) ?? false
    showsSlurm = try given.flag(.slurm) ?? false
    let writable = try given.flag(.writable, against: .readonly)
    if let word = try given.image() {
      image = word.value
      imageOrigin = word.origin
    }
    if let word = try given.value(.name) { name = try ContainerName(word) }
    // A named container is there to be written to.
    isWritable = writable ?? (name != nil)
    stage = try given.value(.stage).map { word throws(StepFault) in try StageMode(word) } ?? site.stage
    verify = try given.value(.verify).map { word throws(StepFault) in try Verification(word) } ?? site.verify
    if let word = try given.value(.save) { save = try SavePath(word, from: directory, &notices) }
    if let word = try given.value(.workdir) {
      workDirectory =
        word.value == "image" ? .image : .path(ContainerPath.normalized(try word.asPath()))
    }
    for word in given.all(.mounts) {
      for mount in try MountGrammar.parse(word, from: directory, &notices) where !mounts.contains(mount) {
        mounts.append(mount)
      }
    }
    for word in given.all(.environment) { try environment.add(word, &notices) }
    for word in given.all(.unshare) { try unshared.add(word) }
    if name?.use == .create, image == nil { throw .nothingToCreate(name: name?.text ?? "") }
    if logsEntrypoint, !runsEntrypoint {
      notices.append(
        Notice(.warning, "ignoring --container-entrypoint-log: the image's entry point is not run"))
    }
    if !isWanted {
      notices += given.ignored
      if save != nil { save = nil }
    }
  }
}

/// Namespaces that a step does not share with its node (`--container-unshare`).
public struct UnsharedNamespaces: Equatable, Sendable {
  public var network = false
  public var ipc = false
  public var uts = false

  public init(network: Bool = false, ipc: Bool = false, uts: Bool = false) {
    self.network = network
    self.ipc = ipc
    self.uts = uts
  }

  mutating func add(_ word: OptionWord) throws(StepFault) {
    for field in word.value.fields(at: UInt8(ascii: ",")) {
      switch String(field) {
      case "net": network = true
      case "ipc": ipc = true
      case "uts": uts = true
      case "pid":
        throw .value(
          origin: word.origin, value: word.value,
          why: "signals that Slurm sends would not reach processes in a PID namespace of their own",
          remedy: "leave pid out")
      default:
        throw .value(
          origin: word.origin, value: word.value, why: "unknown namespace \"\(shown(String(field)))\"",
          remedy: "net, ipc and uts are known")
      }
    }
  }
}
