internal import CLinux
internal import Glibc
internal import ImageServer
internal import Linux
internal import Model

/// The main loop of a server: hands over to launches, watches their programs, and leaves when nobody is left.
final class Server {
  private let image: ImageFile
  private let options: MountOptions
  private let shared: HeldPlace?
  private var listener: Int32
  private let mount: FUSEMount.Access
  /// For the launch that started the server.
  private var firstClone: Int32 = -1
  private let outer: Int32
  private let inner: Int32
  /// /proc/self/statm, open since before the root was left.
  private let memory: Int32
  private let started = Server.now()
  /// Of the socket file as it was bound.
  private let socketInode: UInt64
  /// The programs that were launched.
  private var programs: [ProgramWatch] = []
  /// Connections that have not said yet what they want.
  private var pending: [Int32] = []

  init(
    image: ImageFile, options: MountOptions, shared: HeldPlace?, listener: Int32, mount: FUSEMount.Access,
    outer: Int32, inner: Int32, memory: Int32
  ) {
    self.image = image
    self.options = options
    self.shared = shared
    self.listener = listener
    self.mount = mount
    self.outer = outer
    self.inner = inner
    self.memory = memory
    if case .mount(_, let clone) = mount { firstClone = clone }
    let bound = shared.flatMap { try? File.facts($0.place.socketName, from: $0.directory, following: false) }
    socketInode = bound?.inode ?? 0
  }

  /// What must stay open.
  var descriptors: [Int32] {
    let mounts: [Int32] =
      switch mount {
      case .mount(let number, _): [number]
      case .place(let namespace, let origin, _): [namespace, origin]
      }
    return [listener, outer, inner, memory, shared?.directory ?? -1] + mounts
  }

  /// Gives a launch its namespaces and a mount of its own.
  func handOver(to client: Int32) throws(SystemCallFault) {
    switch mount {
    case .mount(let number, _):
      let clone =
        firstClone >= 0
        ? Descriptor(owning: firstClone) : try Mount.clone(number, recursively: false, subject: "image")
      firstClone = -1
      try Socket.send([UInt8(ascii: "H")], descriptors: [outer, inner, clone.number], to: client)
    case .place(let namespace, _, let path):
      try Socket.send(
        [UInt8(ascii: "L")] + Array(path.utf8), descriptors: [outer, inner, namespace], to: client)
    }
  }

  /// Serves until the kernel ends the mount.
  func run(_ reader: ImageServer, firstClient: ProgramWatch?) -> Never {
    if let firstClient { programs.append(firstClient) }
    var idleSince: Double? = programs.isEmpty ? Server.now() : nil
    // A server of one launch has nobody to wait for: the launch has its own clone of the mount. Where it has to fetch
    // the mount from this namespace, it must be found there for as long as the launch lives.
    var isLeaving = false
    if shared == nil, case .mount = mount {
      isLeaving = true
      detach()
    }
    let lingerSeconds = shared == nil ? 0 : options.lingerSeconds
    while true {
      let watched = programs.compactMap(\.descriptor)
      let wait: Double? =
        if isLeaving {
          nil
        } else {
          watched.count < programs.count
            ? ProgramWatch.pause : idleSince.map { max(0, $0 + lingerSeconds - Server.now()) }
        }
      let ready = poll(
        [reader.endedDescriptor] + (isLeaving ? [] : [listener] + pending + watched), seconds: wait)
      if ready.contains(reader.endedDescriptor) { _exit(0) }
      if isLeaving { continue }
      programs.removeAll { program in
        guard program.hasEnded(ready) else { return false }
        if let number = program.descriptor { close(number) }
        return true
      }
      let speaking = pending.filter { ready.contains($0) }
      pending.removeAll { ready.contains($0) }
      for connection in speaking { serve(connection, reader) }
      if listener >= 0, ready.contains(listener) { accept(reader) }
      if !programs.isEmpty || !pending.isEmpty {
        idleSince = nil
      } else if idleSince == nil {
        idleSince = Server.now()
      }
      if let since = idleSince, Server.now() - since >= lingerSeconds {
        isLeaving = leave(reader)
        if !isLeaving { idleSince = programs.isEmpty ? Server.now() : nil }
      }
    }
  }

