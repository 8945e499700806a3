/// Names for files made of values: FNV-1a of 128 bits, for which nobody but the user could want a collision.
///
/// It finds bytes that a disk or a crash has changed as well; what somebody changed on purpose only a `Digest` finds.
public struct Hash: Sendable {
  // Offset basis and prime of the 128-bit variant (Fowler, Noll, Vo: "The FNV Non-Cryptographic Hash Algorithm").
  private var high: UInt64 = 0x6C62_272E_07BB_0142
  private var low: UInt64 = 0x62B8_2175_6295_C58D

  public init() {}

  public mutating func add(_ bytes: some Sequence<UInt8>) { for byte in bytes { add(byte) } }

  public mutating func add(_ bytes: UnsafeRawBufferPointer) {
    for position in 0..<bytes.count { add(unsafe bytes[position]) }
  }

  private mutating func add(_ byte: UInt8) {
    low ^= UInt64(byte)
    // × (2^88 + 0x13B)
    let (carry, product) = low.multipliedFullWidth(by: 0x13B)
    high = high &* 0x13B &+ carry &+ low << 24
    low = product
  }

  /// 32 hexadecimal digits.
  public var hexadecimal: String { Self.digits(high) + Self.digits(low) }

  /// The 32 hexadecimal digits of a text.
  public static func hexadecimal(of text: String) -> String {
    var hash = Hash()
    hash.add(text.utf8)
    return hash.hexadecimal
  }

  private static func digits(_ value: UInt64) -> String {
    let text = String(value, radix: 16)
    return String(repeating: "0", count: 16 - text.utf8.count) + text
  }
}
