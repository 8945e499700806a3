/// Which ids a user namespace has, from 0 on without a gap, and which they are outside of it (user_namespaces(7)).
///
/// 0 is the caller, those behind it are the ranges that the administrator has given the caller (subuid(5), subgid(5)).
public struct IDMap: Equatable, Sendable {
  public struct Extent: Equatable, Sendable {
    public let inside: UInt32
    public let outside: UInt32
    public let count: UInt32

    public init(inside: UInt32, outside: UInt32, count: UInt32) {
      self.inside = inside
      self.outside = outside
      self.count = count
    }
  }

  /// Lines of a map that the kernel takes since Linux 4.15.
  private static let mostExtents = 340

  public let users: [Extent]
  public let groups: [Extent]

  public init(users: [Extent], groups: [Extent]) {
    self.users = users
    self.groups = groups
  }

  /// `uid` and `gid` are those of the caller.
  public init(uid: UInt32, gid: UInt32, users: [ClosedRange<UInt32>], groups: [ClosedRange<UInt32>]) {
    self.init(users: Self.extents(uid, users), groups: Self.extents(gid, groups))
  }

  private static func extents(_ own: UInt32, _ ranges: [ClosedRange<UInt32>]) -> [Extent] {
    var extents = [Extent(inside: 0, outside: own, count: 1)]
    // The last id is none: "no change" to the kernel.
    var room = UInt32.max - 1
    for range in ranges.prefix(mostExtents - 1) {
      let (length, overflows) = (range.upperBound - range.lowerBound).addingReportingOverflow(1)
      let count = overflows ? room : min(length, room)
      guard count > 0 else { break }
      extents.append(Extent(inside: UInt32.max - room, outside: range.lowerBound, count: count))
      room -= count
    }
    return extents
  }

  /// The text of /proc/PID/uid_map, or gid_map; nil where it is none that begins with 0.
  public static func extents(parsing text: String) -> [Extent]? {
    let extents = text.lines.compactMap { line -> Extent? in
      let numbers = line.fields(at: UInt8(ascii: " ")).compactMap { UInt32($0) }
      guard numbers.count == 3 else { return nil }
      return Extent(inside: numbers[0], outside: numbers[1], count: numbers[2])
    }
    return extents.first?.inside == 0 ? extents : nil
  }

  /// How many users there are: their ids are less.
  public var userCount: UInt32 { Self.count(users) }
  public var groupCount: UInt32 { Self.count(groups) }

  private static func count(_ extents: [Extent]) -> UInt32 { extents.last.map { $0.inside + $0.count } ?? 0 }
}

/// The programs that write a map with subordinate ids for a caller: newuidmap(1) and newgidmap(1), by their paths.
public struct IDMappers: Equatable, Sendable {
  public let users: String
  public let groups: String

  public init(users: String, groups: String) {
    self.users = users
    self.groups = groups
  }
}

extension [IDMap.Extent] {
  /// For newuidmap(1): inside, outside and count of each.
  public var words: [String] { flatMap { ["\($0.inside)", "\($0.outside)", "\($0.count)"] } }

  /// A map of these ids to themselves, for a namespace beneath. A line lies within one of the namespace above.
  public var identity: String { map { "\($0.inside) \($0.inside) \($0.count)\n" }.connected(by: "") }

  /// `0 is 1000, 1 to 65536 are 100000 to 165535`
  public var text: String {
    map { extent in
      extent.count == 1
        ? "\(extent.inside) is \(extent.outside)"
        : "\(extent.inside) to \(extent.inside + (extent.count - 1)) are \(extent.outside) to "
          + "\(extent.outside + (extent.count - 1))"
    }.connected(by: ", ")
  }
}