  private func accept(_ reader: ImageServer) {
    let connection = apus_accept(listener)
    guard connection >= 0 else { return }
    // Usually the word is there already; if not, it is waited for without holding up others.
    if ImageMount.readable(connection, within: 0) {
      serve(connection, reader)
    } else {
      pending.append(connection)
    }
  }

  private func serve(_ connection: Int32, _ reader: ImageServer) {
    defer { close(connection) }
    guard let peer = try? Socket.peer(connection), peer.uid == geteuid(),
      let message = try? Socket.receive(limit: 1, from: connection), let word = message.bytes.first
    else { return }
    for stray in message.descriptors { close(stray) }
    switch word {
    case Handover.join:
      // The watch before the answer: a client is never unseen while it has the mount.
      if let watch = ProgramWatch(peerOf: connection) { programs.append(watch) }
      do throws(SystemCallFault) { try handOver(to: connection) } catch {
        let text = Explanation(what: "cannot hand over the image mount", why: error.explanation.why)
        try? Socket.send(Handover.bytes(of: text), to: connection)
      }
    case Handover.state:
      try? Socket.send([Handover.state] + Array(state(reader).utf8), to: connection)
    default: break
    }
  }

  /// Lines of `name value`.
  private func state(_ reader: ImageServer) -> String {
    var pages = 0
    let statm = (try? File.bytes(of: memory, count: 256)) ?? []
    let fields = String(decoding: statm, as: UTF8.self).split(separator: " ")
    if fields.count > 1 { pages = Int(fields[1]) ?? 0 }
    return [
      "pid \(getpid())", "programs \(programs.count)", "age \(Int(Server.now() - started))",
      "memory \(pages * 4096)", "cache \(reader.cachedBytes)", "linger \(options.lingerSeconds)",
      "image \(image.path)",
    ].joined(separator: "\n")
  }

  /// The way out: only under the group's lock, and only if nobody came meanwhile. Returns whether it is open.
  private func leave(_ reader: ImageServer) -> Bool {
    guard let shared else {
      detach()
      return true
    }
    let lock: Descriptor
    do throws(SystemCallFault) {
      lock = try File.open(GroupFolder.lockName, O_RDWR | O_NOFOLLOW, from: shared.directory)
    } catch {
      // The folder is gone (somebody cleaned /tmp): no launch can find this server any more.
      guard error.number == ENOENT else { return false }
      close(listener)
      listener = -1
      detach()
      return true
    }
    guard (try? FileLock.tryAcquire(lock)) == true else { return false }
    while ImageMount.readable(listener, within: 0) {
      accept(reader)
      if !programs.isEmpty || !pending.isEmpty { return false }
    }
    // Only a socket of ours: another server's may stand there by now.
    if let there = try? File.facts(shared.place.socketName, from: shared.directory, following: false),
      there.inode == socketInode
    {
      _ = unsafe unlinkat(shared.directory, shared.place.socketName, 0)
    }
    close(listener)
    listener = -1
    // Mounted at a path of the folder, the mount has to go first.
    if case .place = mount { detach() }
    let parent = GroupFolder.parent(of: shared.directory, named: shared.place.group)
    if let parent { GroupFolder.remove(shared.place.group, shared.directory, lock, in: parent) }
    FileLock.release(lock)
    if case .mount = mount { detach() }
    // Nobody waits any more.
    if let parent {
      GroupFolder.sweep(parent, except: shared.place.group)
      close(parent)
    }
    return true
  }

  /// Lets go of the mount: the kernel ends it with the last container that has it.
  private func detach() {
    switch mount {
    case .mount(let number, _):
      try? Mount.detach("/image")
      close(number)
    case .place(let namespace, let origin, let path):
      try? Mount.detach(path)
      close(namespace)
      close(origin)
    }
    close(outer)
    close(inner)
  }

  /// Waits until one of the descriptors is readable; nil waits for ever. Returns those that are.
  private func poll(_ descriptors: [Int32], seconds: Double?) -> Set<Int32> {
    var waiting = descriptors.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
    let timeout = seconds.map { Int32(min($0 * 1000 + 1, 1e9)) } ?? -1
    let count = unsafe Glibc.poll(&waiting, nfds_t(waiting.count), timeout)
    guard count > 0 else { return [] }
    return Set(waiting.filter { $0.revents != 0 }.map(\.fd))
  }

  private static func now() -> Double {
    var time = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }
}
