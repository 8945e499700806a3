internal import Glibc
internal import Linux
internal import Model

/// What is done with a container that is there. Each takes the container's lock.
extension ContainerDirectory {
  /// How long `delete --force` waits for a killed program.
  private static let patienceMilliseconds = 10_000
  /// How long `start` waits for the process to become its program.
  private static let startMilliseconds: Int32 = 30_000

  /// Lets the process of a created container become its program. Returns what it had to say where it could not.
  public func start() throws(ContainerFault) -> [UInt8]? {
    try lock()
    guard let state = committedState() else { throw .unknown(id: id.text) }
    guard state.status == .created else { throw .status(id: id.text, is: state.status, activity: "start") }
    let fifo = try letGo()
    // The other end closes when the program is executed, or the process ends.
    var waiting = pollfd(fd: fifo.number, events: 0, revents: 0)
    _ = try? retrying("poll") { unsafe poll(&waiting, 1, Self.startMilliseconds) }
    let said = try? File.readAll(Self.faultName, limit: 1 << 16, from: directory.number)
    return said.flatMap { $0.isEmpty ? nil : $0 }
  }

  /// Writes the byte that the process waits for.
  private func letGo() throws(ContainerFault) -> Descriptor {
    do throws(SystemCallFault) {
      let fifo = try File.open(
        Self.fifoName, O_WRONLY | O_NONBLOCK | O_NOFOLLOW, from: directory.number)
      // One that ends at this moment is a fault (EPIPE), and not the end of this command.
      let before = signal(SIGPIPE, SIG_IGN)
      defer { _ = signal(SIGPIPE, before) }
      try File.write([1], to: fifo.number, subject: Self.fifoName)
      return fifo
    } catch {
      // ENXIO: the process has ended since.
      if error.number == ENXIO || error.number == EPIPE {
        throw .status(id: id.text, is: .stopped, activity: "start")
      }
      throw .system(error)
    }
  }

  /// Sends a signal. With `all` to every process of the program's group.
  public func kill(_ number: Int32, all: Bool) throws(ContainerFault) {
    try lock()
    guard let state = committedState() else { throw .unknown(id: id.text) }
    let isSent: Bool
    do throws(SystemCallFault) {
      isSent = try ContainerProcess.signal(state.record, number, all: all)
    } catch { throw .system(error) }
    guard isSent else { throw .status(id: id.text, is: .stopped, activity: "kill") }
  }

  /// Removes a container that has stopped, or never was started; with `force` also one that runs, which is killed.
  public func delete(force: Bool) throws(ContainerFault) {
    try lock()
    guard let state = committedState() else {
      // What a killed `create` left.
      remove()
      throw .unknown(id: id.text)
    }
    if state.status != .stopped {
      guard force || state.status == .created else {
        throw .status(id: id.text, is: state.status, activity: "delete")
      }
      do throws(SystemCallFault) {
        _ = try ContainerProcess.signal(state.record, SIGKILL, all: true)
      } catch { throw .system(error) }
      guard ContainerProcess.awaitEnd(state.record, milliseconds: Self.patienceMilliseconds) else {
        throw .stillRunning(id: id.text)
      }
    }
    remove()
  }
}
