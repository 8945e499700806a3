/// Why a text is no JSON.
public struct JSONFault: Error, Equatable, Sendable {
  public let why: String
  /// Byte of the text where it stopped.
  public let offset: Int
}

extension JSON {
  /// Reads one value (RFC 8259). Of a name given twice the last counts. Nesting beyond 64 is refused: the reader calls
  /// itself, and the text may be hostile.
  public init(parsing text: [UInt8]) throws(JSONFault) {
    var reader = JSONReader(text)
    self = try reader.value(depth: 0)
    reader.skipBlanks()
    guard reader.isAtEnd else { throw reader.fault("something follows the value") }
  }

  /// The member of that name, nil for anything that is no object.
  public subscript(_ name: String) -> JSON? {
    guard case .object(let members) = self else { return nil }
    return members.last { $0.0 == name }?.1
  }

  public var text: String? { if case .string(let text) = self { text } else { nil } }

  public var members: [(String, JSON)] { if case .object(let members) = self { members } else { [] } }
}

private struct JSONReader {
  private let bytes: [UInt8]
  private var offset = 0

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  var isAtEnd: Bool { offset == bytes.count }

  func fault(_ why: String) -> JSONFault { JSONFault(why: why, offset: offset) }

  private var next: UInt8? { offset < bytes.count ? bytes[offset] : nil }

  mutating func skipBlanks() {
    while let byte = next, [0x20, 0x09, 0x0A, 0x0D].contains(byte) { offset += 1 }
  }

  private mutating func take(_ byte: UInt8) -> Bool {
    guard next == byte else { return false }
    offset += 1
    return true
  }

  private mutating func take(word: String) throws(JSONFault) {
    guard bytes[offset...].starts(with: Array(word.utf8)) else { throw fault("there is no such word") }
    offset += word.utf8.count
  }

  mutating func value(depth: Int) throws(JSONFault) -> JSON {
    guard depth <= 64 else { throw fault("it is nested deeper than 64") }
    skipBlanks()
    switch next {
    case UInt8(ascii: "{"): return try object(depth)
    case UInt8(ascii: "["): return try array(depth)
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"):
      try take(word: "true")
      return .bool(true)
    case UInt8(ascii: "f"):
      try take(word: "false")
      return .bool(false)
    case UInt8(ascii: "n"):
      try take(word: "null")
      return .null
    default: return try number()
    }
  }

  private mutating func object(_ depth: Int) throws(JSONFault) -> JSON {
    offset += 1
    var members: [(String, JSON)] = []
    skipBlanks()
    if take(UInt8(ascii: "}")) { return .object([]) }
    while true {
      skipBlanks()
      let name = try string()
      skipBlanks()
      guard take(UInt8(ascii: ":")) else { throw fault("a colon is missing") }
      members.append((name, try value(depth: depth + 1)))
      skipBlanks()
      if take(UInt8(ascii: "}")) { return .object(members) }
      guard take(UInt8(ascii: ",")) else { throw fault("a comma is missing") }
    }
  }

  private mutating func array(_ depth: Int) throws(JSONFault) -> JSON {
    offset += 1
    var values: [JSON] = []
    skipBlanks()
    if take(UInt8(ascii: "]")) { return .array([]) }
    while true {
      values.append(try value(depth: depth + 1))
      skipBlanks()
      if take(UInt8(ascii: "]")) { return .array(values) }
      guard take(UInt8(ascii: ",")) else { throw fault("a comma is missing") }
    }
  }

  private mutating func string() throws(JSONFault) -> String {
    guard take(UInt8(ascii: "\"")) else { throw fault("a string is missing") }
    var units: [UInt8] = []
    while let byte = next {
      offset += 1
      switch byte {
      case UInt8(ascii: "\""): return String(decoding: units, as: UTF8.self)
      case UInt8(ascii: "\\"): units += try escape()
      case ..<0x20: throw fault("a control character stands in a string")
      default: units.append(byte)
      }
    }
    throw fault("a string is not closed")
  }

  private mutating func escape() throws(JSONFault) -> [UInt8] {
    guard let byte = next else { throw fault("a string is not closed") }
    offset += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return [byte]
    case UInt8(ascii: "b"): return [0x08]
    case UInt8(ascii: "f"): return [0x0C]
    case UInt8(ascii: "n"): return [0x0A]
    case UInt8(ascii: "r"): return [0x0D]
    case UInt8(ascii: "t"): return [0x09]
    case UInt8(ascii: "u"):
      var units = [try unit()]
      // A code point beyond the first plane comes as two.
      if (0xD800..<0xDC00).contains(units[0]), take(UInt8(ascii: "\\")) {
        guard take(UInt8(ascii: "u")) else { throw fault("half a character") }
        units.append(try unit())
      }
      return Array(String(decoding: units, as: UTF16.self).utf8)
    default: throw fault("there is no such escape")
    }
  }

  private mutating func unit() throws(JSONFault) -> UInt16 {
    guard offset + 4 <= bytes.count,
      let unit = UInt16(String(decoding: bytes[offset..<offset + 4], as: UTF8.self), radix: 16)
    else { throw fault("four hexadecimal digits are missing") }
    offset += 4
    return unit
  }

  private mutating func number() throws(JSONFault) -> JSON {
    let start = offset
    while let byte = next, (0x30...0x39).contains(byte) || [0x2B, 0x2D, 0x2E, 0x45, 0x65].contains(byte) {
      offset += 1
    }
    let text = String(decoding: bytes[start..<offset], as: UTF8.self)
    if let integer = Int(text) { return .integer(integer) }
    guard let number = Double(text), number.isFinite else { throw fault("there is no value") }
    return .number(number)
  }
}
