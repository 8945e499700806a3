public import Model
public import PluginStamp
public import StepOptions

/// What `apus slurm install` is to bring about on a host.
public struct SetupRequest: Equatable, Sendable {
  public var version: SlurmVersion
  /// The plugin of this installation.
  public var plugin: PluginStamp
  /// PREFIX/lib/apus, where stamped copies are kept.
  public var library: String
  /// The directory for the stamped copy, in the place of one below `library`.
  public var pluginDirectory: String?
  public var helper: String
  public var cacheDirectory: String?
  public var runtimeDirectory: String?
  /// plugstack.conf, the file that Slurm reads first.
  public var stack: String
  /// The file that gets the plugin's line: one beside it, or itself.
  public var lineFile: String
  public var tmpfilesDirectory: String
  /// Steps start here and never run here: no cache, no runtime directory.
  public var isSubmitHost = false
  /// plugstack.conf here is a copy that the controller sends: the line belongs into the controller's.
  public var isConfigless = false

  public init(
    version: SlurmVersion, plugin: PluginStamp, library: String, helper: String, stack: String,
    lineFile: String,
    tmpfilesDirectory: String = "/etc/tmpfiles.d"
  ) {
    self.version = version
    self.plugin = plugin
    self.library = library
    self.helper = helper
    self.stack = stack
    self.lineFile = lineFile
    self.tmpfilesDirectory = tmpfilesDirectory
  }
}

/// What the files say now; nil where there is none.
public struct SetupFacts: Equatable, Sendable {
  public var stack: String?
  public var lineFile: String?

  public init(stack: String? = nil, lineFile: String? = nil) {
    self.stack = stack
    self.lineFile = lineFile
  }
}

/// One thing to be done on the host. Each is done only where it is not so yet.
public enum SetupStep: Equatable, Sendable {
  case directory(path: String, mode: UInt32)
  /// Written as another name in the directory `aside`, then renamed.
  case file(path: String, content: [UInt8], mode: UInt32, aside: String)
  /// A symbolic link, replaced by rename.
  case link(path: String, target: String)
  /// What the administrator has to do.
  case advice(String)
}

/// Why nothing can be planned.
public enum SetupFault: Error, Equatable, Sendable {
  /// plugstack.conf has no way to write such a path.
  case path(option: String, value: String)
  /// The line has words that every step of a job would fail by.
  case line(StepFault)
}

extension SetupFault: Explained {
  public var explanation: Explanation {
    switch self {
    case .line(let fault): fault.explanation
    case .path(let option, let value):
      Explanation(
        what: "cannot use \(option) \(printable(value))",
        why: "plugstack.conf takes absolute paths without blanks, quotes, # and control characters only",
        remedy: "choose another path")
    }
  }
}

