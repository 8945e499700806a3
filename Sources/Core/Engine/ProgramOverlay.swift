internal import Glibc
internal import ImageMount
internal import Linux
internal import Model

/// An overlay that fuse-overlayfs makes, where the kernel cannot: it takes no file system of a program as the place for
/// changes that lacks whiteouts by rename, as fuse2fs does (Linux, fs/overlayfs/super.c, "upper fs missing required
/// features"); and what fuse-overlayfs has left in one, it alone understands.
struct ProgramOverlay {
  /// Directories that the program finds, the topmost first; with changes, the one that holds them before all.
  let shown: [Int32]
  /// Whether a partition of a SIF is among them, for messages.
  let hasPartition: Bool
  /// Words of its `-o`.
  let options: String

  /// Starts it. Returns its mount, without a place. The descriptors are closed.
  func start(_ searchPath: String?) throws(MountFault) -> Int32 {
    defer { for number in shown { close(number) } }
    let path = try FUSEProgram.find(
      "fuse-overlayfs", package: "fuse-overlayfs", for: "the overlay", isPartition: hasPartition, searchPath)
    let program = FUSEProgram(
      path: path, subject: "the overlay", isPartition: hasPartition, shown: shown
    ) { place in
      ["-f", "-o", options, place]
    }
    let started = try program.start()
    close(started.ending)
    return started.mount
  }
}

extension RootBuilder {
  /// Gives the image its place, and makes what the program needs.
  mutating func prepareProgram(_ plan: RootPlan) throws(SystemCallFault) -> ProgramOverlay {
    let session = try startSession()
    let image = try attachImage(readOnly: true)
    var shown = Array(try openLayers(plan.layers).reversed())
    shown.append(image.release())
    let changes: Descriptor
    var names = (upper: "upper", work: "work")
    switch plan.form {
    case .writableImage(let file):
      changes = try File.open(".", O_PATH | O_DIRECTORY, from: try mount(of: file).mount)
    case .writableOverlay(let directory): changes = try File.open(directory, O_PATH | O_DIRECTORY)
    default:
      // What is only read has a place for changes too, for mount points, beneath a mount that is read-only.
      changes = try File.open(".", O_PATH | O_DIRECTORY, from: session)
      names = ("changes", "changes-work")
    }
    try makeUpper(in: changes.number, names: [names.upper, names.work])
    let upper = try File.open(names.upper, O_PATH | O_DIRECTORY | O_NOFOLLOW, from: changes.number)
    try checkWork(names.work, in: changes.number)
    try makeSkeleton(plan.skeleton, in: upper.number)
    shown.insert(changes.release(), at: 0)
    let place = FUSEProgram.place(of: 0)
    return ProgramOverlay(
      shown: shown, hasPartition: plan.hasPartition,
      options: "lowerdir=" + Self.places(shown.indices.dropFirst())
        + ",upperdir=\(place)/\(names.upper),workdir=\(place)/\(names.work)")
  }

  /// The program gets the place as a path, makes `work` in it and empties that: where one of the two is a link, as an image
  /// of somebody else can have it, it would empty a directory of the host. Links further below it removes as such.
  private func checkWork(_ name: String, in changes: Int32) throws(SystemCallFault) {
    let work = try File.open(name, O_PATH | O_DIRECTORY | O_NOFOLLOW, from: changes)
    let kind: FileFacts.Kind
    do throws(SystemCallFault) {
      kind = try File.facts("work", from: work.number, following: false).kind
    } catch {
      if error.number == ENOENT { return }
      throw error
    }
    guard kind == .directory else { throw SystemCallFault("open", name + "/work", ENOTDIR) }
  }

  private static func places(_ indices: Range<Int>) -> String {
    indices.map { FUSEProgram.place(of: $0) }.connected(by: ":")
  }
}

extension RootPlan {
  /// Whether one of its ext file systems is a partition of a SIF.
  fileprivate var hasPartition: Bool {
    if case .writableImage(let file) = form, file.isPartition { return true }
    return layers.contains { layer in
      if case .image(let file) = layer { file.fileSystem == .ext && file.isPartition } else { false }
    }
  }
}
