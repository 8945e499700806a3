public import Linux
public import Model

/// Why /etc/subuid or /etc/subgid is not changed.
public enum SubordinateFileFault: Error, Equatable, Sendable {
  case has(user: String, path: String)
  case hasNone(user: String, path: String)
  case isFull(path: String)
}

extension SubordinateFileFault: Explained {
  public var explanation: Explanation {
    switch self {
    case .has(let user, let path):
      Explanation(
        what: "cannot add a range for \(printable(user))", why: "\(path) has one",
        remedy: "leave it, or take it away first: apus config fakeroot --remove \(printable(user))")
    case .hasNone(let user, let path):
      Explanation(
        what: "cannot change the range of \(printable(user))", why: "\(path) has none",
        remedy: "add one: apus config fakeroot --add \(printable(user))")
    case .isFull(let path):
      Explanation(
        what: "cannot add a range", why: "\(path) has no \(FakerootPlan.usualCount) ids in a row left",
        remedy: "remove lines of users who are gone")
    }
  }
}

/// The text of /etc/subuid or /etc/subgid, with the ranges of users who may use `--fakeroot`. One that is switched off has
/// `!` before its name, as Apptainer has it: newuidmap(1) then does not know it.
public struct SubordinateFile: Equatable, Sendable {
  public let path: String
  public private(set) var lines: [String]

  public init(path: String, text: String) {
    self.path = path
    lines = text.lines.map(String.init)
  }

  public var text: String { lines.isEmpty ? "" : lines.connected(by: "\n") + "\n" }

  /// The first ids of blocks of the usual size that no line of these files has, from the highest on: numbers of people
  /// grow from below. The highest block ends well before the last id, as Apptainer's does.
  public static func freeBlock(in files: [SubordinateFile]) -> UInt32? {
    let taken = files.flatMap(\.lines).compactMap { line -> ClosedRange<UInt64>? in
      let fields = line.fields(at: UInt8(ascii: ":"))
      guard fields.count == 3, let first = UInt64(fields[1]), let count = UInt64(fields[2]), count > 0,
        count <= 1 << 32
      else { return nil }
      return first...first + (count - 1)
    }
    let size = UInt64(FakerootPlan.usualCount)
    var first: UInt64 = 4_294_836_224
    // Numbers below are for people and systems.
    while first >= 1 << 20 {
      let block = first...first + (size - 1)
      if !taken.contains(where: { $0.overlaps(block) }) { return UInt32(first) }
      first -= size
    }
    return nil
  }

  /// Whether a line is the user's; `!` before the name does not count.
  private func isOf(_ user: PasswordEntry, _ line: String) -> Bool {
    let name = line.fields(at: UInt8(ascii: ":"))[0]
    let plain = name.starts(withBytesOf: "!") ? name.dropFirst() : name
    return plain == user.name || plain == "\(user.uid)"
  }

  public mutating func add(_ user: PasswordEntry, first: UInt32) throws(SubordinateFileFault) {
    guard !lines.contains(where: { isOf(user, $0) }) else { throw .has(user: user.name, path: path) }
    lines.append("\(user.name):\(first):\(FakerootPlan.usualCount)")
  }

  public mutating func remove(_ user: PasswordEntry) throws(SubordinateFileFault) {
    let kept = lines.filter { !isOf(user, $0) }
    guard kept.count < lines.count else { throw .hasNone(user: user.name, path: path) }
    lines = kept
  }

  public mutating func `switch`(_ user: PasswordEntry, on: Bool) throws(SubordinateFileFault) {
    guard lines.contains(where: { isOf(user, $0) }) else { throw .hasNone(user: user.name, path: path) }
    lines = lines.map { line in
      guard isOf(user, line) else { return line }
      let plain = line.starts(withBytesOf: "!") ? String(line.dropFirst()) : line
      return on ? plain : "!" + plain
    }
  }
}