/// Plans what a host needs so that its Slurm has the plugin. Opens nothing.
///
/// The plugin's line names a path that stays the same over upgrades of Slurm: a link to the copy stamped last. So
/// plugstack.conf may be one for the whole cluster while its nodes are upgraded one by one. Files are replaced by rename:
/// what has the old one open keeps it.
public func planSetup(_ request: SetupRequest, _ facts: SetupFacts) throws(SetupFault) -> [SetupStep] {
  var given: [(String, String)] = [("--helper", request.helper), ("--plugstack", request.lineFile)]
  if let path = request.pluginDirectory { given.append(("--plugin-dir", path)) }
  if let path = request.cacheDirectory { given.append(("--cache-dir", path)) }
  if let path = request.runtimeDirectory { given.append(("--runtime-dir", path)) }
  for (option, value) in given where !isWritable(value) { throw .path(option: option, value: value) }

  let name = PlugstackText.pluginName
  let stamped = request.plugin.stamped(for: request.version)
  var steps: [SetupStep] = []
  let plugin: String
  if let directory = request.pluginDirectory.map({ ContainerPath.normalized($0) }) {
    plugin = directory + "/" + name
    steps = [
      .directory(path: directory, mode: 0o755),
      .file(path: plugin, content: stamped, mode: 0o644, aside: directory),
    ]
  } else {
    let directory = "slurm-" + request.version.text
    let copies = request.library + "/" + directory
    plugin = request.library + "/slurm/" + name
    steps = [
      .directory(path: copies, mode: 0o755),
      .file(path: copies + "/" + name, content: stamped, mode: 0o644, aside: copies),
      .directory(path: request.library + "/slurm", mode: 0o755),
      .link(path: plugin, target: "../" + directory + "/" + name),
    ]
  }

  var words = ["helper=" + request.helper]
  var added: [String] = []
  for (key, value, usual) in [
    ("cache_dir", request.cacheDirectory, "/var/cache/apus"),
    ("runtime_dir", request.runtimeDirectory, "/run/apus"),
  ] {
    if let value { words.append(key + "=" + value) } else { added.append(key + "=" + usual) }
  }
  let old = facts.lineFile ?? (request.isConfigless ? facts.stack ?? "" : header)
  let new = PlugstackText.edited(old, plugin: plugin, words: words, added: added)
  if !request.isSubmitHost { steps += try planDirectories(of: new, request) }
  if request.isConfigless {
    guard new != old, let line = new.lines.last else { return steps }
    return steps + [.advice("plugstack.conf is the controller's; there, this line: " + String(line))]
  }

  // The line comes last: from then on every step of a job needs the rest.
  let place = ContainerPath.parent(request.lineFile)
  steps += [
    .directory(path: place, mode: 0o755),
    .file(path: request.lineFile, content: Array(new.utf8), mode: 0o644, aside: aside(of: place)),
  ]
  return steps + planInclude(request, facts)
}

private let header = """
  # The plugin of Apus. `apus slurm install` keeps the path of the plugin and of its helper up to date, and the rest as
  # it is. The keys: docs/admin/slurm.md, and etc/apus/slurm/plugstack.conf.d/apus.conf of the installation.

  """

private func isWritable(_ path: String) -> Bool {
  ContainerPath.isAbsolute(path)
    && path.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7F && ![0x22, 0x23, 0x27, 0x5C].contains($0) }
}

/// Everything in a directory of settings is read by somebody: what is unfinished lies beside it.
private func aside(of directory: String) -> String {
  directory.hasSuffix(".d") ? ContainerPath.parent(directory) : directory
}

private func planDirectories(of text: String, _ request: SetupRequest) throws(SetupFault) -> [SetupStep] {
  let site: SiteOptions
  do throws(StepFault) { site = try SiteOptions(words: PlugstackText(text).lines.last?.words ?? []) } catch {
    throw .line(error)
  }
  var steps: [SetupStep] = []
  if let cache = site.cacheDirectory { steps.append(.directory(path: cache, mode: 0o1777)) }
  let runtime = site.runtimeDirectory
  steps.append(.directory(path: runtime, mode: 0o1777))
  if ["/run", "/var/run"].contains(where: { ContainerPath.isBelow(runtime, $0) }) {
    let snippet =
      "# Apus: named containers of Slurm jobs. /run is empty after a start.\nd \(runtime) 1777 root root -\n"
    steps.append(
      .file(
        path: request.tmpfilesDirectory + "/apus.conf", content: Array(snippet.utf8), mode: 0o644,
        aside: aside(of: request.tmpfilesDirectory)))
  }
  return steps
}

private func planInclude(_ request: SetupRequest, _ facts: SetupFacts) -> [SetupStep] {
  guard request.lineFile != request.stack else { return [] }
  let place = ContainerPath.parent(request.lineFile)
  let line = "include " + place + "/*.conf"
  guard let text = facts.stack else {
    return [
      .file(
        path: request.stack, content: Array((line + "\n").utf8), mode: 0o644,
        aside: aside(of: ContainerPath.parent(request.stack)))
    ]
  }
  let from = ContainerPath.parent(request.stack)
  let isIncluded = PlugstackText(text).includes.contains {
    PathPattern.matches(ContainerPath.normalized($0, from: from), request.lineFile)
  }
  return isIncluded ? [] : [.advice("add this line to \(request.stack): \(line)")]
}
