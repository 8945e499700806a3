/// Text of the host that need not be UTF-8: arguments and variables are bytes (environ(7)), and go back as they came.
///
/// A byte that is no part of valid UTF-8 stands in a `String` as the scalar U+10FF00 + byte, from the private use area
/// at the end of Unicode. Those scalars themselves are taken apart byte by byte, so that every sequence of bytes has
/// one text and comes back.
///
/// Considered: plans of bytes instead of strings. Every comparison, table and message would carry the cost of a case
/// that is nearly never there.
public enum HostText {
  /// The text of bytes. Costs one pass where they are UTF-8.
  public static func decode(_ bytes: [UInt8]) -> String {
    if !mayHoldStandIn(bytes), let text = String(validating: bytes, as: UTF8.self) { return text }
    var text = String.UnicodeScalarView()
    var position = 0
    while position < bytes.count {
      if let (scalar, length) = scalar(at: position, in: bytes), !standIns.contains(scalar.value) {
        text.append(scalar)
        position += length
      } else {
        // Every value up to U+10FFFF from U+10FF80 is a scalar.
        if let standIn = Unicode.Scalar(0x10FF00 + UInt32(bytes[position])) { text.append(standIn) }
        position += 1
      }
    }
    return String(text)
  }

  /// The bytes of a text that `decode` made; of any other its UTF-8.
  public static func bytes(of text: String) -> [UInt8] {
    let plain = Array(text.utf8)
    guard mayHoldStandIn(plain) else { return plain }
    var bytes: [UInt8] = []
    for scalar in text.unicodeScalars {
      if standIns.contains(scalar.value) {
        bytes.append(UInt8(scalar.value & 0xFF))
      } else {
        bytes += Array(String(scalar).utf8)
      }
    }
    return bytes
  }

  /// Whether the text's bytes may differ from its UTF-8.
  public static func isStandingIn(_ text: String) -> Bool {
    // Asked of every variable at every launch: over the bytes, where they lie side by side as they nearly always do.
    let found = unsafe text.utf8.withContiguousStorageIfAvailable { bytes in
      var found = false
      for position in 0..<bytes.count where unsafe bytes[position] == 0xF4 { found = true }
      return found
    }
    return found ?? text.utf8.contains(0xF4)
  }

  static let standIns: ClosedRange<UInt32> = 0x10FF80...0x10FFFF

  /// Whether the bytes F4 8F that begin each stand-in occur.
  private static func mayHoldStandIn(_ bytes: [UInt8]) -> Bool {
    guard let first = bytes.firstIndex(of: 0xF4) else { return false }
    return bytes[first...].contains(0x8F)
  }

  /// The valid scalar that begins at a position.
  private static func scalar(at position: Int, in bytes: [UInt8]) -> (Unicode.Scalar, length: Int)? {
    var decoder = Unicode.UTF8.ForwardParser()
    var rest = bytes[position...].prefix(4).makeIterator()
    guard case .valid(let encoded) = decoder.parseScalar(from: &rest) else { return nil }
    return (Unicode.UTF8.decode(encoded), encoded.count)
  }
}
