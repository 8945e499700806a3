/// Patterns of a shell (glob(7)), as far as files of settings and instances are named by them: `*`, `?`, and sets in
/// brackets. Bytes are compared.
public enum PathPattern {
  /// Whether an absolute pattern names the path; a dot at the start of a name has to be written.
  public static func matches(_ pattern: String, _ path: String) -> Bool {
    let patterns = ContainerPath.components(pattern)
    let names = ContainerPath.components(path)
    return patterns.count == names.count && zip(patterns, names).allSatisfy { matches(component: $0, $1) }
  }

  /// The same for one name.
  public static func matches(component pattern: String, _ name: String) -> Bool {
    if name.utf8.first == UInt8(ascii: "."), pattern.utf8.first != UInt8(ascii: ".") { return false }
    return matches(Array(pattern.utf8)[...], Array(name.utf8)[...])
  }

  private static func matches(_ pattern: ArraySlice<UInt8>, _ name: ArraySlice<UInt8>) -> Bool {
    var pattern = pattern
    var name = name
    // Where the last star stood, and what it has taken so far.
    var star: (pattern: ArraySlice<UInt8>, name: ArraySlice<UInt8>)?
    while true {
      if pattern.first == UInt8(ascii: "*") {
        pattern = pattern.dropFirst()
        star = (pattern, name)
        continue
      }
      if pattern.isEmpty, name.isEmpty { return true }
      if let byte = name.first, let rest = rest(of: pattern, behind: byte) {
        pattern = rest
        name = name.dropFirst()
        continue
      }
      guard let last = star, !last.name.isEmpty else { return false }
      star = (last.pattern, last.name.dropFirst())
      pattern = last.pattern
      name = last.name.dropFirst()
    }
  }

  /// What is left of a pattern whose first item stands for the byte; nil where it does not.
  private static func rest(of pattern: ArraySlice<UInt8>, behind byte: UInt8) -> ArraySlice<UInt8>? {
    guard let first = pattern.first else { return nil }
    if first == UInt8(ascii: "[") {
      let inside = pattern.dropFirst()
      // A bracket as the first of a set stands for itself.
      if let end = inside.dropFirst().firstIndex(of: UInt8(ascii: "]")) {
        return holds(inside[..<end], byte) ? pattern[(end + 1)...] : nil
      }
    }
    return first == UInt8(ascii: "?") || first == byte ? pattern.dropFirst() : nil
  }

  private static func holds(_ set: ArraySlice<UInt8>, _ byte: UInt8) -> Bool {
    let isNegated = set.first == UInt8(ascii: "!") || set.first == UInt8(ascii: "^")
    var items = isNegated ? set.dropFirst() : set
    var isIn = false
    while let first = items.first {
      if items.count >= 3, items[items.startIndex + 1] == UInt8(ascii: "-") {
        let last = items[items.startIndex + 2]
        if first <= last, (first...last).contains(byte) { isIn = true }
        items = items.dropFirst(3)
      } else {
        if first == byte { isIn = true }
        items = items.dropFirst()
      }
    }
    return isIn != isNegated
  }
}
