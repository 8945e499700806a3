internal import Codec

/// What the writer told its compressor ("Squashfs Binary Format", section 2.3): one uncompressed metadata block right
/// behind the superblock, there only with flag 0x400. Reading needs none of it, but a block of another size is no
/// squashfs of this compressor.
enum CompressorOptions {
  /// Bytes of the options.
  ///
  /// | compressor | fields |
  /// |---|---|
  /// | gzip | level u32, window bits u16, strategies u16 |
  /// | xz | dictionary size u32, filters u32 |
  /// | lz4 | version u32 (1), flags u32 (1: high compression) |
  /// | zstd | level u32 |
  /// | lzo | algorithm u32, level u32 |
  static func size(_ compressor: Compressor) -> Int {
    switch compressor {
    case .gzip, .xz, .lz4, .lzo: 8
    case .zstd: 4
    case .lzma: 0
    }
  }

  /// Checks the head of the block that follows the superblock.
  static func check(header: UInt16, of compressor: Compressor) throws(SquashfsFault) {
    guard header & Layout.Metadata.storedFlag != 0, Int(header & 0x7FFF) == size(compressor),
      size(compressor) > 0
    else {
      throw .field(
        "compressor options header", value: UInt64(header),
        limit: "\(UInt16(size(compressor)) | Layout.Metadata.storedFlag) for \(compressor.name)")
    }
  }
}
