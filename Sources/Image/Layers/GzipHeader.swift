internal import CISAL

/// The header of a gzip member as its bytes come (RFC 1952, section 2.3).
///
/// Ours, for the library's own reader (2.30) takes the check of a header for wrong when the header comes in two pieces.
struct GzipHeader {
  private enum Field: Equatable {
    case fixed, extraLength
    case extra(length: Int)
    case name, comment, check, done
  }

  /// Section 2.3.1. Others are reserved, and must be zero.
  private enum Flag {
    static let check: UInt8 = 2
    static let extra: UInt8 = 4
    static let name: UInt8 = 8
    static let comment: UInt8 = 16
    static let known: UInt8 = 31
  }

  /// Names and comments have no end but their zero.
  private static let mostBytes = 1 << 20

  private var bytes: [UInt8] = []
  private var field = Field.fixed
  private var fieldStart = 0

  var isDone: Bool { field == .done }

  /// Takes bytes of the header from the front of `input` and returns how many; nil: it is damaged.
  mutating func take(_ input: UnsafeRawBufferPointer) -> Int? {
    var used = 0
    while field != .done, used < input.count {
      guard bytes.count < Self.mostBytes else { return nil }
      bytes.append(unsafe input[used])
      used += 1
      guard step() else { return nil }
    }
    return used
  }

  /// Goes to the next field if the last byte was the end of one.
  private mutating func step() -> Bool {
    let count = bytes.count - fieldStart
    switch field {
    case .fixed:
      guard count == 10 else { return true }
      guard bytes[0] == 0x1F, bytes[1] == 0x8B, bytes[2] == 8, bytes[3] & ~Flag.known == 0 else {
        return false
      }
      enter(bytes[3] & Flag.extra != 0 ? .extraLength : afterExtra)
    case .extraLength:
      guard count == 2 else { return true }
      let length = Int(bytes[fieldStart]) | Int(bytes[fieldStart + 1]) << 8
      enter(length > 0 ? .extra(length: length) : afterExtra)
    case .extra(let length): if count == length { enter(afterExtra) }
    case .name: if bytes.last == 0 { enter(afterName) }
    case .comment: if bytes.last == 0 { enter(afterComment) }
    case .check:
      guard count == 2 else { return true }
      let sum = unsafe bytes.withUnsafeBufferPointer {
        unsafe crc32_gzip_refl(0, $0.baseAddress, UInt64(fieldStart))
      }
      guard UInt8(truncatingIfNeeded: sum) == bytes[fieldStart],
        UInt8(truncatingIfNeeded: sum >> 8) == bytes[fieldStart + 1]
      else { return false }
      enter(.done)
    case .done: break
    }
    return true
  }

  private var afterExtra: Field { bytes[3] & Flag.name != 0 ? .name : afterName }
  private var afterName: Field { bytes[3] & Flag.comment != 0 ? .comment : afterComment }
  private var afterComment: Field { bytes[3] & Flag.check != 0 ? .check : .done }

  private mutating func enter(_ next: Field) {
    field = next
    fieldStart = bytes.count
    if next == .done { bytes = [] }
  }
}
