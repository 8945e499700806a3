/// Times as configurations write them (RFC 3339, section 5.6).
enum Timestamp {
  /// Whole seconds since 1970, 0 for what lies before and the last second of 2106 for what lies behind; nil for what is
  /// no time.
  static func seconds(_ text: String) -> UInt32? {
    let bytes = Array(text.utf8)
    func number(_ start: Int, _ count: Int) -> Int? {
      guard start + count <= bytes.count else { return nil }
      var value = 0
      for byte in bytes[start..<start + count] {
        guard (0x30...0x39).contains(byte) else { return nil }
        value = value * 10 + Int(byte - 0x30)
      }
      return value
    }
    guard let year = number(0, 4), let month = number(5, 2), let day = number(8, 2), let hour = number(11, 2),
      let minute = number(14, 2), let second = number(17, 2), bytes[4] == 0x2D, bytes[7] == 0x2D,
      [0x54, 0x74, 0x20].contains(bytes[10]), bytes[13] == 0x3A, bytes[16] == 0x3A,
      (1...12).contains(month), (1...31).contains(day), hour < 24, minute < 60, second <= 60
    else { return nil }
    var end = 19
    if end < bytes.count, bytes[end] == 0x2E {
      end += 1
      while end < bytes.count, (0x30...0x39).contains(bytes[end]) { end += 1 }
    }
    guard end < bytes.count else { return nil }
    var offset = 0
    switch bytes[end] {
    case 0x5A, 0x7A: guard end + 1 == bytes.count else { return nil }
    case 0x2B, 0x2D:
      guard let hours = number(end + 1, 2), let minutes = number(end + 4, 2), end + 6 == bytes.count,
        bytes[end + 3] == 0x3A
      else { return nil }
      offset = (hours * 60 + minutes) * 60 * (bytes[end] == 0x2B ? 1 : -1)
    default: return nil
    }
    let seconds = days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - offset
    return UInt32(clamping: seconds)
  }

  /// Days from 1970-01-01 in the Gregorian calendar: years begin in March, so that the odd day comes last.
  private static func days(_ year: Int, _ month: Int, _ day: Int) -> Int {
    let year = month <= 2 ? year - 1 : year
    let inYear = (153 * ((month + 9) % 12) + 2) / 5 + day - 1
    return year * 365 + year / 4 - year / 100 + year / 400 + inYear - 719_468
  }
}
