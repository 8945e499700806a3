internal import Model

/// A line of a settings file that says something: neither blank nor only a comment.
struct SettingsLine: Equatable {
  enum Content: Equatable {
    case assignment(key: String, value: String)
    /// No `=` in it.
    case other(String)
  }

  /// From 1.
  let number: Int
  let content: Content

  static func all(of text: String) -> [SettingsLine] {
    var lines: [SettingsLine] = []
    var number = 0
    for line in text.fields(at: 0x0A) {
      number += 1
      if line.utf8.first == UInt8(ascii: "#") { continue }
      let bare = trimmed(withoutComment(line.utf8))
      guard !bare.isEmpty else { continue }
      guard let equals = bare.firstIndex(of: UInt8(ascii: "=")) else {
        lines.append(SettingsLine(number: number, content: .other(String(Substring(bare)))))
        continue
      }
      let key = String(Substring(trimmed(bare[..<equals]))).lowercased()
      let value = String(Substring(trimmed(bare[bare.index(after: equals)...])))
      lines.append(SettingsLine(number: number, content: .assignment(key: key, value: value)))
    }
    return lines
  }

  /// The items of a list with commas, without blanks around them and without empty ones.
  static func items(of value: String) -> [String] {
    value.fields(at: UInt8(ascii: ",")).map { String(Substring(trimmed($0.utf8))) }.filter { !$0.isEmpty }
  }

  /// A `#` begins a comment at the start of a line or behind a blank: paths may hold one.
  private static func withoutComment(_ line: Substring.UTF8View) -> Substring.UTF8View {
    var before = UInt8(ascii: " ")
    var index = line.startIndex
    while index < line.endIndex {
      let byte = line[index]
      if byte == UInt8(ascii: "#"), before == UInt8(ascii: " ") || before == UInt8(ascii: "\t") {
        return line[..<index]
      }
      before = byte
      index = line.index(after: index)
    }
    return line
  }

  private static func trimmed(_ text: Substring.UTF8View) -> Substring.UTF8View {
    var text = text
    while let first = text.first, isBlank(first) { text.removeFirst() }
    while let last = text.last, isBlank(last) { text.removeLast() }
    return text
  }

  private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0D }
}
