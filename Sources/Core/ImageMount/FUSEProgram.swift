internal import Glibc
internal import Linux
internal import Model

/// A program that mounts a file system by FUSE: fuse2fs, fuse-overlayfs.
///
/// It gets a mount namespace of its own, in which it mounts; the launch gets a copy of that mount, and the program ends
/// when the last copy has gone. Beside it stays its parent, the *keeper*, an orphan that holds the locks on what the
/// program has open and a socket by which it tells the launch with which code the program has ended.
///
/// Its own place is a tmpfs over /sys, which exists everywhere, and in which such programs look for nothing.
public struct FUSEProgram {
  /// The user and group that the program is in a user namespace of its own, so that files of these ids in an image belong
  /// to the caller.
  public struct Owner: Sendable {
    let uid: UInt32
    let gid: UInt32
  }

  private let path: String
  /// What it mounts, for messages and titles.
  private let subject: String
  /// Whether a partition of a SIF is among that, for messages.
  private let isPartition: Bool
  /// Descriptors that it finds open under the same numbers.
  private let inherited: [Int32]
  private let owner: Owner?
  /// Mounts that it finds beside its own, as `PLACE/NUMBER`.
  private let shown: [Int32]
  private let arguments: (_ place: String) -> [String]

  /// `arguments` are made for the place where the program shall mount.
  public init(
    path: String, subject: String, isPartition: Bool, inherited: [Int32] = [], owner: Owner? = nil,
    shown: [Int32],
    arguments: @escaping (_ place: String) -> [String]
  ) {
    self.path = path
    self.subject = subject
    self.isPartition = isPartition
    self.inherited = inherited
    self.owner = owner
    self.shown = shown
    self.arguments = arguments
  }

  /// What the keeper says where the kernel cannot hand over mounts (open_tree(2), Linux 5.2).
  private static let tooOld: [UInt8] = [2]
  private static let top = "/sys"
  public static let place = top + "/mount"

  /// Where the program finds one of the mounts it is shown.
  public static func place(of index: Int) -> String { "\(top)/\(index)" }

  /// Looks for the program in `searchPath` and where programs usually are.
  public static func find(
    _ name: String, package: String, for subject: String, isPartition: Bool, _ searchPath: String?
  ) throws(MountFault) -> String {
    guard let path = Process.find(name, searchPath) else {
      throw .programMissing(name: name, package: package, subject: subject, isPartition: isPartition)
    }
    return path
  }

  /// Starts it. Returns its mount, without a place, and the end of the keeper's socket.
  public func start() throws(MountFault) -> (mount: Int32, ending: Int32) {
    let answer: (bytes: [UInt8], descriptors: [Int32])
    let near: Int32
    do throws(SystemCallFault) {
      let ends = try Socket.pair()
      near = ends.0
      // Made here: in another namespace they could not be taken from this one.
      var copies: [Int32] = []
      for mount in shown {
        copies.append(try Mount.clone(mount, recursively: false, subject: subject).release())
      }
      let middle = try Process.fork()
      if middle == 0 {
        if (try? Process.fork()) == 0 { keep(copies, ends.1) }
        _exit(0)
      }
      for copy in copies { close(copy) }
      close(ends.1)
      _ = try Process.wait(middle)
      answer = try Socket.receive(limit: 8192, from: near)
    } catch {
      if error.number == ENOSYS {
        throw .kernelTooOld(
          name: ContainerPath.lastComponent(path), subject: subject, isPartition: isPartition)
      }
      throw .setup(activity: "start \(ContainerPath.lastComponent(path)) for \(printable(subject))", error)
    }
    guard let mount = answer.descriptors.first else {
      if answer.bytes == Self.tooOld {
        throw .kernelTooOld(
          name: ContainerPath.lastComponent(path), subject: subject, isPartition: isPartition)
      }
      throw .programFailed(
        name: ContainerPath.lastComponent(path), subject: subject,
        said: String(decoding: answer.bytes.dropFirst(), as: UTF8.self), isPartition: isPartition)
    }
    return (mount, near)
  }

  private func keep(_ copies: [Int32], _ socket: Int32) -> Never {
    let child: Int32
    let mounts: Int32
    let output: Int32
    // Of the place without the mount: the program may be quicker than this process.
    let bare: UInt64
    do throws(SystemCallFault) {
      _ = setsid()
      // What an image says of /proc/self/cwd leads the program to nothing of the caller's.
      try retrying("chdir", "/") { unsafe chdir("/") }
      Process.closeAll(except: copies + inherited + [socket])
      try makePlace(copies)
      bare = try File.facts(Self.place).device
      for number in inherited { _ = fcntl(number, F_SETFD, 0) }
      mounts = try File.open("/proc/self/mountinfo").release()
      let ends = try File.pipe()
      output = ends.read
      Process.resetInheritedState()
      child = try Process.spawn(
        path, arguments(Self.place), environment: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"],
        descriptors: (-1, ends.write, ends.write))
      close(ends.write)
    } catch {
      tell(error, socket)
      _exit(1)
    }
    do throws(SystemCallFault) {
      switch waitForMount(mounts, output, socket, bare) {
      case .mounted: break
      case .ended(let said):
        end(child)
        try? Socket.send([0] + said.prefix(4096), to: socket)
        _exit(1)
      case .unwanted:
        end(child)
        _exit(1)
      }
      try handOver(to: socket)
    } catch {
      // Nobody has its mount: it would go on for ever, and with it the lock on what it has open.
      end(child)
      tell(error, socket)
      _exit(1)
    }
    Process.setTitle("apus: \(ContainerPath.lastComponent(path)) for \(subject)")
    Process.setName("apus-keeper")
    // What the program says from here on is for nobody.
    Process.closeAll(except: inherited + [socket])
    let code = try? Process.wait(child)
    // Whoever is told finds the locks free.
    Process.closeAll(except: [socket])
    if let code { try? Socket.send([UInt8(truncatingIfNeeded: code)], to: socket) }
    _exit(0)
  }

