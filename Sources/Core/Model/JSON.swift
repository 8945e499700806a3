/// A JSON value to be written (RFC 8259). Objects keep the order in which their members were given.
public enum JSON: Equatable, Sendable {
  case null
  case bool(Bool)
  case integer(Int)
  case number(Double)
  case string(String)
  case array([JSON])
  case object([(String, JSON)])

  public static func == (left: JSON, right: JSON) -> Bool { left.text() == right.text() }

  /// The value as text; `indented` puts each member on a line of its own, a tab deeper than its parent.
  public func text(indented: Bool = false) -> String {
    var out = ""
    write(to: &out, depth: indented ? 0 : nil)
    return out
  }

  private func write(to out: inout String, depth: Int?) {
    switch self {
    case .null: out += "null"
    case .bool(let value): out += value ? "true" : "false"
    case .integer(let value): out += String(value)
    case .number(let value): out += value.isFinite ? String(value) : "null"
    case .string(let value): JSON.quote(value, to: &out)
    case .array(let values):
      JSON.enclose("[", "]", count: values.count, depth: depth, to: &out) { index, out, depth in
        values[index].write(to: &out, depth: depth)
      }
    case .object(let members):
      JSON.enclose("{", "}", count: members.count, depth: depth, to: &out) { index, out, depth in
        JSON.quote(members[index].0, to: &out)
        out += depth == nil ? ":" : ": "
        members[index].1.write(to: &out, depth: depth)
      }
    }
  }

  private static func enclose(
    _ open: String, _ close: String, count: Int, depth: Int?, to out: inout String,
    item: (Int, inout String, Int?) -> Void
  ) {
    out += open
    for index in 0..<count {
      if index > 0 { out += "," }
      if let depth { out += "\n" + String(repeating: "\t", count: depth + 1) }
      item(index, &out, depth.map { $0 + 1 })
    }
    if count > 0, let depth { out += "\n" + String(repeating: "\t", count: depth) }
    out += close
  }

  /// Escapes what RFC 8259 section 7 demands and DEL, so that the output never carries a raw control byte.
  private static func quote(_ text: String, to out: inout String) {
    out += "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": out += "\\\""
      case "\\": out += "\\\\"
      case "\n": out += "\\n"
      case "\r": out += "\\r"
      case "\t": out += "\\t"
      case let scalar where scalar.value < 0x20 || scalar.value == 0x7F:
        let digits = String(scalar.value, radix: 16)
        out += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: out.unicodeScalars.append(scalar)
      }
    }
    out += "\""
  }
}
