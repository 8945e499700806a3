internal import Glibc
internal import Launch
internal import Linux
internal import Model

/// Starts pasta or slirp4netns for a network namespace, in a PID and a mount namespace of this process alone.
struct UserNetworkStart {
  private let network: UserNetwork
  /// Paths of this mount namespace: the network namespace, and the socket by which slirp4netns is told of ports.
  private let namespace: String
  private let control: String

  /// How long a tool may take, in seconds: it copies addresses and opens ports.
  private static let patience = 20
  private static let variables = ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]

  /// Gives the namespace a path. That of a process would not do: pasta gives up the right to look at others before it
  /// opens it.
  init(_ network: UserNetwork, namespace: Int32) throws(NetworkFailure) {
    self.network = network
    do throws(SystemCallFault) {
      let place = Self.place(sparing: Self.names(of: network.program)) {
        (try? File.facts($0))?.kind == .directory
      }
      let covered = try File.open(place, O_PATH | O_DIRECTORY)
      let folder = try Mount.make(
        "tmpfs", options: [("mode", "0755"), ("size", "65536")], attributes: [.noSetID, .noDevices],
        at: covered.number, subject: place
      ) { () throws(SystemCallFault) in try File.open(place, O_PATH | O_DIRECTORY) }
      let top = folder.number
      for path in ["0", "0/netns"] { try retrying("mkdir", path) { unsafe mkdirat(top, path, 0o755) } }
      let name = "0/netns/apus"
      let file = try File.open(name, O_CREAT | O_EXCL | O_RDWR, mode: 0o600, from: top)
      self.namespace = place + "/" + name
      control = place + "/0/slirp4netns"
      let path = self.namespace
      try Mount.bind(namespace, at: file.number, attributes: [], recursively: false, subject: path) {
        _ throws(SystemCallFault) in try File.open(path, O_PATH)
      }
    } catch {
      let text = error.explanation
      throw .preparation(message: "\(text.what): \(text.why)")
    }
  }

  /// Where a tmpfs hides none of `programs`, of the places that pasta's profile for AppArmor lets it read and that the host
  /// has. Without that profile the last does as well.
  static func place(sparing programs: [String], isDirectory: (String) -> Bool) -> String {
    ["/run/user", "/mnt", "/tmp", "/var/tmp"].first { place in
      isDirectory(place) && !programs.contains { ContainerPath.isBelow($0, place) }
    } ?? "/tmp"
  }

  /// A program by the path that it is started by, and by that of its file.
  private static func names(of program: String) -> [String] {
    guard let file = try? File.open(program, O_PATH),
      let real = try? File.target(ofLink: Mount.path(of: file.number))
    else { return [program] }
    return [program, real]
  }

  /// Returns when the network is connected, with a pipe to read the tool's messages from, if it keeps one.
  func run() throws(NetworkFailure) -> Int32? {
    switch network.tool {
    case .pasta:
      try runPasta()
      return nil
    case .slirp4netns: return try runSlirp()
    }
  }

  private func failure(_ message: String) -> NetworkFailure { .tool(network.tool.rawValue, message: message) }

  private func attempt<Value>(_ work: () throws(SystemCallFault) -> Value) throws(NetworkFailure) -> Value {
    do throws(SystemCallFault) { return try work() } catch {
      guard error.number != ETIMEDOUT else { throw failure("nothing, for \(Self.patience) seconds") }
      let text = error.explanation
      throw failure("\(text.what): \(text.why)")
    }
  }

  /// It ends when what goes on in the background is ready.
  private func runPasta() throws(NetworkFailure) {
    let words = network.arguments(namespace: namespace, control: control, ready: -1)
    let answer = try attempt { () throws(SystemCallFault) in
      try Process.output(
        of: network.program, words, environment: Self.variables, input: [], limit: 1 << 16,
        seconds: Self.patience, hearing: .both)
    }
    guard answer.code != 0 else { return }
    let text = NetworkFailure.line(answer.bytes)
    throw failure(text.isEmpty ? "nothing, and ended with code \(answer.code)" : text)
  }

  private func runSlirp() throws(NetworkFailure) -> Int32 {
    let (ready, messages) = try attempt { () throws(SystemCallFault) in
      let (ready, readyEnd) = try File.pipe()
      let (messages, messagesEnd) = try File.pipe()
      _ = fcntl(readyEnd, F_SETFD, 0)
      _ = try Process.spawn(
        network.program, network.arguments(namespace: namespace, control: control, ready: readyEnd),
        environment: Self.variables, descriptors: (-1, messagesEnd, messagesEnd))
      close(readyEnd)
      close(messagesEnd)
      return (ready, messages)
    }
    var waited = pollfd(fd: ready, events: Int16(POLLIN), revents: 0)
    var byte: UInt8 = 0
    let isInTime = unsafe poll(&waited, 1, Int32(Self.patience * 1000)) > 0
    guard isInTime, unsafe read(ready, &byte, 1) == 1 else {
      guard isInTime else { throw failure("nothing, for \(Self.patience) seconds") }
      var text = [UInt8](repeating: 0, count: 8192)
      let count = unsafe read(messages, &text, text.count)
      throw failure(NetworkFailure.line(Array(text.prefix(max(0, count)))))
    }
    close(ready)
    for port in network.ports { try map(port) }
    return messages
  }

  /// Asks slirp4netns for a port: one request and one answer a connection (slirp4netns(1), "API socket").
  private func map(_ port: PortMapping) throws(NetworkFailure) {
    let answer = try attempt { () throws(SystemCallFault) in
      let socket = try Socket.makeStream()
      try Socket.connect(socket, control)
      try Socket.send(Array(UserNetwork.request(port).text().utf8), to: socket.number)
      shutdown(socket.number, Int32(SHUT_WR))
      return try File.readAll(socket, limit: 1 << 16)
    }
    let json = try? JSON(parsing: answer)
    guard let json, json["error"] == nil else {
      let text = json?["error"]?["desc"]?.text.map { Array($0.utf8) } ?? answer
      throw failure("cannot map the port \(port.text): " + NetworkFailure.line(text))
    }
  }
}
