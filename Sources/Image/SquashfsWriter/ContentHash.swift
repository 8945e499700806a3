/// 128 bits of a content, to find candidates that are then compared byte by byte, and to name an image.
///
/// No defence against somebody who wants two contents to collide: nothing is decided by it alone. Two lanes of
/// multiplications of 64 by 64 bits, folded (the idea of Wang Yi's wyhash); some 8 GB/s a core.
public struct ContentHash: Hashable, Sendable {
  private(set) var high: UInt64 = 0x9E37_79B9_7F4A_7C15
  private(set) var low: UInt64 = 0xD1B5_4A32_D192_ED03

  private static let keys: (UInt64, UInt64) = (0xA076_1D64_78BD_642F, 0xE703_7ED1_A0B4_28DB)

  public init() {}

  /// Takes in one piece. Where the pieces are cut matters: "ab" and then "c" is not "abc".
  public mutating func add(_ bytes: UnsafeRawBufferPointer) {
    var one = high
    var two = low
    var offset = 0
    while bytes.count - offset >= 32 {
      // In range: 32 bytes are left.
      one = Self.fold(
        unsafe bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self) ^ Self.keys.0,
        unsafe bytes.loadUnaligned(fromByteOffset: offset + 8, as: UInt64.self) ^ one)
      two = Self.fold(
        unsafe bytes.loadUnaligned(fromByteOffset: offset + 16, as: UInt64.self) ^ Self.keys.1,
        unsafe bytes.loadUnaligned(fromByteOffset: offset + 24, as: UInt64.self) ^ two)
      offset += 32
    }
    while offset < bytes.count {
      var word: UInt64 = 0
      var shift: UInt64 = 0
      while offset < bytes.count, shift < 64 {
        word |= UInt64(unsafe bytes[offset]) << shift
        shift += 8
        offset += 1
      }
      (one, two) = (two, Self.fold(word ^ Self.keys.0, one ^ shift))
    }
    high = Self.fold(one ^ UInt64(bytes.count), two ^ Self.keys.1)
    low = Self.fold(two ^ Self.keys.0, one &+ UInt64(bytes.count)) ^ one
  }

  private static func fold(_ a: UInt64, _ b: UInt64) -> UInt64 {
    let product = a.multipliedFullWidth(by: b)
    return product.high ^ product.low
  }

  /// The 16 bytes, most significant first.
  public var bytes: [UInt8] {
    [high, low].flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> (56 - 8 * UInt64($0))) } }
  }
}
