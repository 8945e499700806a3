/// The part of TOML 1.0 that registries.conf is written in: tables, arrays of tables, strings in one line,
/// booleans, and arrays, whose strings are kept. Inline tables, strings of several lines and arrays in arrays
/// are refused, with the line; numbers and dates are passed over.
struct TOMLReader {
  enum Value: Equatable {
    case string(String)
    case boolean(Bool)
    case strings([String])
    /// A number or a date.
    case other
  }

  enum Item: Equatable {
    /// `[a.b]`, or `[[a.b]]` where it begins one more element.
    case table([String], isElement: Bool, line: Int)
    case pair([String], Value, line: Int)
  }

  private let bytes: [UInt8]
  private let path: String
  private var offset = 0
  private var line = 1

  private init(_ bytes: [UInt8], path: String) {
    self.bytes = bytes
    self.path = path
  }

  /// All of a text. `path` is for messages.
  static func items(of bytes: [UInt8], path: String) throws(RegistriesFault) -> [Item] {
    var reader = TOMLReader(bytes, path: path)
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { reader.offset = 3 }
    var items: [Item] = []
    while true {
      reader.skipToContent()
      guard let next = reader.next else { return items }
      items.append(next == UInt8(ascii: "[") ? try reader.table() : try reader.pair())
      try reader.endLine()
    }
  }

  private var next: UInt8? { offset < bytes.count ? bytes[offset] : nil }

  private func fault(_ why: String) -> RegistriesFault { .syntax(path: path, line: line, why: why) }

  private mutating func take(_ byte: UInt8) -> Bool {
    guard next == byte else { return false }
    offset += 1
    if byte == 0x0A { line += 1 }
    return true
  }

  private mutating func take(_ text: StaticString) -> Bool {
    let wanted = Array(text.description.utf8)
    guard bytes[offset...].starts(with: wanted) else { return false }
    offset += wanted.count
    return true
  }

  private mutating func skipBlanks() { while take(0x20) || take(0x09) {} }

  /// Blanks, comments and ends of lines.
  private mutating func skipToContent() {
    while true {
      skipBlanks()
      if next == UInt8(ascii: "#") { while let byte = next, byte != 0x0A { offset += 1 } }
      if take(0x0A) || take(0x0D) { continue }
      return
    }
  }

  private mutating func endLine() throws(RegistriesFault) {
    skipBlanks()
    if next == UInt8(ascii: "#") { while let byte = next, byte != 0x0A { offset += 1 } }
    _ = take(0x0D)
    guard next == nil || take(0x0A) else { throw fault("something follows what should end the line") }
  }

  private mutating func table() throws(RegistriesFault) -> Item {
    let isElement = take("[[")
    if !isElement { offset += 1 }
    let name = try key()
    skipBlanks()
    guard take(UInt8(ascii: "]")), !isElement || take(UInt8(ascii: "]")) else {
      throw fault("the name of a table is not closed")
    }
    return .table(name, isElement: isElement, line: line)
  }

  private mutating func pair() throws(RegistriesFault) -> Item {
    let name = try key()
    let line = line
    skipBlanks()
    guard take(UInt8(ascii: "=")) else { throw fault("\"=\" is missing") }
    skipBlanks()
    return .pair(name, try value(), line: line)
  }

  /// `a`, `"a b"`, `a.b`
  private mutating func key() throws(RegistriesFault) -> [String] {
    var parts: [String] = []
    repeat {
      skipBlanks()
      if next == UInt8(ascii: "\"") || next == UInt8(ascii: "'") {
        parts.append(try string())
      } else {
        let start = offset
        while let byte = next, Self.isBare(byte) { offset += 1 }
        guard offset > start else { throw fault("a name is missing") }
        parts.append(String(decoding: bytes[start..<offset], as: UTF8.self))
      }
      skipBlanks()
    } while take(UInt8(ascii: "."))
    return parts
  }

  private mutating func value() throws(RegistriesFault) -> Value {
    if next == UInt8(ascii: "[") { return try array() }
    return try single()
  }

  private mutating func array() throws(RegistriesFault) -> Value {
    offset += 1
    var strings: [String] = []
    while true {
      skipToContent()
      if take(UInt8(ascii: "]")) { return .strings(strings) }
      if next == UInt8(ascii: "[") { throw fault("arrays in arrays are not read") }
      if case .string(let text) = try single() { strings.append(text) }
      skipToContent()
      if take(UInt8(ascii: "]")) { return .strings(strings) }
      guard take(UInt8(ascii: ",")) else { throw fault("a comma is missing, or the array is not closed") }
    }
  }

  private mutating func single() throws(RegistriesFault) -> Value {
    switch next {
    case UInt8(ascii: "\""), UInt8(ascii: "'"): return .string(try string())
    case UInt8(ascii: "{"):
      throw fault("tables in one line are not read; write them under [[registry.mirror]]")
    default:
      let start = offset
      while let byte = next, Self.isBare(byte) || "+.:".utf8.contains(byte) { offset += 1 }
      let word = bytes[start..<offset]
      if word.elementsEqual("true".utf8) { return .boolean(true) }
      if word.elementsEqual("false".utf8) { return .boolean(false) }
      guard let first = word.first, (0x30...0x39).contains(first) || "+-".utf8.contains(first) else {
        throw fault("a value is missing; texts stand in quotes")
      }
      return .other
    }
  }

  private mutating func string() throws(RegistriesFault) -> String {
    if take("\"\"\"") || take("'''") { throw fault("strings of several lines are not read") }
    let quote = bytes[offset]
    let isLiteral = quote == UInt8(ascii: "'")
    offset += 1
    var text: [UInt8] = []
    while let byte = next, byte != 0x0A {
      offset += 1
      switch byte {
      case quote:
        guard let string = String(validating: text, as: UTF8.self) else { throw fault("a text is not UTF-8") }
        return string
      case UInt8(ascii: "\\") where !isLiteral: text += try escape()
      case 0..<0x09, 0x0A..<0x20, 0x7F: throw fault("a control character stands in a text")
      default: text.append(byte)
      }
    }
    throw fault("a text is not closed")
  }

  private mutating func escape() throws(RegistriesFault) -> [UInt8] {
    guard let byte = next else { throw fault("a text is not closed") }
    offset += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"): return [byte]
    case UInt8(ascii: "b"): return [0x08]
    case UInt8(ascii: "t"): return [0x09]
    case UInt8(ascii: "n"): return [0x0A]
    case UInt8(ascii: "f"): return [0x0C]
    case UInt8(ascii: "r"): return [0x0D]
    case UInt8(ascii: "u"), UInt8(ascii: "U"):
      let count = byte == UInt8(ascii: "u") ? 4 : 8
      guard offset + count <= bytes.count,
        let number = UInt32(String(decoding: bytes[offset..<offset + count], as: UTF8.self), radix: 16),
        let scalar = Unicode.Scalar(number)
      else { throw fault("there is no such character") }
      offset += count
      return Array(String(scalar).utf8)
    default: throw fault("there is no such escape")
    }
  }

  private static func isBare(_ byte: UInt8) -> Bool {
    (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
      || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-")
  }
}
