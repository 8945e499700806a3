/// Reads `labels.json`: one object whose members are strings. nil for anything else: an image may hold any file there.
/// Members that are no strings are skipped; of equal names the last counts (RFC 8259, section 4).
func parseLabels(_ text: String) -> [(name: String, value: String)]? {
  var parser = LabelParser(text)
  return parser.object()
}

private struct LabelParser {
  private let scalars: [Unicode.Scalar]
  private var at = 0
  /// Values within values; deeper is refused.
  private static let deepest = 64

  init(_ text: String) { scalars = Array(text.unicodeScalars) }

  mutating func object() -> [(name: String, value: String)]? {
    guard take("{") else { return nil }
    var labels: [(name: String, value: String)] = []
    if take("}") { return labels }
    repeat {
      skipBlanks()
      guard let name = string(), take(":") else { return nil }
      skipBlanks()
      if at < scalars.count, scalars[at] == "\"" {
        guard let value = string() else { return nil }
        labels.removeAll { $0.name == name }
        labels.append((name, value))
      } else if !skipValue(depth: 0) { return nil }
    } while take(",")
    return take("}") ? labels : nil
  }

  private mutating func skipBlanks() {
    while at < scalars.count, [" ", "\t", "\n", "\r"].contains(scalars[at]) { at += 1 }
  }

  private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
    skipBlanks()
    guard at < scalars.count, scalars[at] == scalar else { return false }
    at += 1
    return true
  }

  private mutating func skipValue(depth: Int) -> Bool {
    guard depth < Self.deepest else { return false }
    skipBlanks()
    guard at < scalars.count else { return false }
    switch scalars[at] {
    case "\"": return string() != nil
    case "{":
      at += 1
      if take("}") { return true }
      repeat {
        skipBlanks()
        guard string() != nil, take(":"), skipValue(depth: depth + 1) else { return false }
      } while take(",")
      return take("}")
    case "[":
      at += 1
      if take("]") { return true }
      repeat { guard skipValue(depth: depth + 1) else { return false } } while take(",")
      return take("]")
    default:
      let start = at
      while at < scalars.count, !",]} \t\r\n".unicodeScalars.contains(scalars[at]) { at += 1 }
      return at > start
    }
  }

  private mutating func string() -> String? {
    guard at < scalars.count, scalars[at] == "\"" else { return nil }
    at += 1
    var units: [UInt16] = []
    while at < scalars.count {
      let scalar = scalars[at]
      at += 1
      switch scalar {
      case "\"": return String(decoding: units, as: UTF16.self)
      case "\\":
        guard at < scalars.count else { return nil }
        let escape = scalars[at]
        at += 1
        if escape == "u" {
          guard at + 4 <= scalars.count,
            let unit = UInt16(String(String.UnicodeScalarView(scalars[at..<at + 4])), radix: 16)
          else { return nil }
          at += 4
          units.append(unit)
        } else {
          let plain: [Unicode.Scalar: UInt16] = [
            "\"": 0x22, "\\": 0x5C, "/": 0x2F, "b": 8, "f": 12, "n": 10, "r": 13, "t": 9,
          ]
          guard let unit = plain[escape] else { return nil }
          units.append(unit)
        }
      default: units += Array(String(scalar).utf16)
      }
    }
    return nil
  }
}
