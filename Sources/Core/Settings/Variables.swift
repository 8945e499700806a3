public import Model

/// The caller's environment, as it came.
public struct Variables: Equatable, Sendable {
  /// `NAME=value`, in order.
  public let all: [String]

  public init(_ all: [String]) { self.all = all }

  /// The value of the first entry of that name. A launch asks for a dozen: a search through the few entries there are
  /// costs less than an index of them.
  public subscript(_ name: String) -> String? {
    let wanted = name.utf8
    for entry in all {
      let bytes = entry.utf8
      guard bytes.starts(with: wanted) else { continue }
      let end = bytes.index(bytes.startIndex, offsetBy: wanted.count)
      guard end < bytes.endIndex, bytes[end] == UInt8(ascii: "=") else { continue }
      return String(entry[bytes.index(after: end)...])
    }
    return nil
  }

  /// Those with the prefix of a runtime's settings: each option of a command line asks for several names, and most
  /// environments have none of them.
  public var settings: Variables {
    Variables(all.filter { entry in Self.prefixes.contains { entry.utf8.starts(with: $0.utf8) } })
  }

  /// Ours, else the names of the runtimes whose job scripts move over.
  public static let prefixes = ["APUS", "APPTAINER", "SINGULARITY"]

  /// How the names begin by which runtimes are told things, and tell the container about them.
  public static let owned = prefixes.flatMap { [$0 + "_", $0 + "ENV_"] }

  /// `APUS_X`, else `APPTAINER_X`, else `SINGULARITY_X`. An empty one is as good as none.
  public func setting(_ name: String) -> String? {
    for prefix in Self.prefixes {
      if let value = self[prefix + "_" + name], !value.isEmpty { return value }
    }
    return nil
  }

  /// What a user should know about variables of several runtimes that say different things.
  public var conflicts: [Notice] {
    var notices: [Notice] = []
    for (name, value) in pairs(beginningWith: "SINGULARITY_") {
      let rest = name.dropFirst("SINGULARITY".count)
      guard let other = self["APPTAINER" + rest], other != value else { continue }
      let counts = self["APUS" + rest] == nil ? "APPTAINER\(rest)" : "APUS\(rest)"
      notices.append(
        Notice(
          .warning,
          "\(printable(name)) and APPTAINER\(printable(String(rest))) differ: \(printable(counts)) counts"))
    }
    return notices
  }

  /// Whether one of the patterns means the name: equal, or with a `*` at its end the beginning.
  public static func isNamed(_ name: String, by patterns: [String]) -> Bool {
    patterns.contains { pattern in
      pattern.utf8.last == UInt8(ascii: "*")
        ? name.starts(withBytesOf: String(pattern.dropLast())) : name == pattern
    }
  }

  /// Name and value of the entries whose names begin so.
  public func pairs(beginningWith prefix: String) -> [(name: String, value: String)] {
    all.contains { $0.starts(withBytesOf: prefix) }
      ? pairs.filter { $0.name.starts(withBytesOf: prefix) } : []
  }

  /// Name and value of each entry.
  public var pairs: [(name: String, value: String)] {
    all.compactMap { entry in
      guard let equals = entry.utf8.firstIndex(of: UInt8(ascii: "=")) else { return nil }
      return (String(entry[..<equals]), String(entry[entry.utf8.index(after: equals)...]))
    }
  }
}
