internal import Glibc
internal import Linux
internal import Model
internal import NodeSetup
internal import PluginStamp
internal import Settings

/// What this host's Slurm is and says of our plugin.
struct SlurmSite {
  /// slurm.conf; nil where none is found.
  let configuration: String?
  let pluginDirectories: [String]
  /// plugstack.conf, whether it is there or not.
  let stack: String
  let hasStack: Bool
  /// The line of our plugin that Slurm reads first, and the file it stands in.
  private(set) var line: PlugstackText.Line?
  private(set) var lineFile: String?

  /// The directory of slurm.conf: beside it lies what belongs to it.
  let directory: String

  init(configuration given: String?, _ variables: Variables) {
    let found = SlurmConfiguration(named: given, variables)
    configuration = found.path
    directory = found.directory
    pluginDirectories = found.places.pluginDirectories
    stack = found.places.plugstackPath(in: directory)
    hasStack = (try? File.facts(stack)) != nil
    readStack(stack, depth: 0)
  }

  /// Text of a file of settings; none is larger.
  static func text(_ path: String) -> String? {
    (try? File.readAll(path, limit: 4 << 20)).map { HostText.decode($0) }
  }

  private mutating func readStack(_ path: String, depth: Int) {
    guard depth < 8, line == nil, let text = Self.text(path).map({ PlugstackText($0) }) else { return }
    if let first = text.lines.first {
      line = first
      lineFile = path
      return
    }
    for pattern in text.includes {
      for file in Self.files(ContainerPath.normalized(pattern, from: ContainerPath.parent(path))) {
        readStack(file, depth: depth + 1)
      }
    }
  }

  /// The files that a pattern names, in the order of their names. Only the last part of it may be one.
  private static func files(_ pattern: String) -> [String] {
    let folder = ContainerPath.parent(pattern)
    let last = ContainerPath.lastComponent(pattern)
    guard let directory = try? File.open(folder, O_RDONLY | O_DIRECTORY),
      let names = try? File.names(in: directory)
    else { return [] }
    return names.filter { PathPattern.matches(component: last, $0) }.sorted().map { folder + "/" + $0 }
  }

  /// Where the plugin of the line lies: Slurm looks for a name without a path in its PluginDir.
  var pluginPath: String? {
    guard let line else { return nil }
    if ContainerPath.isAbsolute(line.plugin) { return line.plugin }
    let usual = ["/usr/lib64/slurm", "/usr/lib/slurm", "/usr/local/lib/slurm"] + Self.debianDirectories
    let all = (pluginDirectories.isEmpty ? usual : pluginDirectories).map { $0 + "/" + line.plugin }
    return all.first { (try? File.facts($0)) != nil } ?? all.first
  }

  private static let debianDirectories = ["x86_64", "aarch64"].map { "/usr/lib/\($0)-linux-gnu/slurm-wlm" }
}

/// Programs of Slurm on this host.
enum SlurmPrograms {
  /// By PATH, then where packages put them: sbin is in the PATH of root only.
  static func find(_ name: String, _ variables: Variables) -> String? {
    let path = (variables["PATH"] ?? "").fields(at: UInt8(ascii: ":")).map(String.init)
    let usual = ["/usr", "/usr/local", "/opt/slurm"].flatMap { [$0 + "/bin", $0 + "/sbin"] }
    return (path.filter { ContainerPath.isAbsolute($0) } + usual).map { $0 + "/" + name }
      .first { unsafe access($0, X_OK) == 0 }
  }

  private static let ofContainers = [
    "APUS_CONTAINER_", "PYXIS_CONTAINER_", "SLURM_SPANK_", "_SLURM_SPANK_", "SPANK_", "SLURM_CONTAINER",
  ]

  /// The environment without what would make a step run in a container: the variables that stand for options, and
  /// those in which Slurm hands options of plugins on. What our plugin notes there stays: where relative paths begin.
  static func hostEnvironment(_ variables: Variables) -> [String] {
    variables.all.filter { entry in
      entry.starts(withBytesOf: "SLURM_SPANK_APUS_")
        || !ofContainers.contains { entry.starts(withBytesOf: $0) }
    }
  }

  /// What slurmd, or where there is none srun, says of itself. srun reads its configuration first, even for that.
  static func version(_ variables: Variables, configuration: String?) -> SlurmVersion? {
    var environment = variables.all
    if let configuration, variables["SLURM_CONF"] == nil { environment.append("SLURM_CONF=" + configuration) }
    for name in ["slurmd", "srun"] {
      guard let program = find(name, variables),
        let said = try? Process.output(
          of: program, ["-V"], environment: environment, input: [], limit: 1 << 16, seconds: 20),
        let version = SlurmVersion(said: String(decoding: said.bytes, as: UTF8.self))
      else { continue }
      return version
    }
    return nil
  }
}
