internal import CLinux
internal import Glibc
internal import Linux
internal import Model
internal import Squashfs

/// Getting at an image: one shared server per image and group of launches, the kernel's squashfs for real root, a
/// directory as it is.
///
/// A launch asks a running server for its namespaces and a clone of its mount; without one it starts it. The protocol,
/// and why each step stands where it does, is in docs/contributing/image-mount.md.
public enum ImageMount {
  /// Makes the image available to the calling process, which has one thread. `environment` looks up a variable.
  public static func acquire(
    _ image: ImageFile, _ options: MountOptions, environment: (String) -> String?
  ) throws(MountFault) -> MountedImage {
    guard case .squashfs(let offset, let size) = image.kind else {
      return MountedImage(
        .directory(path: image.path, device: image.facts.device, inode: image.facts.inode))
    }
    if options.isPrivileged {
      return try KernelMount.make(image, offset: offset, size: size)
    }
    let uid = geteuid()
    let gid = getegid()
    let runtime = RuntimeDirectory.path(uid: uid, xdg: environment("XDG_RUNTIME_DIR"))
    if options.isPrivate { return try startServer(image, options, uid: uid, gid: gid, runtime, shared: nil) }
    let key = GroupKey(uid: uid, gid: gid, environment: environment)
    let folder = runtime + "/" + key.name
    let socketName = Hash.hexadecimal(of: image.identity)
    let socketPath = folder + "/" + socketName
    switch ask(socketPath, uid: uid, options) {
    case .answer(let reply): return try mounted(reply)
    case .hung: return try stepAround(image, options, uid: uid, gid: gid, runtime)
    case .nobody: break
    }
    let directory = try makeFolder(runtime, key.name, uid: uid)
    let lock = try takeLock(in: directory.number, folder)
    // Somebody may have started it while we waited for the lock.
    switch ask(socketPath, uid: uid, options) {
    case .answer(let reply): return try mounted(reply)
    case .hung: return try stepAround(image, options, uid: uid, gid: gid, runtime)
    case .nobody: break
    }
    return try startServer(
      image, options, uid: uid, gid: gid, runtime,
      shared: SharedPlace(directory: directory.number, folder: folder, socketName: socketName, lock: lock.number))
  }

  private static func makeFolder(_ runtime: String, _ name: String, uid: UInt32) throws(MountFault) -> Descriptor {
    do throws(RuntimeDirectoryFault) {
      return try RuntimeDirectory.make(runtime, below: name, uid: uid)
    } catch { throw .runtimeDirectory(error) }
  }

  /// Waits for the group's lock. The file is never removed, so that all wait for the same one.
  private static func takeLock(in directory: Int32, _ folder: String) throws(MountFault) -> Descriptor {
    do throws(SystemCallFault) {
      let lock = try File.open("lock", O_RDWR | O_CREAT | O_NOFOLLOW, mode: 0o600, from: directory)
      try FileLock.acquire(lock)
      return lock
    } catch { throw .setup(activity: "lock \(folder)", error) }
  }

  /// A server that does not answer is neither killed nor replaced: this launch gets one of its own.
  private static func stepAround(
    _ image: ImageFile, _ options: MountOptions, uid: UInt32, gid: UInt32, _ runtime: String
  ) throws(MountFault) -> MountedImage {
    let own = try startServer(image, options, uid: uid, gid: gid, runtime, shared: nil)
    let text = "the shared image mount did not answer within \(Int(options.patienceSeconds)) s, this launch has one of its own"
    return MountedImage(own.access, notices: own.notices + [Notice(.warning, text)])
  }

  enum Outcome {
    case answer(Handover.Reply)
    /// No server: start one.
    case nobody
    /// Connected, but without an answer in time.
    case hung
  }

  /// Asks the server behind a socket for its mount.
  private static func ask(_ path: String, uid: UInt32, _ options: MountOptions) -> Outcome {
    do throws(SystemCallFault) {
      let socket = try Socket.make()
      try Socket.connect(socket, path)
      guard try Socket.peer(socket.number).uid == uid else { return .nobody }
      try Socket.send([Handover.join], to: socket.number)
      guard readable(socket.number, within: options.patienceSeconds) else { return .hung }
      let (bytes, descriptors) = try Socket.receive(from: socket.number)
      guard let reply = Handover.parse(bytes, descriptors) else { return .nobody }
      return .answer(reply)
    } catch { return .nobody }
  }

  static func readable(_ descriptor: Int32, within seconds: Double) -> Bool {
    var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    let timeout = Int32(min(seconds * 1000, 1e9))
    while true {
      let count = unsafe poll(&waiting, 1, timeout)
      if count >= 0 { return count > 0 }
      if errno != EINTR { return false }
    }
  }

  private static func mounted(_ reply: Handover.Reply) throws(MountFault) -> MountedImage {
    switch reply {
    case .mount(let outer, let inner, let mount): MountedImage(.mount(outer: outer, inner: inner, mount: mount))
    case .place(let outer, let inner, let namespace, let path):
      MountedImage(.place(outer: outer, inner: inner, mountNamespace: namespace, path: path))
    case .refused(let explanation): throw .refused(explanation)
    case .state: throw .serverDied
    }
  }

  /// Starts a server for the image and waits for its first answer. No child is left behind: the process in between makes
  /// the inner namespace and is reaped here, the server is an orphan.
  private static func startServer(
    _ image: ImageFile, _ options: MountOptions, uid: UInt32, gid: UInt32, _ runtime: String, shared: SharedPlace?
  ) throws(MountFault) -> MountedImage {
    let near: Int32
    let far: Int32
    let middle: Int32
    do throws(SystemCallFault) {
      (near, far) = try Socket.pair()
      middle = try Process.fork()
    } catch { throw .setup(activity: "start the server of the image", error) }
    if middle == 0 {
      close(near)
      ServerStart(
        image: image, options: options, uid: uid, gid: gid, runtime: runtime, shared: shared, client: far
      ).run()
    }
    close(far)
    defer { close(near) }
    guard let (bytes, descriptors) = try? Socket.receive(from: near),
      let reply = Handover.parse(bytes, descriptors)
    else {
      _ = try? Process.wait(middle)
      throw .serverDied
    }
    _ = try? Process.wait(middle)
    return try mounted(reply)
  }
}

/// Where a shared server is found.
struct SharedPlace {
  /// Open directory of the group.
  let directory: Int32
  let folder: String
  let socketName: String
  /// The group's lock, held by the launch that starts the server.
  let lock: Int32
}
