internal import Model

/// `bytes 100-199/1000` of an answer with a part (RFC 9110, section 14.4).
package struct ContentRange: Equatable, Sendable {
  package let first: Int
  package let last: Int
  /// nil: `*`.
  package let total: Int?

  package init?(_ text: String) {
    guard text.lowercased().utf8.starts(with: "bytes ".utf8) else { return nil }
    let parts = text.dropFirst(6).fields(at: UInt8(ascii: "/"))
    guard parts.count == 2 else { return nil }
    let range = parts[0].fields(at: UInt8(ascii: "-"))
    guard range.count == 2, let first = Int(range[0]), let last = Int(range[1]), first >= 0, last >= first
    else { return nil }
    self.first = first
    self.last = last
    if parts[1] == "*" {
      total = nil
    } else {
      guard let number = Int(parts[1]), number > last else { return nil }
      total = number
    }
  }

  /// What an answer to `bytes=OFFSET-` of a blob of that size must be.
  package func isRest(from offset: Int, of size: Int) -> Bool {
    first == offset && last == size - 1 && (total ?? size) == size
  }
}
