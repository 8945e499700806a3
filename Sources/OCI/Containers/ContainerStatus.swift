public import Model

/// The four states of the OCI runtime specification (runtime.md, "State").
public enum ContainerStatus: String, Equatable, Sendable {
  case creating, created, running, stopped
}

/// What is asked of a container.
public struct ContainerState: Sendable {
  public let id: ContainerID
  public let status: ContainerStatus
  public let record: ContainerRecord

  public init(id: ContainerID, status: ContainerStatus, record: ContainerRecord) {
    self.id = id
    self.status = status
    self.record = record
  }

  /// The document that `state` prints.
  public var json: JSON {
    var members: [(String, JSON)] = [
      ("ociVersion", .string("1.0.2")), ("id", .string(id.text)), ("status", .string(status.rawValue)),
    ]
    // Required of a container that has a process; a stopped one's number may be another's by now.
    if status == .created || status == .running { members.append(("pid", .integer(Int(record.pid)))) }
    members.append(("bundle", .string(record.bundle)))
    members.append(
      ("annotations", .object(record.annotations.map { ($0.name, .string($0.value)) })))
    return .object(members)
  }
}
