internal import Glibc
internal import ImageMount
internal import Linux
internal import Model

/// Makes the root directory that a plan asks for and lays it over `/`, where pivot_root can take it.
///
/// Nothing of the host is covered: paths are looked up from this process's root, which stays the old one until the
/// pivot, so sources of binds can be opened at any time before.
struct RootBuilder: ~Copyable {
  /// The image: a mount without a place, or an open directory of a mounted file system.
  let image: Descriptor
  /// File systems of files, beside the image.
  let files: [MountedFile]
  /// The mounts of `files` have no place yet.
  private let filesAreDetached: Bool
  /// Where programs are looked for.
  private let searchPath: String?
  /// The top of a tmpfs of this launch, made when first needed; it holds skeletons, upper layers, generated files.
  /// Open until the program is executed, -1 before it is made.
  private var session: Int32 = -1
  /// Bytes the session may take; its upper layers and `--contain` directories lie in it.
  private let sessionBytes: Int
  private let sessionType: String
  private var names = 0
  /// Mounts laid over `/` so far; the last is the root.
  private(set) var layers: Int
  /// The image has its place over `/` already, so that what was laid over it since must not be shown with it.
  private let imageIsOverRoot: Bool
  /// Real root, without a user namespace.
  private let isPrivileged: Bool
  /// What the user should know of the root that was made.
  private(set) var notices: [Notice] = []

  init(
    image: consuming Descriptor, files: FileMounts?, searchPath: String?, session: RootPlan, layers: Int,
    isPrivileged: Bool
  ) {
    self.isPrivileged = isPrivileged
    self.files = files?.mounted ?? []
    self.searchPath = searchPath
    filesAreDetached = files?.layers == 0
    self.layers = layers
    imageIsOverRoot = layers > (files?.layers ?? 0)
    self.image = image
    sessionBytes = session.sessionBytes
    sessionType = session.sessionType
  }

  /// A new directory or file name in the session.
  mutating func sessionDirectory(mode: UInt32 = 0o755) throws(SystemCallFault) -> Descriptor {
    let place = try startSession()
    names += 1
    let name = "\(names)"
    try retrying("mkdir", name) { unsafe mkdirat(place, name, mode) }
    try retrying("chmod", name) { unsafe fchmodat(place, name, mode, 0) }
    return try File.open(name, O_PATH | O_DIRECTORY, from: place)
  }

  /// A new file of the session with this content.
  mutating func sessionFile(_ contents: [UInt8], mode: UInt32) throws(SystemCallFault) -> Descriptor {
    let place = try startSession()
    names += 1
    let name = "\(names)"
    let file = try File.open(name, O_CREAT | O_EXCL | O_WRONLY, mode: mode, from: place)
    try File.write(contents, to: file.number, subject: name)
    let number = file.number
    try retrying("chmod", name) { fchmod(number, mode) }
    return try File.open(name, O_PATH, from: place)
  }

  /// The session's top directory.
  mutating func startSession() throws(SystemCallFault) -> Int32 {
    if session < 0 {
      session = try layOver(
        sessionType,
        options: [("mode", "0700")] + (sessionType == "tmpfs" ? [("size", "\(sessionBytes)")] : []),
        attributes: [.noSetID, .noDevices]
      ).release()
    }
    return session
  }

  /// Makes a file system and lays it over `/`.
  private mutating func layOver(
    _ type: String, options: [(String, String?)], attributes: Mount.Attributes
  ) throws(SystemCallFault) -> Descriptor {
    let place = try File.open("/", O_PATH | O_DIRECTORY)
    let made = try Mount.make(type, options: options, attributes: attributes, at: place.number, subject: "/")
    {
      () throws(SystemCallFault) in try Mount.topmostRoot()
    }
    layers += 1
    return made
  }

  /// Makes the root; the descriptor is its top directory. `needsSession`: steps will ask for directories or files of
  /// the session. It must lie beneath the root: laid over it later it would stay there after the pivot.
  mutating func build(_ plan: RootPlan, needsSession: Bool) throws(EngineFault) -> Descriptor {
    do throws(SystemCallFault) { try placeFiles() } catch {
      throw .setup(activity: "show the file systems of files", cause: error)
    }
    guard plan.isMadeByProgram else {
      do throws(SystemCallFault) { return try buildByKernel(plan, needsSession: needsSession) } catch {
        throw fault(of: plan, because: error)
      }
    }
    let parts: ProgramOverlay
    do throws(SystemCallFault) { parts = try prepareProgram(plan) } catch {
      throw fault(of: plan, because: error)
    }
    let mount: Int32
    do throws(MountFault) { mount = try parts.start(searchPath) } catch { throw .mount(error) }
    do throws(SystemCallFault) {
      let root = try attach(Descriptor(owning: mount))
      if plan.form == .readOnlyOverlay { try makeReadOnly(root.number) }
      return root
    } catch { throw fault(of: plan, because: error) }
  }

