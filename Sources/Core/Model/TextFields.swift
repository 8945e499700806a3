/// Splitting text at ASCII bytes. Files of the host are lines and fields of bytes: a Character would join a carriage
/// return to its line feed, and finding the borders of Characters costs fifty times as much.
///
/// Not generic: unspecialised code of another module would cost more than the search.
extension Substring {
  /// The parts between separators; empty ones too.
  public func fields(at separator: UInt8) -> [Substring] {
    let bytes = utf8
    var separators: [Int] = []
    // Always there: other ways to store text belong to other systems.
    _ = unsafe bytes.withContiguousStorageIfAvailable { buffer in
      for position in 0..<buffer.count where unsafe buffer[position] == separator {
        separators.append(position)
      }
    }
    var fields: [Substring] = []
    fields.reserveCapacity(separators.count + 1)
    var start = bytes.startIndex
    var offset = 0
    for position in separators {
      let end = bytes.index(start, offsetBy: position - offset)
      fields.append(self[start..<end])
      start = bytes.index(after: end)
      offset = position + 1
    }
    fields.append(self[start...])
    return fields
  }

  /// The lines that are not empty.
  public var lines: [Substring] { fields(at: 0x0A).filter { !$0.isEmpty } }

  /// Whether the text begins with these bytes.
  public func starts(withBytesOf prefix: String) -> Bool { utf8.starts(with: prefix.utf8) }
}

extension String {
  /// The parts between separators; empty ones too.
  public func fields(at separator: UInt8) -> [Substring] { self[...].fields(at: separator) }

  /// The lines that are not empty.
  public var lines: [Substring] { self[...].lines }

  /// Whether the text begins with these bytes.
  public func starts(withBytesOf prefix: String) -> Bool { utf8.starts(with: prefix.utf8) }

  /// Whether these bytes occur in the text.
  public func holds(bytesOf part: String) -> Bool {
    let part = Array(part.utf8)
    let bytes = Array(utf8)
    guard part.count <= bytes.count else { return false }
    return (0...bytes.count - part.count).contains { bytes[$0...].starts(with: part) }
  }
}

extension [String] {
  /// The parts with a separator between them: `joined` of the standard library looks up types at run time.
  public func connected(by separator: String) -> String {
    var text = ""
    for (index, part) in enumerated() {
      if index > 0 { text += separator }
      text += part
    }
    return text
  }
}
