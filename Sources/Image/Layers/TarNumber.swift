/// Numbers of a tar header: octal digits (POSIX pax, "ustar Interchange Format"), or the bytes of a number
/// whose first bit is set (GNU tar manual, "Extensions").
enum TarNumber {
  /// nil for anything else, and beyond 64 bits. Blanks may stand before, NUL or blank ends it; no digit means
  /// 0.
  static func parse(_ field: ArraySlice<UInt8>) -> Int? {
    guard let first = field.first else { return nil }
    if first & 0x80 != 0 { return binary(field, isNegative: first & 0x40 != 0) }
    var value = 0
    var hasDigits = false
    for byte in field {
      switch byte {
      case 0x30...0x37:
        // Twelve digits have 36 bits.
        value = value << 3 | Int(byte & 7)
        hasDigits = true
      case 0x20 where !hasDigits: continue
      case 0, 0x20: return value
      default: return nil
      }
    }
    return value
  }

  /// Two's complement, most significant byte first, without the first bit.
  private static func binary(_ field: ArraySlice<UInt8>, isNegative: Bool) -> Int? {
    var value = isNegative ? -1 : 0
    for (index, byte) in field.enumerated() {
      let byte = index == 0 && !isNegative ? byte & 0x7F : byte
      let (high, isBeyond) = value.multipliedReportingOverflow(by: 256)
      if isBeyond { return nil }
      value = high | Int(byte)
    }
    return value
  }

  /// Decimal digits and nothing else, as extended headers have them; nil beyond 64 bits.
  static func decimal(_ text: ArraySlice<UInt8>) -> Int? {
    guard !text.isEmpty else { return nil }
    var value = 0
    for byte in text {
      guard (0x30...0x39).contains(byte) else { return nil }
      let (tens, isBeyond) = value.multipliedReportingOverflow(by: 10)
      let (sum, isAbove) = tens.addingReportingOverflow(Int(byte & 15))
      if isBeyond || isAbove { return nil }
      value = sum
    }
    return value
  }

  /// Seconds since 1970 with an optional sign and fraction, down to whole ones and into 0 … 2^32 - 1. nil
  /// when it is no number.
  static func seconds(_ text: ArraySlice<UInt8>) -> UInt32? {
    let isNegative = text.first == UInt8(ascii: "-")
    let parts = text.dropFirst(isNegative ? 1 : 0).split(
      separator: UInt8(ascii: "."), maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.joined().allSatisfy({ (0x30...0x39).contains($0) }), let whole = parts.first,
      !whole.isEmpty
    else { return nil }
    return isNegative ? 0 : UInt32(clamping: decimal(whole) ?? .max)
  }
}
