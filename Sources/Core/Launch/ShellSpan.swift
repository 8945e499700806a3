/// Where an expansion of a shell ends, found by counting brackets and quotes, without understanding what is inside.
enum ShellSpan {
  /// The position behind the expansion that begins with the `$` or backtick at `start`; nil where it does not end.
  static func end(of bytes: [UInt8], from start: Int) -> Int? {
    if bytes[start] == UInt8(ascii: "`") { return closing(UInt8(ascii: "`"), bytes, start + 1) }
    guard start + 1 < bytes.count else { return start + 1 }
    switch Unicode.Scalar(bytes[start + 1]) {
    case "(": return closing(UInt8(ascii: ")"), bytes, start + 2)
    case "{": return closing(UInt8(ascii: "}"), bytes, start + 2)
    default: return start + 1
    }
  }

  /// The position behind the closing byte. Deeper brackets, quotes and expansions are passed over: each opens one more
  /// byte to wait for, so depth costs memory on the heap, never stack.
  private static func closing(_ end: UInt8, _ bytes: [UInt8], _ start: Int) -> Int? {
    var waiting: [UInt8] = [end]
    var position = start
    while position < bytes.count {
      let byte = bytes[position]
      let next = position + 1 < bytes.count ? bytes[position + 1] : 0
      if byte == waiting.last {
        waiting.removeLast()
        if waiting.isEmpty { return position + 1 }
      } else if waiting.last == UInt8(ascii: "'") {
        // Nothing is special between single quotes.
      } else if byte == UInt8(ascii: "\\") {
        position += 1
      } else if byte == UInt8(ascii: "$"), next == UInt8(ascii: "(") || next == UInt8(ascii: "{") {
        waiting.append(next == UInt8(ascii: "(") ? UInt8(ascii: ")") : UInt8(ascii: "}"))
        position += 1
      } else if byte == UInt8(ascii: "`") || byte == UInt8(ascii: "\"") {
        waiting.append(byte)
      } else if waiting.last == UInt8(ascii: ")") {
        if byte == UInt8(ascii: "(") { waiting.append(UInt8(ascii: ")")) }
        if byte == UInt8(ascii: "'") { waiting.append(byte) }
      }
      position += 1
    }
    return nil
  }
}
