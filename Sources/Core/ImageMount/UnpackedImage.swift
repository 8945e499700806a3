internal import Glibc
internal import Linux
internal import Model

/// The last resort: the image as a directory of the user's, where it can be mounted neither by FUSE nor by the kernel.
///
/// Launches of one image share the directory, each with a shared lock on the file beside it. A keeper, a small process
/// that waits for the launch's program to end, removes the directory with the last of them; what a killed keeper left is
/// removed by the next launch that comes this way.
struct UnpackedImage {
  private let image: ImageFile
  private let options: MountOptions
  private let uid: UInt32
  private let pair: OpenPair?
  /// Why the image cannot be mounted.
  private let reason: String
  /// Holds a folder for each image, with the lock and the root in it.
  private let top: String
  private let name: String

  private static let lockName = "lock"
  private static let rootName = "root"

  static func make(
    _ image: ImageFile, _ options: MountOptions, uid: UInt32, pair: OpenPair? = nil, because reason: String
  ) throws(MountFault) -> MountedImage {
    let unpacked = UnpackedImage(
      image: image, options: options, uid: uid, pair: pair, reason: reason,
      top: options.temporaryFolder + "/apus-\(uid)-images", name: Hash.hexadecimal(of: image.identity))
    while true {
      if let mounted = try unpacked.attempt() { return mounted }
    }
  }

  /// nil: the keeper of another launch came between, try again.
  private func attempt() throws(MountFault) -> MountedImage? {
    let folder: Descriptor
    do throws(RuntimeDirectoryFault) { folder = try RuntimeDirectory.make(top, below: name, uid: uid) } catch
    {
      throw .runtimeDirectory(error)
    }
    var notices: [Notice] = []
    let failure: String
    do throws(SystemCallFault) {
      let lock = try File.open(Self.lockName, O_RDWR | O_CREAT | O_NOFOLLOW, mode: 0o600, from: folder.number)
      try FileLock.acquire(lock, shared: true)
      if !Self.isComplete(folder) { try FileLock.acquire(lock) }
      guard Self.isInPlace(lock, in: folder) else { return nil }
      if !Self.isComplete(folder) {
        removeAbandoned()
        failure = try unpack()
        let hint = options.isUnpacked ? "" : "; `apus doctor` says more"
        let text = "unpacked \(printable(image.path)) below \(printable(top)): \(reason)\(hint)"
        notices.append(Notice(options.isUnpacked ? .verbose : .info, text))
      } else {
        failure = ""
      }
      if failure.isEmpty {
        try FileLock.acquire(lock, shared: true)
        guard Self.isInPlace(lock, in: folder), Self.isComplete(folder) else { return nil }
        let root = try File.facts(Self.rootName, from: folder.number, following: false)
        try startKeeper(lock.number)
        return MountedImage(
          .directory(
            path: "\(top)/\(name)/\(Self.rootName)", device: root.device, inode: root.inode, pair: pair),
          .unpacked, notices: notices)
      }
      Self.remove(name, in: top)
    } catch { throw .notUnpacked(folder: top, whyNotMounted: reason, why: error.explanation.why) }
    throw .notUnpacked(folder: top, whyNotMounted: reason, why: failure)
  }

  private static func isComplete(_ folder: borrowing Descriptor) -> Bool {
    // It gets its name when it is complete.
    (try? File.facts(rootName, from: folder.number, following: false)) != nil
  }

  /// Whether the lock is still the one that others find.
  private static func isInPlace(_ lock: borrowing Descriptor, in folder: borrowing Descriptor) -> Bool {
    guard let here = try? File.facts(lock),
      let there = try? File.facts(lockName, from: folder.number, following: false)
    else { return false }
    return here.inode == there.inode && here.device == there.device
  }

  /// Runs the program for image work. Returns what it said when it failed, else nothing.
  private func unpack() throws(SystemCallFault) -> String {
    let ends = try File.pipe()
    let near = Descriptor(owning: ends.read)
    let far = Descriptor(owning: ends.write)
    let child = try Process.spawn(
      options.imageProgram, ["--quiet", "build", "--sandbox", "\(top)/\(name)/\(Self.rootName)", image.path],
      environment: ["PATH=/usr/bin:/bin"], descriptors: (-1, -1, far.number))
    _ = consume far
    // Warnings about what the user may not make (device nodes) are no news here.
    let said = (try? File.readAll(near, limit: 1 << 20)) ?? []
    guard try Process.wait(child) != 0 else { return "" }
    let fatal = String(decoding: said, as: UTF8.self).lines.first { $0.starts(withBytesOf: "FATAL:") }
    return fatal.map { printable(String($0.utf8.dropFirst(9)) ?? "") } ?? "\(options.imageProgram) failed"
  }

  /// Removes images whose launches are all over, though nobody removed them.
  private func removeAbandoned() {
    guard let directory = try? File.open(top, O_RDONLY | O_DIRECTORY | O_NOFOLLOW),
      let names = try? File.names(in: directory)
    else { return }
    for other in names where other != name {
      guard
        let lock = try? File.open("\(other)/\(Self.lockName)", O_RDWR | O_NOFOLLOW, from: directory.number),
        (try? FileLock.tryAcquire(lock)) == true
      else { continue }
      Self.remove(other, in: top)
    }
  }

  /// Removes a folder whose lock the caller holds alone.
  private static func remove(_ name: String, in top: String) {
    guard let directory = try? File.open(top, O_RDONLY | O_DIRECTORY | O_NOFOLLOW) else { return }
    DirectoryRemoval.remove(Array(name.utf8), in: directory.number)
  }

  /// No child of the launch is left: the keeper is an orphan.
  private func startKeeper(_ lock: Int32) throws(SystemCallFault) {
    let number = getpid()
    let program = (try? Process.pidfd(number).release()) ?? -1
    let middle = try Process.fork()
    if middle == 0 {
      if (try? Process.fork()) == 0 { keep(lock, program, number) }
      _exit(0)
    }
    if program >= 0 { close(program) }
    _ = try Process.wait(middle)
  }

  private func keep(_ lock: Int32, _ program: Int32, _ number: Int32) -> Never {
    _ = setsid()
    _ = unsafe chdir("/")
    Process.resetInheritedState()
    Process.setTitle("apus: " + image.path)
    Process.closeAll(except: [lock, program].filter { $0 >= 0 })
    if program >= 0 {
      while !ImageMount.readable(program, within: 1e6) { continue }
    } else {
      // Linux before 5.3 can only be asked again and again. EPERM: it is somebody's by now.
      while kill(number, 0) == 0 { sleep(1) }
    }
    let held = Descriptor(owning: lock)
    if (try? FileLock.tryAcquire(held)) == true { Self.remove(name, in: top) }
    _exit(0)
  }
}
