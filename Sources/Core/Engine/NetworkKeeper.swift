internal import Glibc
internal import Linux
internal import Model

/// Connects the network of a container, and takes down what it has made when the container has ended, however it did.
///
/// A process of its own, made before the launch leaves the host's network. It stays there, outside of the container and
/// its limits, and waits for the end of its socket, which the launcher holds until its program has ended; if the launcher
/// is killed the kernel ends both. In user mode it is process 1 of a PID namespace with the program that carries the
/// connections, which the kernel ends with it.
///
/// Considered: to let these programs find the end of the container by themselves. One of them cannot.
struct NetworkKeeper {
  /// The launcher's end.
  let socket: Int32
  private let pid: Int32

  /// nil: there is nothing to connect.
  static func start(_ plan: NetworkPlan?) throws(EngineFault) -> NetworkKeeper? {
    var kinds: NamespaceKinds = .mount
    switch plan {
    case nil, .joined: return nil
    case .userMode: kinds.insert(.pid)
    case .plugins: break
    }
    guard let plan else { return nil }
    do throws(SystemCallFault) {
      let (near, far) = try Socket.pair()
      let child: Int32
      do throws(SystemCallFault) { child = try Process.clone(into: kinds) } catch {
        close(near)
        close(far)
        throw error
      }
      if child == 0 { keep(plan, socket: far) }
      close(far)
      return NetworkKeeper(socket: near, pid: child)
    } catch { throw .setup(activity: "start what connects the network of the container", cause: error) }
  }

  /// Has the network namespace of this process connected, and waits until it is.
  func connect() throws(EngineFault) {
    let answer: [UInt8]
    do throws(SystemCallFault) {
      let namespace = try Namespace.current("net")
      try Socket.send([1], descriptors: [namespace.number], to: socket)
      answer = try Socket.receive(limit: 16384, from: socket).bytes
    } catch { answer = [] }
    guard answer == [1] else { throw .network(NetworkFailure(answer)) }
    Namespace.openNetwork()
  }

  /// In a child that becomes part of the container.
  func leave() { close(socket) }

  /// Returns when all that was made is gone.
  func end() {
    close(socket)
    _ = try? Process.wait(pid)
  }

  /// The keeper's life.
  private static func keep(_ plan: NetworkPlan, socket: Int32) -> Never {
    try? Process.startSession()
    let streams = [0, 1, 2] as [Int32]
    Process.closeAll(except: streams + [socket])
    if let nothing = try? File.open("/dev/null", O_RDWR) {
      for stream in streams { dup2(nothing.number, stream) }
    }
    _ = unsafe chdir("/")
    Process.setTitle("apus: network of a container")
    Process.setName("apus-network")
    // A copy of the launcher's mounts: what that lays over the root later does not show here.
    try? Mount.makeEverythingSlave()
    guard let word = try? Socket.receive(limit: 1, from: socket), let namespace = word.descriptors.first
    else { _exit(0) }
    switch plan {
    case .joined: break
    case .userMode(let network): keepUserMode(network, namespace: namespace, socket: socket)
    case .plugins(let network): keepPlugins(network, namespace: namespace, socket: socket)
    }
    _exit(0)
  }

  private static func keepUserMode(_ network: UserNetwork, namespace: Int32, socket: Int32) {
    // Inherited: signals for the programs of the caller are not for the tool, which would end by them.
    let signals = BlockedSignals()
    defer { signals.restore() }
    do throws(NetworkFailure) {
      let start = try UserNetworkStart(network, namespace: namespace)
      close(namespace)
      let messages = try start.run()
      try? Socket.send([1], to: socket)
      drain(messages, untilEndOf: socket)
    } catch { try? Socket.send(error.bytes, to: socket) }
  }

  private static func keepPlugins(_ network: PluginNetwork, namespace: Int32, socket: Int32) {
    // Caught and not blocked, so that plugins get them as usual.
    for number in [SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGPIPE, SIGALRM, SIGXCPU] {
      _ = signal(number) { _ in }
    }
    var plugins = NetworkPlugins(network, namespace: namespace)
    do throws(NetworkFailure) {
      try plugins.add()
      try? Socket.send([1], to: socket)
      drain(nil, untilEndOf: socket)
      plugins.remove()
    } catch { try? Socket.send(error.bytes, to: socket) }
  }

  /// Waits for the end of the socket, and reads away what a tool writes, which would stop when nobody did.
  private static func drain(_ messages: Int32?, untilEndOf socket: Int32) {
    var messages = messages ?? -1
    var piece = [UInt8](repeating: 0, count: 4096)
    while true {
      var waited = [
        pollfd(fd: socket, events: Int16(POLLIN), revents: 0),
        pollfd(fd: messages, events: Int16(POLLIN), revents: 0),
      ]
      if unsafe poll(&waited, 2, -1) < 0 { continue }
      if waited[0].revents != 0 { return }
      if waited[1].revents != 0, unsafe read(messages, &piece, piece.count) <= 0 { messages = -1 }
    }
  }
}
