internal import Engine
internal import Glibc
internal import Linux
internal import Model
internal import StepOptions

/// Writes a step's container to an image when its last task has ended (`--container-save`).
///
/// A process that stays outside, in the host's mount namespace, because the program that writes images is the host's.
/// It waits for the answerer to hand it the container's namespaces, gets a copy of the root without what is mounted on
/// it, and builds an image of that. It keeps the task's standard error, for what it has to say.
struct ContainerSave {
  /// Towards that process.
  private let socket: Int32

  /// Starts the process; called outside the container, with one thread.
  init(path: String, node: String, environment: [String]) throws(SystemCallFault) {
    let (near, far) = try Socket.pair()
    let middle = try Process.fork()
    if middle == 0 {
      guard let saver = try? Process.fork() else { _exit(1) }
      if saver == 0 {
        close(near)
        Self.wait(far, path: path, node: node, environment: environment)
      }
      _exit(0)
    }
    close(far)
    guard try Process.wait(middle) == 0 else { throw SystemCallFault("fork", "", EAGAIN) }
    socket = near
  }

  /// Saves, and returns when that is done or has failed.
  func run(_ container: StandingContainer) {
    let outer = container.outer.map { [$0] } ?? []
    try? Socket.send([1], descriptors: outer + [container.mount], to: socket)
    _ = try? Socket.receive(limit: 1, from: socket)
  }

  private static func wait(_ socket: Int32, path: String, node: String, environment: [String]) -> Never {
    _ = setsid()
    Process.setName("apus-save")
    if let null = try? File.open("/dev/null", O_RDWR) {
      dup2(null.number, 0)
      dup2(null.number, 1)
    }
    Process.closeAll(except: [0, 1, 2, socket])
    // No bytes: the step has gone without a word.
    guard let message = try? Socket.receive(limit: 1, from: socket), !message.bytes.isEmpty,
      let mount = message.descriptors.last
    else { _exit(0) }
    let outer = message.descriptors.count > 1 ? message.descriptors[0] : nil
    var code: Int32 = 1
    let container = StandingContainer(outer: outer, mount: mount)
    let root = try? container.copyOfRoot { fault in
      let text = "         \(fault.explanation.what): \(fault.explanation.why)\n"
      try? File.write(Array(text.utf8), to: 2)
    }
    if let root, fcntl(root, F_SETFD, 0) == 0 {
      let child = try? Process.spawn(
        Installation.imageProgram, ["--quiet", "build", "--force", path, Mount.path(of: root)],
        environment: environment)
      if let child { code = (try? Process.wait(child)) ?? 1 }
    }
    if code != 0 {
      let text = "FATAL:   \(node): cannot save the container to \(printable(path))\n"
      try? File.write(Array(text.utf8), to: 2)
    }
    try? Socket.send([UInt8(truncatingIfNeeded: code)], to: socket)
    _exit(code)
  }
}
