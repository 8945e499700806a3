public import Linux
internal import Model

/// What a host has for a caller who wants to be more users than one.
public struct SubordinateIDs: Equatable, Sendable {
  /// The texts of /etc/subuid and /etc/subgid; nil: there is no such file, or it cannot be read.
  public var users: String?
  public var groups: String?
  /// Where newuidmap and newgidmap are.
  public var userProgram: String?
  public var groupProgram: String?
  /// Whether set-uid programs have no effect for this process (PR_SET_NO_NEW_PRIVS).
  public var forbidsNewPrivileges: Bool

  public init(
    users: String? = nil, groups: String? = nil, userProgram: String? = nil, groupProgram: String? = nil,
    forbidsNewPrivileges: Bool = false
  ) {
    self.users = users
    self.groups = groups
    self.userProgram = userProgram
    self.groupProgram = groupProgram
    self.forbidsNewPrivileges = forbidsNewPrivileges
  }
}

extension SubordinateIDs {
  /// Whether nsswitch.conf(5) names a source of ranges that is no file.
  static func haveOtherSource(_ text: String) -> Bool {
    guard let line = text.lines.last(where: { $0.starts(withBytesOf: "subid:") }) else { return false }
    let sources = line.dropFirst("subid:".count).fields(at: UInt8(ascii: " ")).filter { !$0.isEmpty }
    return sources.contains { $0 != "files" }
  }

  /// What getsubids(1) says, `0: ann 100000 65536`, as lines of subuid(5).
  static func lines(ofGetsubids text: String) -> String {
    text.lines.compactMap { line in
      let fields = line.fields(at: UInt8(ascii: " "))
      return fields.count == 4 ? "\(fields[1]):\(fields[2]):\(fields[3])\n" : nil
    }.connected(by: "")
  }
}

/// The lines of /etc/subuid or /etc/subgid that are about one user (subuid(5)): `NAME:FIRST:COUNT`, by login name or by
/// number.
public struct SubordinateRanges: Equatable, Sendable {
  public private(set) var ranges: [ClosedRange<UInt32>] = []
  /// Lines of theirs that cannot be used, and why.
  public private(set) var faults: [String] = []
  /// Lines of others that give them ids of these ranges too.
  public private(set) var shared: [String] = []

  /// `own` is the id of the user outside, which has its place already.
  public init(_ text: String, path: String, user: User, own: UInt32) {
    var others: [(line: Int, name: Substring, range: ClosedRange<UInt32>)] = []
    for (index, line) in text.fields(at: 0x0A).enumerated() {
      let fields = line.fields(at: UInt8(ascii: ":"))
      let range = fields.count == 3 ? Self.range(fields[1], fields[2]) : nil
      let name = fields[0]
      guard !name.isEmpty, name == "\(user.uid)" || name == user.entry.map({ $0.name[...] }) else {
        if let range { others.append((index + 1, name, range)) }
        continue
      }
      guard let range else {
        faults.append("line \(index + 1) of \(path) is not NAME:FIRST:COUNT")
        continue
      }
      // Often there is one line by name and the same by number.
      if ranges.contains(range) { continue }
      if range.contains(own) || ranges.contains(where: { $0.overlaps(range) }) {
        let what = range.contains(own) ? "your own id, \(own)" : "another line of yours"
        faults.append("line \(index + 1) of \(path) overlaps with \(what)")
        continue
      }
      ranges.append(range)
    }
    for other in others where ranges.contains(where: { $0.overlaps(other.range) }) {
      shared.append("line \(other.line) of \(path) gives \(printable(String(other.name))) the same ids")
    }
  }

  private static func range(_ first: Substring, _ count: Substring) -> ClosedRange<UInt32>? {
    guard let first = UInt32(first), let count = UInt32(count), count > 0 else { return nil }
    let (last, overflows) = first.addingReportingOverflow(count - 1)
    // The last number is no id.
    return overflows || last == .max ? nil : first...last
  }

  /// How many ids they are.
  public var count: Int { ranges.reduce(0) { $0 + Int($1.upperBound - $1.lowerBound) + 1 } }
}
