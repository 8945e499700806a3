internal import CLinux
internal import Ext
internal import Glibc
internal import Linux
public import Model
internal import Squashfs

/// A file system of a file within reach of a launch. Descriptors stay open until the program is executed.
public struct MountedFile: Sendable {
  public let image: FileImage
  /// A mount without a place, or the top of one that was laid over `/`.
  public let mount: Int32
  public let isOfKernel: Bool
  /// Says how the program that writes to the file has ended, with which all is in the file; nil: there is none.
  public let ending: Int32?
}

/// Mounts of file systems in files, beside the image of a launch (docs/contributing/image-mount.md, "Other images").
///
/// Real root has the kernel's. Others, and root without loop devices, have a server of this launch for a squashfs, and
/// fuse2fs for an ext file system. All of them end by themselves with the last mount that the launch has of them.
public struct FileMounts {
  /// Real root, without a user namespace: the kernel mounts.
  private let isPrivileged: Bool
  /// Where programs are looked for, beside the usual directories.
  private let searchPath: String?
  public private(set) var mounted: [MountedFile] = []
  public private(set) var notices: [Notice] = []
  /// Mounts that had to be laid over `/`, because the kernel has no others.
  public private(set) var layers = 0

  public init(isPrivileged: Bool, searchPath: String?) {
    self.isPrivileged = isPrivileged
    self.searchPath = searchPath
  }

  /// Mounts all of them, in a mount namespace of the launch. The caller has one thread, and no process is left its child.
  public mutating func make(_ images: [FileImage]) throws(MountFault) {
    // What is laid over the root is seen by programs that are started after it: they come first.
    for image in images where image.fileSystem == .ext { try mountExt(image) }
    for image in images where image.fileSystem == .squashfs { try mountSquashfs(image) }
  }

  /// Closes the mounts, in a process that only waits for the one that uses them.
  public func letGo() { for file in mounted { close(file.mount) } }

  /// Waits until all that was written to files is in them. The caller, who has stayed in the mount namespace of the launch,
  /// leaves it: the programs end with its mounts. Processes that the container has left behind are not waited for long.
  /// Returns what the user should know of changes that are not in their file.
  public func awaitWritten() -> [Notice] {
    guard mounted.contains(where: { $0.ending != nil }) else { return [] }
    try? EmptyRoot.enter()
    return mounted.compactMap { file in
      guard let ending = file.ending else { return nil }
      return Self.loss(of: file.image.path, ending)
    }
  }

  /// nil: the program has written down all.
  static func loss(of path: String, _ ending: Int32, seconds: Double = 5) -> Notice? {
    guard ImageMount.readable(ending, within: seconds) else {
      return Notice(
        .warning,
        "changes are still being written to \(printable(path)): a process that the container has left behind may be"
          + " using it")
    }
    let said = (try? Socket.receive(limit: 1, from: ending))?.bytes.first
    guard said != 0 else { return nil }
    return Notice(
      .warning,
      "changes to \(printable(path)) may be lost: fuse2fs "
        + (said.map { "ended with the code \($0)" } ?? "or its keeper was killed"))
  }

  private mutating func add(_ image: FileImage, _ mount: Int32, kernel: Bool, ending: Int32? = nil) {
    mounted.append(MountedFile(image: image, mount: mount, isOfKernel: kernel, ending: ending))
  }

  private mutating func mountExt(_ found: FileImage) throws(MountFault) {
    if let notice = try FileImageLock.take(found) { notices.append(notice) }
    let image = try Self.readAgain(found)
    if image.needsRecovery, !image.isWritable {
      throw .notClosed(path: image.path, isPartition: image.isPartition)
    }
    // Of what is only read nothing gets worse.
    if !image.isClean, image.isWritable {
      let advice =
        image.isPartition ? MountFault.check(image.path) : "e2fsck -f checks and repairs it"
      notices.append(
        Notice(
          .warning,
          "\(printable(image.path)) was not closed by its last writer, or has faults: \(advice)"))
    }
    if isPrivileged, let mount = try mountByKernel(image) { return add(image, mount, kernel: true) }
    let program = try FUSEProgram.find(
      "fuse2fs", package: "fuse2fs", for: image.path, isPartition: image.isPartition, searchPath)
    var options = image.isWritable ? "rw" : "ro"
    if image.offset > 0 { options += ",offset=\(image.offset)" }
    // Programs of root may become others; those of a user are never anybody else, and the kernel knows it.
    if isPrivileged { options += ",allow_other" }
    let owner: FUSEProgram.Owner? =
      isPrivileged || image.uid == 0 ? nil : .init(uid: image.uid, gid: image.gid)
    let started = try FUSEProgram(
      path: program, subject: image.path, isPartition: image.isPartition, inherited: [image.descriptor],
      owner: owner, shown: []
    ) { place in ["-f", "-o", options, Mount.path(of: image.descriptor), place] }.start()
    add(image, started.mount, kernel: false, ending: image.isWritable ? started.ending : nil)
  }

