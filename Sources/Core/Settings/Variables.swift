public import Model

/// The caller's environment, as it came.
public struct Variables: Equatable, Sendable {
  /// `NAME=value`, in order.
  public let all: [String]
  private let index: [Substring: Int]

  public init(_ all: [String]) {
    self.all = all
    var index: [Substring: Int] = [:]
    for (position, entry) in all.enumerated() {
      guard let equals = entry.utf8.firstIndex(of: UInt8(ascii: "=")) else { continue }
      if index[entry[..<equals]] == nil { index[entry[..<equals]] = position }
    }
    self.index = index
  }

  public subscript(_ name: String) -> String? {
    guard let position = index[name[...]] else { return nil }
    let entry = all[position]
    return String(entry[entry.utf8.index(entry.utf8.startIndex, offsetBy: name.utf8.count + 1)...])
  }

  /// Ours, else the names of the runtimes whose job scripts move over.
  public static let prefixes = ["APUS", "APPTAINER", "SINGULARITY"]

  /// `APUS_X`, else `APPTAINER_X`, else `SINGULARITY_X`.
  public func setting(_ name: String) -> String? {
    for prefix in Self.prefixes {
      if let value = self[prefix + "_" + name] { return value }
    }
    return nil
  }

  /// What a user should know about variables of several runtimes that say different things.
  public var conflicts: [Notice] {
    var notices: [Notice] = []
    for (name, value) in pairs where name.hasPrefix("SINGULARITY") {
      let rest = name.dropFirst("SINGULARITY".count)
      guard rest.hasPrefix("_"), let other = self["APPTAINER" + rest], other != value else { continue }
      let counts = self["APUS" + rest] == nil ? "APPTAINER\(rest)" : "APUS\(rest)"
      notices.append(
        Notice(
          .warning,
          "\(printable(name)) and APPTAINER\(printable(String(rest))) differ: \(printable(counts)) counts"))
    }
    return notices
  }

  /// Name and value of each entry.
  public var pairs: [(name: String, value: String)] {
    all.compactMap { entry in
      guard let equals = entry.utf8.firstIndex(of: UInt8(ascii: "=")) else { return nil }
      return (String(entry[..<equals]), String(entry[entry.utf8.index(after: equals)...]))
    }
  }
}
