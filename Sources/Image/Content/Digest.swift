/// The digest of bytes, `sha256:0123…` (OCI Image Format, descriptor.md, "Digests"). Of the registered algorithms those two
/// are known; any other is refused, because what cannot be checked must not be used.
public struct Digest: Hashable, Sendable {
  public enum Algorithm: String, Sendable {
    case sha256, sha512

    /// Bytes of a digest.
    var byteCount: Int { self == .sha256 ? 32 : 64 }
  }

  public let algorithm: Algorithm
  /// Lower case, two characters a byte.
  public let hex: String

  /// nil for anything but `ALGORITHM:HEX` of a known algorithm, with as many lower-case digits as it has.
  public init?(_ text: String) {
    let bytes = Array(text.utf8)
    guard let colon = bytes.firstIndex(of: UInt8(ascii: ":")),
      let algorithm = Algorithm(rawValue: String(decoding: bytes[..<colon], as: UTF8.self))
    else { return nil }
    let digits = bytes[(colon + 1)...]
    guard digits.count == algorithm.byteCount * 2,
      digits.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) })
    else { return nil }
    self.algorithm = algorithm
    hex = String(decoding: digits, as: UTF8.self)
  }

  init(_ algorithm: Algorithm, bytes: [UInt8]) {
    let digits = Array("0123456789abcdef".utf8)
    self.algorithm = algorithm
    hex = String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
  }

  public var text: String { algorithm.rawValue + ":" + hex }

  /// The digest of bytes in memory.
  public static func of(_ bytes: [UInt8], _ algorithm: Algorithm = .sha256) -> Digest {
    let hasher = DigestHasher(algorithm)
    unsafe bytes.withUnsafeBytes { unsafe hasher.add($0) }
    return hasher.finish()
  }
}
