internal import Glibc
internal import Linux
internal import Model

/// Mount points that the image lacks.
extension RootBuilder {
  /// Makes what is missing in the image in an upper layer. A directory the image has too gets its mode, because the
  /// topmost layer's mode is what an overlay shows.
  func makeSkeleton(_ entries: [SkeletonEntry], in root: Int32) throws(SystemCallFault) {
    if let facts = try? File.facts(image) {
      try retrying("chmod") { unsafe fchmodat(root, ".", facts.mode, 0) }
    }
    for entry in entries {
      try makeParents(of: entry.path, in: root)
      switch entry.kind {
      case .directory: try BeneathRoot.makeDirectories(entry.path, root: root)
      case .file: try BeneathRoot.makeFile(entry.path, root: root)
      case .link(let target):
        let parent = try BeneathRoot.open(ContainerPath.parent(entry.path), O_PATH | O_DIRECTORY, root: root)
        let number = parent.number
        let name = ContainerPath.lastComponent(entry.path)
        try retrying("symlink", entry.path) { unsafe symlinkat(target, number, name) }
      }
    }
  }

  /// Each in its parent, which is opened beneath the layer: a link in a layer of the user's leads nowhere on the host.
  private func makeParents(of path: String, in root: Int32) throws(SystemCallFault) {
    var whole = ""
    for name in ContainerPath.components(path).dropLast() {
      let parent = try BeneathRoot.open(whole.isEmpty ? "/" : whole, O_PATH | O_DIRECTORY, root: root)
      let number = parent.number
      whole += "/" + name
      if (try? File.facts(name, from: number, following: false)) != nil { continue }
      let mode = imageMode(of: whole) ?? 0o755
      try retrying("mkdir", whole) { unsafe mkdirat(number, name, 0o755) }
      // What was just made, and no link that has taken its name.
      let made = try File.open(name, O_PATH | O_DIRECTORY | O_NOFOLLOW, from: number)
      let madeNumber = made.number
      try retrying("chmod", whole) { unsafe fchmodat(madeNumber, ".", mode, 0) }
    }
  }

  private func imageMode(of path: String) -> UInt32? {
    guard let directory = try? BeneathRoot.open(path, O_PATH, root: image.number) else { return nil }
    return (try? File.facts(directory))?.mode
  }

  /// Fills a directory of a tmpfs with the image's entries, each bound in; directories that lack a mount point are
  /// made anew and filled likewise.
  func bindEntries(
    of path: String, into directory: Int32, skeleton: [SkeletonEntry]
  ) throws(SystemCallFault) {
    let prefix = path == "/" ? "/" : path + "/"
    let below = skeleton.filter { $0.path.hasPrefix(prefix) }
    let source = try BeneathRoot.open(path, O_RDONLY | O_DIRECTORY, root: image.number)
    for name in try File.names(in: source) {
      let facts = try File.facts(name, from: source.number, following: false)
      let whole = prefix + name
      switch facts.kind {
      case .link:
        let target = try File.target(ofLink: name, from: source.number)
        try retrying("symlink", whole) { unsafe symlinkat(target, directory, name) }
      case .directory:
        try retrying("mkdir", whole) { unsafe mkdirat(directory, name, facts.mode) }
        let place = try File.open(name, O_PATH | O_DIRECTORY | O_NOFOLLOW, from: directory)
        if below.contains(where: { $0.path.hasPrefix(whole + "/") }) {
          try bindEntries(of: whole, into: place.number, skeleton: below)
        } else {
          let entry = try File.open(name, O_PATH | O_DIRECTORY | O_NOFOLLOW, from: source.number)
          try Mount.bind(
            entry.number, at: place.number, attributes: [.readOnly, .noSetID, .noDevices], subject: whole
          ) { below throws(SystemCallFault) in try File.open("./" + name + below, O_PATH, from: directory) }
        }
      default:
        let place = try File.open(name, O_CREAT | O_EXCL | O_WRONLY, mode: 0o644, from: directory)
        let entry = try File.open(name, O_PATH | O_NOFOLLOW, from: source.number)
        try Mount.bind(
          entry.number, at: place.number, attributes: [.readOnly, .noSetID, .noDevices], subject: whole
        ) { below throws(SystemCallFault) in try File.open("./" + name + below, O_PATH, from: directory) }
      }
    }
    for entry in below where ContainerPath.parent(entry.path) == path {
      let name = ContainerPath.lastComponent(entry.path)
      switch entry.kind {
      case .directory:
        try retrying("mkdir", entry.path) { unsafe mkdirat(directory, name, 0o755) }
        let place = try File.open(name, O_PATH | O_DIRECTORY | O_NOFOLLOW, from: directory)
        for inner in below where inner.path.hasPrefix(entry.path + "/") {
          let relative = String(inner.path.dropFirst(entry.path.count))
          switch inner.kind {
          case .directory: try BeneathRoot.makeDirectories(relative, root: place.number)
          case .file: try BeneathRoot.makeFile(relative, root: place.number)
          case .link: break
          }
        }
      case .file: _ = try File.open(name, O_CREAT | O_WRONLY | O_NOFOLLOW, mode: 0o644, from: directory)
      case .link(let target):
        try retrying("symlink", entry.path) { unsafe symlinkat(target, directory, name) }
      }
    }
  }
}