  /// What it is now that the lock is held: before, its last writer may have been at work.
  private static func readAgain(_ found: FileImage) throws(MountFault) -> FileImage {
    var image = found
    do throws(ExtFault) {
      let ext = try ExtImage.read(descriptor: found.descriptor, offset: found.offset, length: found.size)
      image.needsRecovery = ext.needsRecovery
      image.isClean = ext.isClean
      image.uid = ext.uid
      image.gid = ext.gid
    } catch {
      let said = error.explanation
      throw .refused(
        Explanation(what: "cannot mount \(printable(found.path))", why: said.why, remedy: said.remedy))
    }
    return image
  }

  private mutating func mountSquashfs(_ image: FileImage) throws(MountFault) {
    let squashfs: SquashfsImage
    do throws(SquashfsFault) {
      squashfs = try SquashfsImage(descriptor: image.descriptor, offset: image.offset, length: image.size)
    } catch { throw .image(.squashfs(path: image.path, error)) }
    if isPrivileged, let mount = try mountByKernel(image) { return add(image, mount, kernel: true) }
    if let why = FUSEMount.obstacle {
      throw .setup(
        activity: "mount \(printable(image.path)): \(why)", SystemCallFault("open", "/dev/fuse", ENODEV))
    }
    do throws(SystemCallFault) {
      let device = try File.open("/dev/fuse", O_RDWR)
      let mount = try layOver("fuse", options: FUSEMount.options(device.number))
      try FileServer.start(image, squashfs, device: device.number)
      add(image, mount, kernel: false)
    } catch { throw .setup(activity: "mount \(printable(image.path))", error) }
  }

  /// nil where the kernel cannot.
  private mutating func mountByKernel(_ image: FileImage) throws(MountFault) -> Int32? {
    var number: Int32 = -1
    let loop = unsafe apus_loop_attach(
      image.descriptor, UInt64(image.offset), UInt64(image.size) / 512 * 512, image.isWritable ? 1 : 0,
      &number)
    guard loop >= 0 else {
      let cause = SystemCallFault("LOOP_CONFIGURE", "", -loop)
      if KernelMount.isMissing(cause) { return nil }
      throw .setup(activity: "attach \(printable(image.path)) to a loop device", cause)
    }
    // The loop device keeps the file, and the lock on it, for as long as it is mounted, and goes with the mount.
    defer { close(loop) }
    var options: [(String, String?)] = image.isWritable ? [] : [("ro", nil)]
    // What is done on a fault an image says itself otherwise, and it may say that the node shall panic (ext4(5)).
    if image.fileSystem == .ext { options.append(("errors", "remount-ro")) }
    do throws(SystemCallFault) {
      return try layOver(
        image.fileSystem == .ext ? "ext4" : "squashfs", source: "/dev/loop\(number)", options: options,
        readOnly: !image.isWritable)
    } catch {
      if KernelMount.isMissing(error) { return nil }
      throw .setup(
        activity: "mount \(printable(image.path)) with the kernel's \(image.fileSystem.rawValue)", error)
    }
  }

  /// A mount without a place, or where the kernel knows none, one over `/`.
  private mutating func layOver(
    _ type: String, source: String = "apus", options: [(String, String?)], readOnly: Bool = true
  ) throws(SystemCallFault) -> Int32 {
    var attributes: Mount.Attributes = [.noSetID, .noDevices]
    if readOnly { attributes.insert(.readOnly) }
    do throws(SystemCallFault) {
      return try Mount.create(type, options: [("source", source)] + options, attributes: attributes).release()
    } catch { guard error.number == ENOSYS else { throw error } }
    let place = try File.open("/", O_PATH | O_DIRECTORY)
    let made = try Mount.make(
      type, source: source, options: options.filter { $0.0 != "ro" && $0.0 != "source" },
      attributes: attributes,
      at: place.number, subject: "/"
    ) { () throws(SystemCallFault) in try Mount.topmostRoot() }
    layers += 1
    return made.release()
  }
}