  /// In place, so that Linux before 5.12 can do it too, by the older interface.
  ///
  /// Considered: the option `ro` for fuse-overlayfs, whose mount points are all there before it starts. What it makes of it
  /// is not the same in all its versions, and a root that can be written to by mistake would not be noticed.
  private func makeReadOnly(_ root: Int32) throws(SystemCallFault) {
    let attributes: Mount.Attributes = [.readOnly, .noSetID, .noDevices]
    do throws(SystemCallFault) { try Mount.restrict(root, attributes, subject: "overlay") } catch {
      // EPERM: a filter in front of the kernel that does not know the call.
      guard error.number == ENOSYS || error.number == EPERM else { throw error }
      try Mount.restrict(Mount.path(of: root), attributes, subject: "overlay")
    }
  }

  /// Why there is no root, told by what was asked for where the place of the changes is the cause.
  private func fault(of plan: RootPlan, because cause: SystemCallFault) -> EngineFault {
    if cause.call == "open", [ENOTDIR, ELOOP].contains(cause.number),
      ["upper", "work", "work/work"].contains(cause.subject)
    {
      switch plan.form {
      case .writableOverlay(let directory): return .overlayAstray(path: directory, name: cause.subject)
      case .writableImage(let file): return .overlayAstray(path: file.path, name: cause.subject)
      default: break
      }
    }
    if case .writableOverlay(let directory) = plan.form,
      cause.subject.starts(withBytesOf: "overlay") || cause.subject == "/",
      [EINVAL, EOPNOTSUPP, EPERM, EROFS].contains(cause.number)
    {
      var type: String?
      if let place = try? File.open(directory, O_PATH | O_DIRECTORY) { type = Volume.typeName(of: place) }
      return .overlayRefused(path: directory, fileSystem: type, cause: cause)
    }
    return .setup(activity: "make the root of the container (\(plan.reason))", cause: cause)
  }

  /// Laid over `/`: only what has a place can be a layer, and be copied (Linux before 6.15).
  private mutating func placeFiles() throws(SystemCallFault) {
    guard filesAreDetached else { return }
    for file in files {
      let place = try File.open("/", O_PATH | O_DIRECTORY)
      try Mount.attach(file.mount, at: place.number, subject: file.image.path)
      layers += 1
    }
  }

  private mutating func attach(_ mount: consuming Descriptor) throws(SystemCallFault) -> Descriptor {
    let place = try File.open("/", O_PATH | O_DIRECTORY)
    try Mount.attach(mount.number, at: place.number, subject: "/")
    layers += 1
    return mount
  }

  /// The top of a file's file system.
  func mount(of image: FileImage) throws(SystemCallFault) -> MountedFile {
    guard let file = files.first(where: { $0.image.isSame(image) }) else {
      throw SystemCallFault("mount", image.path, ENODEV)
    }
    return file
  }

  private mutating func buildByKernel(
    _ plan: RootPlan, needsSession: Bool
  ) throws(SystemCallFault) -> Descriptor {
    switch plan.form {
    case .readOnlyOverlay, .writableTemporary: _ = try startSession()
    default: if needsSession { _ = try startSession() }
    }
    switch plan.form {
    case .image, .writableSandbox:
      return try attachImage(readOnly: plan.form == .image)
    case .readOnlyOverlay:
      _ = try attachImage(readOnly: true)
      let skeleton = try sessionDirectory()
      try makeSkeleton(plan.skeleton, in: skeleton.number)
      let layers = try openLayers(plan.layers)
      var lower = ["\(Mount.path(of: skeleton.number))"]
      lower += layers.reversed().map { Mount.path(of: $0) }
      lower.append(Mount.path(of: image.number))
      defer { for layer in layers { close(layer) } }
      return try mountOverlay(lower: lower, upper: nil)
    case .boundEntries:
      _ = try attachImage(readOnly: true)
      let root = try layOver("tmpfs", options: [("mode", "0755")], attributes: [.noSetID, .noDevices])
      try bindEntries(of: "/", into: root.number, skeleton: plan.skeleton)
      return root
    case .writableTemporary:
      _ = try attachImage(readOnly: true)
      let upper = try sessionDirectory()
      let work = try sessionDirectory()
      return try writableOverlay(plan, upper: upper.number, work: work.number)
    case .writableOverlay(let directory):
      _ = try attachImage(readOnly: true)
      let place = try File.open(directory, O_PATH | O_DIRECTORY)
      return try writableOverlay(plan, below: place.number)
    case .writableImage(let file):
      _ = try attachImage(readOnly: true)
      return try writableOverlay(plan, below: try mount(of: file).mount)
    }
  }

  /// With `upper` and `work` in a directory, as Apptainer has them too.
  private mutating func writableOverlay(
    _ plan: RootPlan, below place: Int32
  ) throws(SystemCallFault) -> Descriptor {
    try makeUpper(in: place)
    let upper = try File.open("upper", O_PATH | O_DIRECTORY | O_NOFOLLOW, from: place)
    let work = try File.open("work", O_PATH | O_DIRECTORY | O_NOFOLLOW, from: place)
    return try writableOverlay(plan, upper: upper.number, work: work.number)
  }

