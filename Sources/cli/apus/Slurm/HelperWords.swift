internal import Linux
internal import Model
internal import Settings
internal import StepOptions

/// The words that the SPANK plugin starts `apus slurm-helper` with (docs/contributing/slurm.md). They are not for people:
/// what users wrote stands in them as it was written.
struct HelperWords {
  /// The text behind each `--option`, `NAME=VALUE`, taken apart.
  private var options: [(name: String, value: String)] = []
  /// The words of the plugin's line in plugstack.conf.
  private(set) var site: [String] = []
  /// The name of this node in Slurm.
  private(set) var node = "this node"
  /// Tasks of the step on this node, nodes of the step, and which of them this is.
  private(set) var tasks = 1
  private(set) var nodes = 1
  private(set) var nodeNumber = 0
  /// The helper's end of the tasks' socket pair, and their page.
  private(set) var socket: Int32 = -1
  private(set) var page: Int32 = -1
  /// The script of a batch step, in slurmd's own folder.
  private(set) var script: String?
  /// What the plugin of this node speaks.
  private(set) var protocolNumber = 0
  private(set) var job: String?
  /// An image that `apus-image` has opened for this start: `descriptor:NUMBER:PATH`.
  private(set) var handed: String?
  /// Whether Slurm's own `--container` is the plugin's business on this node.
  private(set) var servesNative = false

  /// What a step's environment says of the node, where no plugin has said it.
  mutating func take(_ variables: Variables) {
    node = variables["SLURMD_NODENAME"] ?? node
    nodes = variables["SLURM_NNODES"].flatMap { Int($0) } ?? nodes
    nodeNumber = variables["SLURM_NODEID"].flatMap { Int($0) } ?? nodeNumber
  }

  /// What the site and the user want. Slurm's own `--container` is a variable on a node.
  func read(_ variables: Variables) throws(StepFault) -> (site: SiteOptions, step: StepOptions) {
    let site = try SiteOptions(words: site)
    var words = options
    if servesNative, let native = variables["SLURM_CONTAINER"], !native.isEmpty {
      words.append(("container", native))
    }
    let step = try StepOptions(
      words: words, variables: variables, site: site, directory: stepDirectory(variables))
    return (site, step)
  }

  /// nil: a word is missing or unknown, which only a plugin of another version can have sent.
  init?(_ words: ArraySlice<String>) {
    var rest = words
    while let name = rest.popFirst() {
      guard let value = rest.popFirst() else { return nil }
      switch name {
      case "--option":
        guard let equals = value.utf8.firstIndex(of: UInt8(ascii: "=")) else { return nil }
        options.append((String(value[..<equals]), String(value[value.utf8.index(after: equals)...])))
      case "--site": site.append(value)
      case "--node": node = value
      case "--tasks": tasks = Int(value) ?? 1
      case "--nodes": nodes = Int(value) ?? 1
      case "--nodeid": nodeNumber = Int(value) ?? 0
      case "--fd": socket = Int32(value) ?? -1
      case "--page": page = Int32(value) ?? -1
      case "--batch": script = value
      case "--protocol": protocolNumber = Int(value) ?? 0
      case "--job": job = value
      case "--handed": handed = value
      case "--native": servesNative = value == "1"
      default: return nil
      }
    }
  }
}

/// The directory that relative paths of a step's options are taken from: where srun was started, else this one.
func stepDirectory(_ variables: Variables) -> String {
  for name in ["SLURM_SPANK_APUS_CWD", "SLURM_SUBMIT_DIR"] {
    if let path = variables[name], ContainerPath.isAbsolute(path) { return path }
  }
  return File.workingDirectory
}
