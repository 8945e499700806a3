internal import CommandLine
internal import Containers
internal import Glibc
internal import ImageMount
internal import Launch
internal import Linux
internal import Messages
internal import Model
internal import Settings

/// `apus instance start` and `run`.
///
/// The command claims the name, and forks a *keeper* that launches. The instance's first process, which the keeper makes,
/// waits until the command has written down what is kept of it. All they say to each other goes over one socket, whose
/// end tells the command that there will be no instance.
struct InstanceStart {
  private let parsed: Parsed
  private let variables: Variables
  private let output: Output
  private let name: InstanceName

  init(_ parsed: Parsed, _ variables: Variables, _ output: Output) throws(InstanceFault) {
    self.parsed = parsed
    self.variables = variables
    self.output = output
    name = try InstanceName(parsed.operands[1])
  }

  /// First bytes of the messages.
  private enum Word {
    /// Of the keeper: the number of the first process follows, and the home directory.
    static let started = UInt8(ascii: "S")
    /// Of the first process: all stands.
    static let ready = UInt8(ascii: "R")
    /// Of the command: it is written down.
    static let go = UInt8(ascii: "G")
  }

  func run() throws(InstanceFault) -> Int32 {
    var launching: Launching
    do throws(LaunchRefusal) {
      launching = try makeLaunching(parsed, arguments: Array(parsed.operands.dropFirst(2)), variables, output)
    } catch { return output.fatal(error.explanation) }
    launching.request.instance = name.text
    launching.request.pid = !launching.request.noPID
    let container = try claim()
    let logs: InstanceLogs
    do throws(InstanceFault) { logs = try openLogs() } catch {
      container.remove()
      throw error
    }
    let (near, far): (Int32, Int32)
    let child: Int32
    do throws(SystemCallFault) {
      (near, far) = try Socket.pair()
      child = try Process.fork()
    } catch {
      container.remove()
      throw .container(.system(error))
    }
    if child == 0 {
      close(near)
      // The lock is the command's.
      guard let own = try? container.reopened() else { _exit(ExitCode.failure) }
      _ = consume container
      _exit(keep(launching, own, logs, socket: far))
    }
    close(far)
    guard let first = awaitReady(near) else {
      // The keeper has said why. It waits for the lock, to remove what it finds.
      container.remove()
      _ = consume container
      close(near)
      return (try? Process.wait(child)) ?? ExitCode.failure
    }
    do throws(InstanceFault) {
      let record = try Instance.record(
        image: launching.image.path, outLog: logs.outPath, errLog: logs.errPath, home: first.home,
        isContained: launching.request.contain, pid: first.pid)
      do throws(ContainerFault) {
        try container.write(record)
        try container.commit()
      } catch { throw InstanceFault(error, name: name.text) }
    } catch {
      // The first process reads the end of the socket.
      container.remove()
      close(near)
      throw error
    }
    try? Socket.send([Word.go], to: near)
    writePID(first.pid)
    output.notice(Notice(.info, "instance started successfully"))
    return 0
  }

  private func claim() throws(InstanceFault) -> ContainerDirectory {
    let shelf = ContainerShelf.instances(uid: geteuid())
    do throws(ContainerFault) { return try ContainerDirectory.create(name.id, on: shelf) } catch {
      if case .exists = error, let other = try? Instance.named(name.text, uid: geteuid()) {
        throw .exists(name: name.text, pid: other.pid)
      }
      throw InstanceFault(error, name: name.text)
    }
  }

  private func openLogs() throws(InstanceFault) -> InstanceLogs {
    let user = User.current(cache: nil)
    return try InstanceLogs(
      name, configuration: variables.setting("CONFIGDIR"), home: variables["HOME"] ?? user.entry?.home,
      host: hostFolder, user: user.entry?.name ?? "\(user.uid)")
  }

  /// The host as a name of a directory.
  private var hostFolder: String {
    let name = String(hostName().fields(at: UInt8(ascii: "/"))[0])
    return ["", ".", ".."].contains(name) ? "localhost" : name
  }

  /// Waits until all stands; nil: there will be no instance.
  private func awaitReady(_ socket: Int32) -> (pid: Int32, home: String?)? {
    var first: (pid: Int32, home: String?)?
    var isReady = false
    while true {
      guard let message = try? Socket.receive(limit: 8192, from: socket), let word = message.bytes.first
      else {
        return nil
      }
      if word == Word.ready { isReady = true }
      if word == Word.started {
        let fields = HostText.decode(Array(message.bytes.dropFirst())).fields(at: UInt8(ascii: " "))
        guard let pid = fields.first.flatMap({ Int32($0) }) else { return nil }
        let home = fields.dropFirst().map(String.init).connected(by: " ")
        first = (pid, home.isEmpty ? nil : home)
      }
      if isReady, let first { return first }
    }
  }

  private func writePID(_ pid: Int32) {
    guard let path = parsed.value("pid-file") else { return }
    do throws(SystemCallFault) {
      try writePIDFile("\(pid)\n", to: path)
    } catch {
      output.notice(
        Notice(
          .warning, "cannot write the number of the process to \(printable(path)): \(errorText(error.number))"
        ))
    }
  }

  /// The keeper's life. It has left the caller's session and streams before anything of the container is made, and keeps
  /// the stream of messages until all stands.
  private func keep(
    _ launching: Launching, _ container: consuming ContainerDirectory, _ logs: borrowing InstanceLogs,
    socket: Int32
  ) -> Int32 {
    var launching = launching
    let container = container
    try? Process.startSession()
    let messages = fcntl(2, F_DUPFD_CLOEXEC, 3)
    guard let nothing = try? File.open("/dev/null", O_RDWR).release() else { return ExitCode.failure }
    for (from, to) in [(nothing, 0), (logs.out.number, 1), (logs.err.number, 2)] as [(Int32, Int32)] {
      dup2(from, to)
    }
    launching.output.messages = messages
    let title = "apus: instance " + name.text
    let kept = container.numbers
    launching.standing = Launching.Standing(
      started: { pid, plan, engines in
        let home = plan.program.environment.first { $0.starts(withBytesOf: "HOME=") }?.dropFirst(5) ?? ""
        try? Socket.send([Word.started] + HostText.bytes(of: "\(pid) \(home)"), to: socket)
        // What the keeper has to say in the end stands in the instance's log of errors.
        dup3(2, messages, O_CLOEXEC)
        for number in [0, 1, 2] as [Int32] { dup2(nothing, number) }
        Process.closeAll(except: [0, 1, 2, messages] + kept + engines)
        _ = unsafe chdir("/")
        Process.setTitle(title)
        Process.setName("apus-instance")
      },
      beforeProgram: {
        try? Socket.send([Word.ready], to: socket)
        guard let answer = try? Socket.receive(limit: 1, from: socket), !answer.bytes.isEmpty else {
          _exit(ExitCode.failure)
        }
        dup3(2, messages, O_CLOEXEC)
      },
      ended: { container.removeEnded() })
    return launching.run()
  }
}
