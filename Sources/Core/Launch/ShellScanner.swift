/// A position in a script, in bytes: what is not ASCII passes through untouched.
struct ShellScanner {
  private let bytes: [UInt8]
  private(set) var position = 0

  init(_ text: some StringProtocol) { bytes = Array(text.utf8) }

  var peek: UInt8? { position < bytes.count ? bytes[position] : nil }

  /// The byte after the next one.
  var second: UInt8? { position + 1 < bytes.count ? bytes[position + 1] : nil }

  /// The line of the next byte, from 1.
  var line: Int { 1 + bytes[..<position].count { $0 == UInt8(ascii: "\n") } }

  mutating func take() -> UInt8? {
    guard position < bytes.count else { return nil }
    defer { position += 1 }
    return bytes[position]
  }

  mutating func take(_ wanted: Unicode.Scalar) -> Bool {
    guard peek == UInt8(ascii: wanted) else { return false }
    position += 1
    return true
  }

  /// Skips blanks and continued line ends.
  mutating func skipBlanks() {
    while let next = peek {
      if next == UInt8(ascii: " ") || next == UInt8(ascii: "\t") {
        position += 1
      } else if next == UInt8(ascii: "\\"), second == UInt8(ascii: "\n") {
        position += 2
      } else {
        return
      }
    }
  }

  mutating func skipLine() {
    while let next = peek, next != UInt8(ascii: "\n") { position += 1 }
  }

  mutating func takeName() -> String {
    let start = position
    while let next = peek, ShellSubset.isLetter(next) || (position > start && ShellSubset.isDigit(next)) {
      position += 1
    }
    return String(decoding: bytes[start..<position], as: UTF8.self)
  }
}
