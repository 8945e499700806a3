internal import Model
public import Tree

/// What goes into `/.singularity.d` of a new image.
public struct SingularityDirectory: Sendable {
  /// nil: keep what the tree has, else the script that says there is none.
  public var runscript: String?
  public var startscript: String?
  public var test: String?
  public var help: String?
  /// The definition; nil keeps what the tree has.
  public var definition: String?
  /// Added to the labels of the tree, which they replace where the names are equal.
  public var labels: [(name: String, value: String)]
  /// Text of `env/10-docker2singularity.sh`, for images made from OCI images.
  public var ociEnvironment: String?
  /// The time of everything put in, seconds since 1970.
  public var time: UInt32

  public init(time: UInt32 = 0, labels: [(name: String, value: String)] = []) {
    self.time = time
    self.labels = labels
  }

  /// For an image whose process an OCI configuration describes.
  public init(_ process: OCIProcess, labels: [(name: String, value: String)], time: UInt32) {
    self.init(time: time, labels: labels)
    runscript = process.runscript
    ociEnvironment = process.environmentScript
  }
}

/// Puts `/.singularity.d`, the links to it and the directories every launch needs onto a tree. What the tree has under
/// one of these names stays, unless `contents` has a text for it. The host is not touched.
public func planSingularityDirectory(
  _ tree: inout Tree, _ contents: SingularityDirectory
) throws(TreeFault) {
  let time = contents.time
  let directory = Tree.Node(.directory([]), mode: 0o755, modified: time)
  func file(_ text: String, mode: UInt32) -> Tree.Node {
    Tree.Node(.file(.bytes(Array(text.utf8))), mode: mode, modified: time)
  }
  let home = "/.singularity.d/"
  _ = try tree.makeDirectory(home + "libs", like: directory)
  for (name, text) in ContainerScripts.environment {
    try tree.put(file(text, mode: 0o755), at: home + "env/" + name, directories: directory)
  }
  for (name, text) in ContainerScripts.actions {
    try tree.put(file(text, mode: 0o755), at: home + "actions/" + name, directories: directory)
  }
  let texts: [(path: String, text: String?, fallback: String?, mode: UInt32)] = [
    ("env/10-docker2singularity.sh", contents.ociEnvironment, nil, 0o755),
    ("runscript", contents.runscript, ContainerScripts.defaultRunscript, 0o755),
    ("startscript", contents.startscript, ContainerScripts.startscript, 0o755),
    ("test", contents.test, nil, 0o755),
    ("runscript.help", contents.help, nil, 0o644),
    ("Singularity", contents.definition, nil, 0o644),
  ]
  for (path, text, fallback, mode) in texts {
    if let text {
      try tree.put(file(text, mode: mode), at: home + path, replacing: true, directories: directory)
    } else if let fallback {
      try tree.put(file(fallback, mode: mode), at: home + path, directories: directory)
    }
  }
  var labels = existingLabels(tree)
  for (name, value) in contents.labels {
    labels.removeAll { $0.name == name }
    labels.append((name, value))
  }
  labels.sort { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
  let json = JSON.object(labels.map { ($0.name, .string($0.value)) }).text(indented: true) + "\n"
  try tree.put(file(json, mode: 0o644), at: home + "labels.json", replacing: true, directories: directory)
  try putSurroundings(&tree, directory)
}

/// The labels the tree has already; none where the file is damaged.
private func existingLabels(_ tree: Tree) -> [(name: String, value: String)] {
  tree.text(at: "/.singularity.d/labels.json").flatMap(parseLabels) ?? []
}

private func putSurroundings(_ tree: inout Tree, _ directory: Tree.Node) throws(TreeFault) {
  for (name, target) in [
    (".exec", "actions/exec"), (".run", "actions/run"), (".shell", "actions/shell"),
    (".test", "actions/test"),
    ("singularity", "runscript"), ("environment", "env/90-environment.sh"),
  ] {
    let link = Tree.Node(
      .link(target: Array(".singularity.d/\(target)".utf8)), mode: 0o777, modified: directory.modified)
    try tree.put(link, at: "/" + name, directories: directory)
  }
  for (path, mode) in [
    ("/dev", 0o755), ("/proc", 0o755), ("/sys", 0o755), ("/home", 0o755), ("/etc", 0o755), ("/root", 0o700),
    ("/tmp", 0o1777), ("/var", 0o755), ("/var/tmp", 0o1777),
  ] as [(String, UInt32)] where tree.find(path, following: false) == nil {
    var node = directory
    node.mode = mode
    _ = try tree.makeDirectory(path, like: node)
  }
  let empty = Tree.Node(.file(.bytes([])), mode: 0o644, modified: directory.modified)
  for path in ["/etc/hosts", "/etc/resolv.conf"] { try tree.put(empty, at: path, directories: directory) }
}

extension Tree {
  /// Bytes of a script or table that is held in memory.
  private static let mostText = 1 << 20

  /// The text of a small file; nil where there is none or it is no text.
  func text(at path: String) -> String? {
    guard let node = find(path), case .file(let content) = nodes[node].content, content.size <= Self.mostText,
      let reader = try? content.open()
    else { return nil }
    var bytes = [UInt8](repeating: 0, count: content.size)
    let done = unsafe bytes.withUnsafeMutableBytes { (try? unsafe reader.read(at: 0, into: $0)) != nil }
    return done ? String(validating: bytes, as: UTF8.self) : nil
  }
}
