internal import Model

/// The global header: the first 128 bytes of a SIF, little-endian without padding (sylabs/sif, `pkg/sif/sif.go`).
///
/// | offset | size | field | offset | size | field |
/// |---|---|---|---|---|---|
/// | 0 | 32 | launch script | 72 | 8 | modification time |
/// | 32 | 10 | magic `SIF_MAGIC` | 80 | 8 | free descriptors |
/// | 42 | 3 | version `01` | 88 | 8 | descriptors in all |
/// | 45 | 3 | architecture of the primary partition | 96 | 8 | offset of the descriptor table |
/// | 48 | 16 | identifier (UUID) | 104 | 8 | bytes of the descriptor table |
/// | 64 | 8 | creation time | 112, 120 | 8, 8 | offset and bytes of the data |
public struct SIFHeader: Equatable, Sendable {
  public static let size = 128
  /// The magic, where it stands in the file.
  public static let magicOffset = 32
  public static let magic = Array("SIF_MAGIC\0".utf8)
  /// What the kernel runs when the file itself is executed; by the name every runtime answers to.
  public static let standardLaunchScript = "#!/usr/bin/env run-singularity\n"

  public var launchScript: String
  public var version: String
  /// Two digits, `00` without a primary partition; an `Architecture`'s `sifCode`.
  public var architectureCode: String
  public var identifier: [UInt8]
  /// Seconds since 1970; -62135596800 stands for no time at all.
  public var created: Int64
  public var modified: Int64
  public var freeDescriptors: Int64
  public var totalDescriptors: Int64
  public var descriptorsOffset: Int64
  public var descriptorsSize: Int64
  public var dataOffset: Int64
  public var dataSize: Int64

  init(parsing bytes: [UInt8]) throws(TruncatedFault) {
    var reader = unsafe ByteReader(bytes.span.bytes)
    launchScript = text(try reader.take(count: 32))
    try reader.skip(10)
    version = text(try reader.take(count: 3))
    architectureCode = text(try reader.take(count: 3))
    identifier = try reader.take(count: 16)
    created = try reader.take()
    modified = try reader.take()
    freeDescriptors = try reader.take()
    totalDescriptors = try reader.take()
    descriptorsOffset = try reader.take()
    descriptorsSize = try reader.take()
    dataOffset = try reader.take()
    dataSize = try reader.take()
  }

  public init(
    architectureCode: String, identifier: [UInt8], time: Int64, descriptors used: Int, total: Int,
    dataSize: Int64
  ) {
    launchScript = Self.standardLaunchScript
    version = "01"
    self.architectureCode = architectureCode
    self.identifier = identifier
    created = time
    modified = time
    freeDescriptors = Int64(total - used)
    totalDescriptors = Int64(total)
    descriptorsOffset = 4096
    descriptorsSize = Int64(total * SIFDescriptor.size)
    dataOffset = 4096 + Int64(total * SIFDescriptor.size)
    self.dataSize = dataSize
  }

  public var bytes: [UInt8] {
    var out = ByteWriter(reserving: Self.size)
    out.put(padded(launchScript, 32))
    out.put(Self.magic)
    out.put(padded(version, 3))
    out.put(padded(architectureCode, 3))
    out.put(identifier)
    for number in [
      created, modified, freeDescriptors, totalDescriptors, descriptorsOffset, descriptorsSize, dataOffset,
      dataSize,
    ] { out.put(number) }
    return out.bytes
  }

  /// The identifier as it is written: 8-4-4-4-12 hexadecimal digits.
  public var identifierText: String {
    let digits = identifier.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }
    return [0..<4, 4..<6, 6..<8, 8..<10, 10..<16].map { digits[$0].joined() }.joined(separator: "-")
  }
}

/// Text of a field of fixed width: up to the first NUL.
func text(_ bytes: [UInt8]) -> String { String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self) }

/// The bytes of a field of fixed width, filled with NUL and cut to it.
func padded(_ text: String, _ width: Int) -> [UInt8] {
  let bytes = Array(text.utf8.prefix(width))
  return bytes + repeatElement(0, count: width - bytes.count)
}
