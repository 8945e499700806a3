internal import CLinux
internal import Glibc
internal import ImageServer
internal import Linux
internal import Model
internal import Squashfs

/// The processes between a launch and its server: the middle one makes both namespaces and goes, the server mounts the
/// image in the outer one.
struct ServerStart {
  let image: ImageFile
  let options: MountOptions
  let uid: UInt32
  let gid: UInt32
  /// The user's runtime directory, which may not be there yet.
  let runtime: String
  let shared: HeldPlace?
  /// Towards the launch that waits for the first answer.
  let client: Int32
  /// Namespaces that the launch has made; nil: they are made here.
  let pair: OpenPair?

  /// The life of the middle process.
  func run() -> Never {
    if pair != nil {
      do throws(SystemCallFault) { if try Process.fork() == 0 { serve(innerFrom: -1) } } catch {
        fail(Explanation(what: "cannot start the server of the image", why: error.explanation.why))
      }
      _exit(0)
    }
    do throws(SystemCallFault) {
      let process = try File.open("/proc/self", O_PATH | O_DIRECTORY)
      do throws(SystemCallFault) {
        // The mount namespace is the server's alone: while it changes its root no process that shares it could make
        // a user namespace (EPERM, as in a chroot).
        try NamespacePair.makeOuter(uid: uid, gid: gid, .user)
      } catch { fail(MountFault.namespacesRefused(error)) }
      let (near, far) = try Socket.pair()
      let server = try Process.fork()
      if server == 0 {
        close(near)
        serve(innerFrom: far)
      }
      close(far)
      try NamespacePair.makeInner(uid: uid, gid: gid, process: process.number)
      let inner = try Namespace.current("user")
      try Socket.send([1], descriptors: [inner.number], to: near)
    } catch { fail(Explanation(what: "cannot make the namespaces of the image", why: error.explanation.why)) }
    _exit(0)
  }

  private func fail(_ explanation: Explanation) -> Never {
    try? Socket.send(Handover.bytes(of: explanation), to: client)
    _exit(1)
  }

  /// The server's start, up to its first answer.
  private func serve(innerFrom middle: Int32) -> Never {
    guard case .squashfs(let offset, let size) = image.kind else { _exit(1) }
    let squashfs: SquashfsImage
    do throws(SquashfsFault) {
      squashfs = try SquashfsImage(descriptor: image.descriptor, offset: offset, length: size)
    } catch { fail(ImageFault.squashfs(path: image.path, error).explanation) }
    do throws(SystemCallFault) {
      if let pair { try Namespace.enter(pair.outer, .user) }
      // Opened while there is a /proc: the mount's set-up ends in a root without one.
      let outer = try Namespace.current("user")
      let memory = try File.open("/proc/self/statm")
      // Bound while its path can be reached, listening once there is a mount to hand over: until then clients are
      // refused and wait for the lock.
      let listener = try shared.map { held throws(SystemCallFault) in try bind(held) }
      // Blocks are a convenience: they take a thirty-second of what the job may use at most.
      let cacheBytes = min(options.blockCacheBytes, Memory.limit / 32)
      let origin = try Namespace.current("mnt")
      try Namespace.unshare(.mount)
      let mount = try FUSEMount.make(in: shared?.place.folder ?? runtime, origin: origin)
      let inner = if let pair { pair.inner } else { try received(from: middle) }
      if let listener { try Socket.listen(listener) }
      let server = Server(
        image: image, options: options, shared: shared, listener: listener ?? -1, mount: mount.access,
        outer: outer.release(), inner: inner, memory: memory.release())
      // Threads inherit signals and affinity. They run before the launch learns of the mount: the kernel's greeting
      // is answered while the answer travels, and nothing the launch looks up waits for this process to settle.
      Process.resetInheritedState()
      let reader = try ImageServer(
        image: squashfs, device: Descriptor(owning: mount.device),
        options: ServerOptions(
          blockCacheBytes: cacheBytes, threads: min(max(Processors.allowed, 2), 8),
          users: options.ids?.userCount ?? 1, groups: options.ids?.groupCount ?? 1))
      try reader.start()
      try server.handOver(to: client)
      let watch = ProgramWatch(peerOf: client)
      close(client)
      if let lock = shared?.lock { close(lock) }
      becomeServer(
        keeping: server.descriptors + [mount.device, image.descriptor, reader.endedDescriptor]
          + [watch?.descriptor].compactMap { $0 })
      server.run(reader, firstClient: watch)
    } catch {
      if let shared { _ = unsafe unlinkat(shared.directory, shared.place.socketName, 0) }
      fail(
        Explanation(
          what: "cannot mount the image \(printable(image.path))", why: error.explanation.why,
          remedy: error.subject == "/dev/fuse"
            ? "ask the administrator to make /dev/fuse readable and writable for everybody (mode 0666)"
            : error.explanation.remedy))
    }
  }

  /// The inner namespace, of the middle process.
  private func received(from middle: Int32) throws(SystemCallFault) -> Int32 {
    let answer = try Socket.receive(limit: 1, from: middle)
    guard let inner = answer.descriptors.first else { _exit(1) }
    close(middle)
    return inner
  }

  /// A socket bound at its place, in the way every client finds it.
  private func bind(_ held: HeldPlace) throws(SystemCallFault) -> Int32 {
    let socket = try Socket.make()
    _ = unsafe unlinkat(held.directory, held.place.socketName, 0)
    // The folder is the user's alone; so is the socket, wherever it may be seen.
    let mask = umask(0o177)
    defer { umask(mask) }
    try Socket.bind(socket, held.place.socketPath)
    return socket.release()
  }

  /// Leaves everything that came with the launch: terminal, session, working directory, environment, limits.
  private func becomeServer(keeping descriptors: [Int32]) {
    _ = setsid()
    Process.setTitle("apus: " + image.path)
    Process.setName("apus-server")
    Process.closeAll(except: descriptors.filter { $0 >= 0 })
    var none = rlimit(rlim_cur: 0, rlim_max: 0)
    _ = unsafe setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &none)
    var files = rlimit()
    if unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &files) == 0 {
      files.rlim_cur = files.rlim_max
      _ = unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &files)
    }
    _ = umask(0o077)
    try? Process.forbidTracing()
  }
}