  /// Gives the launch a copy of the mount. The keeper's own goes before, while a failure of that can still be told.
  private func handOver(to socket: Int32) throws(SystemCallFault) {
    let root = try File.open(Self.place, O_PATH | O_DIRECTORY)
    let mount = try Mount.clone(root.number, recursively: false, subject: subject)
    // Before Linux 5.12 it keeps what the program has chosen: programs of the container gain no rights in any case.
    try? Mount.restrict(mount.number, [.noSetID, .noDevices], subject: subject)
    try Mount.detach(Self.top)
    try Socket.send([1], descriptors: [mount.number], to: socket)
  }

  private func tell(_ fault: SystemCallFault, _ socket: Int32) {
    let said = fault.number == ENOSYS ? Self.tooOld : [0] + Array(fault.explanation.why.utf8)
    try? Socket.send(said, to: socket)
  }

  /// Ends a program that has mounted for nobody: with its mount it ends by itself, and leaves in order what it has open. One
  /// that does not is killed.
  private func end(_ child: Int32) {
    try? Mount.detach(Self.top)
    for _ in 0..<100 {
      var status: Int32 = 0
      if unsafe waitpid(child, &status, WNOHANG) != 0 { return }
      usleep(10_000)
    }
    kill(child, SIGKILL)
    _ = try? Process.wait(child)
  }

  private func makePlace(_ copies: [Int32]) throws(SystemCallFault) {
    if let owner {
      let process = try File.open("/proc/self", O_PATH | O_DIRECTORY)
      let (uid, gid) = (geteuid(), getegid())
      try Namespace.unshare([.user, .mount])
      try Namespace.mapOne(
        uid: uid, to: owner.uid, gid: gid, to: owner.gid, process: process.number)
    } else {
      try Namespace.unshare(.mount)
    }
    try Mount.makeEverythingSlave()
    let there = try File.open(Self.top, O_PATH | O_DIRECTORY)
    try Mount.make(
      "tmpfs", options: [("size", "65536"), ("mode", "0700")], attributes: [.noSetID, .noDevices],
      at: there.number, subject: Self.top
    ) { () throws(SystemCallFault) in try File.open(Self.top, O_PATH | O_DIRECTORY) }
    try retrying("mkdir", Self.place) { unsafe mkdir(Self.place, 0o700) }
    for (index, copy) in copies.enumerated() {
      let path = Self.place(of: index)
      try retrying("mkdir", path) { unsafe mkdir(path, 0o700) }
      let place = try File.open(path, O_PATH | O_DIRECTORY)
      try Mount.attach(copy, at: place.number, subject: path)
    }
    // Another user than root would lose it by the execution of the program.
    if owner != nil { try Rights.take(capabilities: 1 << 21, uid: nil, groups: []) }
  }

  private enum Waited {
    case mounted
    /// What it said before it ended.
    case ended([UInt8])
    /// The launch has gone meanwhile.
    case unwanted
  }

  private func waitForMount(_ mounts: Int32, _ output: Int32, _ socket: Int32, _ bare: UInt64) -> Waited {
    var said: [UInt8] = []
    while true {
      if (try? File.facts(Self.place))?.device != bare { return .mounted }
      var waiting = [
        // A change of the mounts (proc_pid_mounts(5)).
        pollfd(fd: mounts, events: Int16(POLLPRI), revents: 0),
        pollfd(fd: output, events: Int16(POLLIN), revents: 0),
        // Its end alone: the launch says nothing.
        pollfd(fd: socket, events: 0, revents: 0),
      ]
      // The kernel tells of a mount a moment before it can be seen: looked at again after 10 ms.
      guard unsafe poll(&waiting, 3, 10) > 0 else { continue }
      if waiting[2].revents != 0 { return .unwanted }
      guard waiting[1].revents != 0 else { continue }
      var piece = [UInt8](repeating: 0, count: 4096)
      let count = unsafe read(output, &piece, piece.count)
      if count == 0 { return .ended(said) }
      if count > 0, said.count < 4096 { said += piece[..<count] }
    }
  }
}
