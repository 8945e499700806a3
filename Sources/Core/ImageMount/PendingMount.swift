internal import Glibc
internal import Linux
internal import Model

/// An image on its way to a launch: a server was asked, or is being started.
public struct PendingMount: ~Copyable {
  private enum State {
    /// Nothing to wait for: a directory, or the kernel's own squashfs.
    case atHand
    /// A connection to a running server, which was asked to hand over.
    case asked(Int32)
    /// The near end of the connection to a server that starts, and the process between.
    case starting(near: Int32, middle: Int32, isShared: Bool)
    /// Neither is possible here, for this reason.
    case unmountable(String)
  }

  private let image: ImageFile
  private let options: MountOptions
  private let uid: UInt32
  private let gid: UInt32
  private let runtime: String
  /// nil: a server of this launch alone.
  private let place: SharedPlace?
  private var state = State.atHand
  /// Namespaces with many users, where this launch has made them.
  private var pair: OpenPair?

  init(
    image: ImageFile, options: MountOptions, uid: UInt32, gid: UInt32, runtime: String, place: SharedPlace?
  ) {
    self.image = image
    self.options = options
    self.uid = uid
    self.gid = gid
    self.runtime = runtime
    self.place = place
  }

  /// Where the entry of a user whom the host's files do not name is kept (`User.current`).
  public var userCache: String { runtime + "/user" }

  /// Makes the namespaces of `--fakeroot` with ranges, unless they are there.
  mutating func makePair() throws(MountFault) {
    guard let ids = options.ids, pair == nil, !options.isPrivileged else { return }
    pair = try NamespacePair.make(ids, options.mappers)
  }

  /// The image will be unpacked, as the user wants it.
  mutating func mountNothing() { state = .unmountable("--unsquash") }

  /// Asks the group's server, or starts it.
  mutating func seek(_ place: SharedPlace) throws(MountFault) {
    // A server that leaves takes the folder with it when nothing else is in it: then the way begins anew. More often in
    // turn than there are servers to leave means that something else is wrong.
    var missing: RuntimeDirectoryFault?
    for _ in 0..<1000 {
      if ask(place.socketPath) { return }
      let directory: Descriptor
      do throws(RuntimeDirectoryFault) {
        directory = try RuntimeDirectory.make(place.runtime, below: place.group, uid: uid)
      } catch {
        guard case .cannotMake(let cause) = error, cause.number == ENOENT else {
          throw .runtimeDirectory(error)
        }
        missing = error
        continue
      }
      missing = nil
      let taken: Descriptor?
      do throws(SystemCallFault) { taken = try GroupFolder.takeLock(in: directory.number) } catch {
        throw .setup(activity: "lock \(place.folder)", error)
      }
      guard let lock = taken else { continue }
      // Somebody may have started it while we waited for the lock.
      if ask(place.socketPath) { return }
      return try start(shared: HeldPlace(place: place, directory: directory.number, lock: lock.number))
    }
    if let missing { throw .runtimeDirectory(missing) }
    throw .setup(activity: "lock \(place.folder)", SystemCallFault("flock", place.folder, ESTALE))
  }

  /// Asks the server behind a socket for its mount; false where there is none.
  private mutating func ask(_ path: String) -> Bool {
    do throws(SystemCallFault) {
      let socket = try Socket.make()
      try Socket.connect(socket, path)
      guard try Socket.peer(socket.number).uid == uid else { return false }
      try Socket.send([Handover.join], to: socket.number)
      state = .asked(socket.release())
      return true
    } catch { return false }
  }

  /// Starts a server for the image. No child is left behind: the process in between makes the inner namespace and is
  /// reaped by `finish`, the server is an orphan.
  mutating func start(shared: HeldPlace?) throws(MountFault) {
    try makePair()
    if let why = FUSEMount.obstacle {
      state = .unmountable(why)
      return
    }
    do throws(SystemCallFault) {
      let (near, far) = try Socket.pair()
      let middle = try Process.fork()
      if middle == 0 {
        close(near)
        ServerStart(
          image: image, options: options, uid: uid, gid: gid, runtime: runtime, shared: shared, client: far,
          pair: pair
        ).run()
      }
      close(far)
      state = .starting(near: near, middle: middle, isShared: shared != nil)
    } catch { throw .setup(activity: "start the server of the image", error) }
  }

  /// Waits for the answer.
  public consuming func finish() throws(MountFault) -> MountedImage {
    switch state {
    case .atHand:
      guard case .squashfs(let offset, let size) = image.kind else {
        return MountedImage(
          .directory(
            path: image.path, device: image.facts.device, inode: image.facts.inode, pair: pair), .sandbox)
      }
      do throws(MountFault) { return try KernelMount.make(image, offset: offset, size: size) } catch {
        guard case .setup(_, let cause) = error, KernelMount.isMissing(cause) else { throw error }
        let text = error.explanation
        return try UnpackedImage.make(image, options, uid: uid, because: "\(text.what) (\(text.why))")
      }
    case .unmountable(let why):
      return try UnpackedImage.make(image, options, uid: uid, pair: pair, because: why)
    // The connections are closed by the execution of the program: nothing has to be done for it before.
    case .starting(let near, let middle, let isShared):
      let answer = try? Socket.receive(from: near)
      _ = try? Process.wait(middle)
      guard let answer, let reply = Handover.parse(answer.0, answer.1) else { throw .serverDied }
      return try Self.mounted(
        reply, isShared ? .started(lingerSeconds: options.lingerSeconds) : .ownServer)
    case .asked(let socket):
      guard ImageMount.readable(socket, within: options.patienceSeconds) else { return try stepAround() }
      guard let answer = try? Socket.receive(from: socket), let reply = Handover.parse(answer.0, answer.1)
      else {
        // It died, or was on its way out.
        if let place { try seek(place) } else { try start(shared: nil) }
        return try finish()
      }
      return try Self.mounted(reply, .joined)
    }
  }

  /// A server that does not answer is neither killed nor replaced: this launch gets one of its own.
  private consuming func stepAround() throws(MountFault) -> MountedImage {
    let seconds = Int(options.patienceSeconds)
    try start(shared: nil)
    let own = try finish()
    let text = "the shared image mount did not answer within \(seconds) s, this launch has one of its own"
    return MountedImage(own.access, own.form, notices: own.notices + [Notice(.warning, text)])
  }

  private static func mounted(
    _ reply: Handover.Reply, _ form: MountForm
  ) throws(MountFault) -> MountedImage {
    switch reply {
    case .mount(let outer, let inner, let mount):
      MountedImage(.mount(outer: outer, inner: inner, mount: mount), form)
    case .place(let outer, let inner, let namespace, let path):
      MountedImage(.place(outer: outer, inner: inner, mountNamespace: namespace, path: path), form)
    case .refused(let explanation): throw .refused(explanation)
    case .state: throw .serverDied
    }
  }
}
