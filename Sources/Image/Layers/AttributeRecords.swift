internal import Model
internal import Tree

/// Extended attributes of an entry: `SCHILY.xattr.NAME` with the value as it is, `LIBARCHIVE.xattr.NAME` with
/// the name as in URLs and the value as base64 (tar(5) of libarchive). Both may name one attribute; the plain
/// form counts.
struct AttributeRecords {
  private static let plain = Array("SCHILY.xattr.".utf8)
  private static let encoded = Array("LIBARCHIVE.xattr.".utf8)
  /// Bytes of a name (linux/limits.h, XATTR_NAME_MAX) and of a value (XATTR_SIZE_MAX).
  static let longestName = 255
  static let largestValue = 64 << 10

  private var values: [[UInt8]: [UInt8]] = [:]
  private var plainNames: Set<[UInt8]> = []

  static func isAttribute(_ keyword: ArraySlice<UInt8>) -> Bool {
    keyword.starts(with: plain) || keyword.starts(with: encoded)
  }

  /// Takes a record for which `isAttribute` holds.
  mutating func take(_ keyword: ArraySlice<UInt8>, _ value: ArraySlice<UInt8>) throws(EntryFault) {
    if keyword.starts(with: Self.plain) {
      let name = Array(keyword.dropFirst(Self.plain.count))
      values[name] = Array(value)
      plainNames.insert(name)
      return
    }
    guard let name = Self.urlDecoded(keyword.dropFirst(Self.encoded.count)), !name.contains(0),
      let value = Self.base64Decoded(value)
    else { throw .recordValue(keyword: String(decoding: keyword, as: UTF8.self)) }
    if !plainNames.contains(name) { values[name] = value }
  }

  /// Those that belong into an image, sorted by name, and a sentence on each of the others: a warning where its
  /// reader may miss it.
  func sorted() -> (kept: [TreeAttribute], dropped: [Notice]) {
    var kept: [TreeAttribute] = []
    var dropped: [Notice] = []
    for (name, value) in values.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
      if let reason = Self.reasonToDrop(name, value) {
        let text = "attribute \(printable(HostText.decode(name))) is left out: \(reason.text)"
        dropped.append(Notice(reason.level, text))
      } else {
        kept.append(TreeAttribute(name: name, value: value))
      }
    }
    return (kept, dropped)
  }

  private static func reasonToDrop(_ name: [UInt8], _ value: [UInt8]) -> Notice? {
    let known = ["user.", "security.", "trusted.", "system."].map { Array($0.utf8) }
    guard known.contains(where: { name.starts(with: $0) && name.count > $0.count }) else {
      return Notice(.warning, "its name has no name space")
    }
    if name.count > longestName { return Notice(.warning, "its name has more than \(longestName) bytes") }
    if value.count > largestValue { return Notice(.warning, "its value has more than \(largestValue) bytes") }
    // What is trusted says something to the host's kernel, and an image is not trusted. Every file of some hosts has
    // such an attribute: nobody misses it.
    guard TreeAttribute.isKept(name), !name.starts(with: known[2]) else {
      return Notice(
        .verbose, "it has a meaning on the host that made it, or would change what is seen of the image")
    }
    return nil
  }

  private static func urlDecoded(_ text: ArraySlice<UInt8>) -> [UInt8]? {
    var out: [UInt8] = []
    var rest = text
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "%") else {
        out.append(byte)
        continue
      }
      guard let high = rest.popFirst().flatMap(digit), let low = rest.popFirst().flatMap(digit) else {
        return nil
      }
      out.append(high << 4 | low)
    }
    return out
  }

  private static func digit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 0x30...0x39: byte - 0x30
    case 0x41...0x46: byte - 0x41 + 10
    case 0x61...0x66: byte - 0x61 + 10
    default: nil
    }
  }

  /// RFC 4648, section 4; libarchive leaves the padding out.
  private static func base64Decoded(_ text: ArraySlice<UInt8>) -> [UInt8]? {
    var text = text
    for _ in 0..<2 where text.last == UInt8(ascii: "=") { text.removeLast() }
    guard text.count % 4 != 1 else { return nil }
    var out: [UInt8] = []
    var bits: UInt32 = 0
    var count = 0
    for byte in text {
      let value: UInt8
      switch byte {
      case 0x41...0x5A: value = byte - 0x41
      case 0x61...0x7A: value = byte - 0x61 + 26
      case 0x30...0x39: value = byte - 0x30 + 52
      case UInt8(ascii: "+"): value = 62
      case UInt8(ascii: "/"): value = 63
      default: return nil
      }
      bits = (bits << 6 | UInt32(value)) & 0xFFFF
      count += 6
      if count >= 8 {
        count -= 8
        out.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
      }
    }
    return out
  }
}
