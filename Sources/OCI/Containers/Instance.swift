internal import Glibc
public import Linux
internal import Model

/// An instance that is running: what is kept of it, and what can be done with it.
public struct Instance: Sendable {
  public let name: String
  /// Of the process that stays, its process 1 where it has processes of its own.
  public let pid: Int32
  /// The path of the image, or the reference it was got by.
  public let image: String
  public let outLog: String
  public let errLog: String
  public let address: String
  /// The home directory it shows.
  public let home: String?
  /// Whether it was made without the caller's files (`--contain`).
  public let isContained: Bool
  let record: ContainerRecord
  let uid: UInt32

  init(_ state: ContainerState, uid: UInt32) {
    name = state.id.text
    record = state.record
    self.uid = uid
    pid = record.pid
    image = record.bundle
    let record = record
    func kept(_ name: String) -> String? { record.annotations.first { $0.name == name }?.value }
    outLog = kept("out") ?? ""
    errLog = kept("err") ?? ""
    address = kept("ip") ?? ""
    home = kept("home")
    isContained = kept("contain") != nil
  }

  /// What is written down of a new one.
  public static func record(
    image: String, outLog: String, errLog: String, home: String?, isContained: Bool, pid: Int32
  ) throws(InstanceFault) -> ContainerRecord {
    guard let start = Process.startTicks(of: pid) else {
      throw .container(.system(SystemCallFault("open", "/proc/\(pid)/stat", ESRCH)))
    }
    var kept = [(name: "out", value: outLog), (name: "err", value: errLog)]
    if let home { kept.append((name: "home", value: home)) }
    if isContained { kept.append((name: "contain", value: "1")) }
    return ContainerRecord(bundle: image, annotations: kept, pid: pid, startTicks: start)
  }

  /// Those of a user on this node, by name. What is kept of others that have ended goes.
  public static func running(uid: UInt32) throws(InstanceFault) -> [Instance] {
    do throws(ContainerFault) {
      return try ContainerShelf.instances(uid: uid).states().filter { $0.status == .running }
        .map { Instance($0, uid: uid) }
    } catch { throw .container(error) }
  }

  public static func named(_ text: String, uid: UInt32) throws(InstanceFault) -> Instance {
    let name = try InstanceName(text)
    do throws(ContainerFault) {
      guard let state = try ContainerDirectory.find(name.id, on: .instances(uid: uid)).state(),
        state.status == .running
      else { throw .unknown(id: text) }
      return Instance(state, uid: uid)
    } catch { throw InstanceFault(error, name: text) }
  }

  /// The open directory of procfs of its first process, which is this one and no other that got its number.
  public func process() throws(InstanceFault) -> Descriptor {
    do throws(SystemCallFault) {
      let directory = try File.open("/proc/\(pid)", O_PATH | O_DIRECTORY)
      guard isRunning else { throw SystemCallFault("open", "/proc/\(pid)", ESRCH) }
      return directory
    } catch {
      if error.number == ENOENT || error.number == ESRCH { throw .unknown(name: name) }
      throw .cannotEnter(name: name, error)
    }
  }

  public var isRunning: Bool { ContainerProcess.isAlive(record) }

  /// Tells it to stop: its programs get the signal, and it ends with the last of them.
  public func tellToStop(_ signal: Int32) throws(InstanceFault) {
    let held = try? Process.pidfd(pid)
    guard isRunning else { return }
    // Before, while it is known whose children all of them are; and after, for those that have come meanwhile.
    var told: Set<Int32> = []
    InstanceMembers.signal(signal, of: pid, told: &told)
    do throws(SystemCallFault) {
      if let held {
        try StopWord.send(with: signal, to: pid, held: held.number)
      } else {
        try StopWord.send(with: signal, to: pid, held: nil)
      }
    } catch { if error.number != ESRCH { throw .container(.system(error)) } }
    InstanceMembers.signal(signal, of: pid, told: &told)
  }

  /// Kills its first process, and with that all that is in its PID namespace; without one all it has started.
  public func kill() throws(InstanceFault) {
    var told: Set<Int32> = []
    if isRunning { InstanceMembers.signal(SIGKILL, of: pid, everyone: true, told: &told) }
    do throws(SystemCallFault) {
      _ = try ContainerProcess.signal(record, SIGKILL, all: true)
      _ = try ContainerProcess.signal(record, SIGKILL, all: false)
    } catch { if error.number != ESRCH { throw .container(.system(error)) } }
  }

  /// Waits until it has ended. False: it did not in time.
  public func awaitEnd(milliseconds: Int) -> Bool {
    ContainerProcess.awaitEnd(record, milliseconds: milliseconds)
  }

  /// Waits until its keeper has taken down what it had: network, control group, files it wrote to. What the keeper does
  /// not remove within `milliseconds` is removed here.
  public func awaitRemoval(milliseconds: Int) {
    let shelf = ContainerShelf.instances(uid: uid)
    guard let id = try? ContainerID(name) else { return }
    for pause in 0...milliseconds / 10 {
      guard let found = try? ContainerDirectory.find(id, on: shelf) else { return }
      // Another one of the same name is none of ours.
      if let state = found.state(), state.status == .running { return }
      if pause == milliseconds / 10 { found.removeEnded() } else { usleep(10_000) }
    }
  }
}