  func makeUpper(
    in place: Int32, names: [String] = ["upper", "work"]
  ) throws(SystemCallFault) {
    for name in names {
      do throws(SystemCallFault) {
        try retrying("mkdir", name) { unsafe mkdirat(place, name, 0o755) }
      } catch { if error.number != EEXIST { throw error } }
    }
  }

  /// Opens the read-only layers; of a directory or an ext file system with `upper` in it, that one (`--overlay DIR:ro`).
  func openLayers(_ layers: [RootLayer]) throws(SystemCallFault) -> [Int32] {
    var opened: [Int32] = []
    for layer in layers {
      let top: Descriptor
      var mayHaveUpper = true
      switch layer {
      case .directory(let path): top = try File.open(path, O_PATH | O_DIRECTORY)
      case .image(let file):
        top = try File.open(".", O_PATH | O_DIRECTORY, from: try mount(of: file).mount)
        mayHaveUpper = file.fileSystem == .ext
      }
      if mayHaveUpper,
        let upper = try? File.open("upper", O_PATH | O_DIRECTORY | O_NOFOLLOW, from: top.number)
      {
        opened.append(upper.release())
      } else {
        opened.append(top.release())
      }
    }
    return opened
  }

  private mutating func writableOverlay(
    _ plan: RootPlan, upper: Int32, work: Int32
  ) throws(SystemCallFault) -> Descriptor {
    let layers = try openLayers(plan.layers)
    defer { for layer in layers { close(layer) } }
    let lower = layers.reversed().map { Mount.path(of: $0) } + [Mount.path(of: image.number)]
    // In the upper layer and not through the overlay: a directory of the image that belongs to somebody else could
    // not be written to.
    try makeSkeleton(plan.skeleton, in: upper)
    // In images as Apptainer has them where root writes.
    let isImage = if case .writableImage = plan.form { true } else { false }
    return try mountOverlay(lower: lower, upper: (upper, work), usesTrusted: isImage && isPrivileged)
  }

  /// Gives the image its place over `/` and returns its top there. A directory of a sandbox is shown by a bind.
  mutating func attachImage(readOnly: Bool) throws(SystemCallFault) -> Descriptor {
    let place = try File.open("/", O_PATH | O_DIRECTORY)
    do throws(SystemCallFault) {
      try Mount.attach(image.number, at: place.number, subject: "/")
      layers += 1
      return try image.duplicate()
    } catch {
      // EINVAL: not a detached mount but a directory. ENOSYS: no move_mount.
      guard error.number == EINVAL || error.number == ENOSYS else { throw error }
      try Mount.bind(
        image.number, at: place.number,
        attributes: readOnly ? [.readOnly, .noSetID, .noDevices] : [.noSetID, .noDevices],
        recursively: !imageIsOverRoot, subject: "/"
      ) { below throws(SystemCallFault) in try File.open("/.." + below, O_PATH) }
      layers += 1
      return try Mount.topmostRoot()
    }
  }

  /// An overlay laid over `/`. Its own marks in the upper layer are user.* attributes, which everybody can write, where
  /// the file system has them; tmpfs has since Linux 6.6. Before, real root writes trusted.* ones, and others do
  /// without: then the kernel refuses to remove directories of the image, with EIO.
  private mutating func mountOverlay(
    lower: [String], upper: (directory: Int32, work: Int32)?, usesTrusted: Bool = false
  ) throws(SystemCallFault) -> Descriptor {
    var options: [(String, String?)] = [("lowerdir", lower.connected(by: ":"))]
    guard let upper else {
      return try layOver("overlay", options: options, attributes: [.readOnly, .noSetID, .noDevices])
    }
    options.append(("upperdir", Mount.path(of: upper.directory)))
    options.append(("workdir", Mount.path(of: upper.work)))
    let made = try mountWritable(options, upper: upper.directory, usesTrusted: usesTrusted)
    // Where the place for changes lacks something the kernel makes it one that is only read, and succeeds.
    guard !Volume.isReadOnly(made) else { throw SystemCallFault("mount", "overlay", EROFS) }
    return made
  }

  private mutating func mountWritable(
    _ options: [(String, String?)], upper: Int32, usesTrusted: Bool
  ) throws(SystemCallFault) -> Descriptor {
    let canMark = !usesTrusted && RawAttribute.canBeSet(on: upper)
    if !canMark, isPrivileged {
      return try layOver("overlay", options: options, attributes: [.noSetID, .noDevices])
    }
    if !canMark {
      notices.append(
        Notice(
          .warning,
          "directories of the image cannot be removed or replaced: this kernel's tmpfs has no user attributes"
            + " (Linux 6.6 has); --overlay DIRECTORY on a disk can"))
    }
    do throws(SystemCallFault) {
      return try layOver(
        "overlay", options: options + [("userxattr", nil)], attributes: [.noSetID, .noDevices])
    } catch {
      // Linux before 5.11 does not know the option.
      guard error.number == EINVAL else { throw error }
      return try layOver("overlay", options: options, attributes: [.noSetID, .noDevices])
    }
  }
}
