internal import CDeflate
internal import CLZ4
internal import CLZMA
internal import CLZO
internal import CZstd

/// Encodes blocks with one compressor. Owns the library's state, so each thread has its own.
///
/// The old LZMA container is read but never written.
@safe public final class BlockEncoder {
  public static let supported: [Compressor] = [.gzip, .zstd, .xz, .lz4, .lzo]

  private let compressor: Compressor
  private let level: Int
  private let deflate: OpaquePointer?
  private let zstd: OpaquePointer?
  /// Working memory of lzo1x_999 and room for a block that grows.
  private let lzo: UnsafeMutableRawBufferPointer?

  /// The level used where none is asked for. gzip 6: libdeflate's is smaller than zlib's 9 at a third of the time
  /// (docs/contributing/measurements.md).
  public static func defaultLevel(_ compressor: Compressor) -> Int {
    switch compressor {
    case .gzip: 6
    case .zstd: 9
    case .xz: 6
    case .lzo: 8  // the default of mksquashfs
    default: 1
    }
  }

  /// The version of the library that writes: its bytes may differ from those of another version.
  public static func libraryVersion(_ compressor: Compressor) -> String {
    switch compressor {
    case .gzip: LIBDEFLATE_VERSION_STRING
    case .zstd: String(ZSTD_versionNumber())
    case .xz, .lzma: String(lzma_version_number())
    case .lz4: String(LZ4_versionNumber())
    case .lzo: String(lzo_version())
    }
  }

  /// `level` is the library's own scale; nil takes the default. nil result: this compressor is not written.
  public init?(_ compressor: Compressor, level: Int? = nil) {
    guard Self.supported.contains(compressor) else { return nil }
    self.compressor = compressor
    self.level = level ?? Self.defaultLevel(compressor)
    unsafe deflate = compressor == .gzip ? libdeflate_alloc_compressor(Int32(self.level)) : nil
    unsafe zstd = compressor == .zstd ? ZSTD_createCCtx() : nil
    unsafe lzo =
      compressor == .lzo
      ? .allocate(byteCount: Self.lzoMemory + Self.lzoRoom, alignment: 16) : nil
    if compressor == .gzip, unsafe deflate == nil { return nil }
    if compressor == .zstd, unsafe zstd == nil { return nil }
  }

  deinit {
    unsafe libdeflate_free_compressor(deflate)
    unsafe ZSTD_freeCCtx(zstd)
    unsafe lzo?.deallocate()
  }

  /// Encodes one block and returns its size; nil when it would not fit in `output`, and is then stored as it is.
  public func encode(_ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) -> Int? {
    guard let source = input.baseAddress, let target = output.baseAddress else { return nil }
    switch compressor {
    case .gzip:
      let count = unsafe libdeflate_zlib_compress(deflate, source, input.count, target, output.count)
      return count > 0 ? count : nil
    case .zstd:
      let result = unsafe ZSTD_compressCCtx(zstd, target, output.count, source, input.count, Int32(level))
      return ZSTD_isError(result) == 0 ? result : nil
    case .lz4:
      let result = unsafe LZ4_compress_default(
        source.assumingMemoryBound(to: CChar.self), target.assumingMemoryBound(to: CChar.self),
        Int32(input.count),
        Int32(output.count))
      return result > 0 ? Int(result) : nil
    case .xz:
      return unsafe encodeXZ(input, into: output)
    case .lzo: return unsafe encodeLZO(input, into: output)
    case .lzma: return nil
    }
  }

  /// LZO1X_999_MEM_COMPRESS.
  private static let lzoMemory = 14 * 16384 * 2
  private static let mostBlock = 1 << 20
  /// What the library asks for a block it cannot shrink (LZO.FAQ).
  private static let lzoRoom = mostBlock + mostBlock / 16 + 64 + 3

  private func encodeLZO(_ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) -> Int?
  {
    guard let memory = unsafe lzo?.baseAddress, input.count <= Self.mostBlock else { return nil }
    let room = unsafe memory + Self.lzoMemory
    var count = lzo_uint(0)
    let result = unsafe lzo1x_999_compress_level(
      input.baseAddress?.assumingMemoryBound(to: UInt8.self), lzo_uint(input.count),
      room.assumingMemoryBound(to: UInt8.self), &count, memory, nil, 0, nil, Int32(level))
    guard result == LZO_E_OK, Int(count) <= output.count else { return nil }
    unsafe output.copyMemory(from: UnsafeRawBufferPointer(start: room, count: Int(count)))
    return Int(count)
  }

  /// A dictionary no larger than the block: the kernel and our reader refuse to give memory for more.
  private func encodeXZ(_ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) -> Int? {
    var options = unsafe lzma_options_lzma()
    guard unsafe lzma_lzma_preset(&options, UInt32(level)) == 0 else { return nil }
    unsafe options.dict_size = UInt32(max(8192, min(input.count, 1 << 20)))
    var written = 0
    let result = unsafe withUnsafeMutablePointer(to: &options) { options in
      var filters = unsafe [
        lzma_filter(id: 0x21, options: UnsafeMutableRawPointer(options)),  // LZMA_FILTER_LZMA2
        lzma_filter(id: .max, options: nil),  // LZMA_VLI_UNKNOWN
      ]
      return unsafe lzma_stream_buffer_encode(
        &filters, LZMA_CHECK_CRC32, nil, input.baseAddress?.assumingMemoryBound(to: UInt8.self), input.count,
        output.baseAddress?.assumingMemoryBound(to: UInt8.self), &written, output.count)
    }
    return result == LZMA_OK ? written : nil
  }
}
