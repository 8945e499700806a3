internal import Glibc
public import Linux
internal import Model

/// What each task of a step needs in order to enter the container: namespaces, working directory, and how its
/// environment changes. All tasks of a node get the same.
public struct StepAnswer: Sendable {
  /// Namespaces in the order in which their bits stand in the answer (join.c): outer user, mount, inner user, ipc, uts,
  /// network.
  private let namespaces: [Int32?]
  private let records: Int32

  /// `records` (`StepRecord.text`) are kept in a file in memory, because an environment may be larger than a message.
  public init(namespaces: [Int32?], records text: [UInt8]) throws(SystemCallFault) {
    // MFD_CLOEXEC
    let file = try retrying("memfd_create") { unsafe memfd_create("apus-records", 1) }
    try File.write(text, to: file)
    self.init(namespaces: namespaces, file: file)
  }

  /// `file` holds the records.
  public init(namespaces: [Int32?], file: Int32) {
    self.namespaces = namespaces
    records = file
  }

  func send(to socket: Int32) throws(SystemCallFault) {
    var kinds: UInt8 = 0
    for (bit, namespace) in namespaces.enumerated() where namespace != nil { kinds |= 1 << UInt8(bit) }
    try Socket.send(
      [UInt8(ascii: "R"), kinds], descriptors: [records] + namespaces.compactMap { $0 }, to: socket)
  }
}

/// A change of a task's environment.
public enum StepRecord: Equatable, Sendable {
  case set(name: String, value: String)
  case unset(name: String)
  /// The variable gets the value that the task has for another, if it has one.
  case copy(name: String, from: String)

  /// The working directory of the tasks, and the changes.
  public static func text(directory: String, changes: [StepRecord]) -> [UInt8] {
    changes.reduce(into: bytes(UInt8(ascii: "D"), directory)) { $0 += $1.bytes }
  }

  private var bytes: [UInt8] {
    switch self {
    case .set(let name, let value): Self.bytes(UInt8(ascii: "S"), name + "=" + value)
    case .unset(let name): Self.bytes(UInt8(ascii: "U"), name)
    case .copy(let name, let from): Self.bytes(UInt8(ascii: "C"), name + "=" + from)
    }
  }

  /// A record: its kind, its text, and a zero byte, which neither paths nor variables can hold.
  private static func bytes(_ kind: UInt8, _ text: String) -> [UInt8] {
    [kind] + HostText.bytes(of: text).filter { $0 != 0 } + [0]
  }
}
