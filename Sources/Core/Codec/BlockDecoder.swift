internal import CDeflate
internal import CLZ4
internal import CLZMA
internal import CLZO
internal import CZstd

/// Decodes blocks of one compressor. Owns the library's state, so each thread has its own.
///
/// The memory of every library is bounded: a block has at most 1 MiB ("Squashfs Binary Format", section 2), so an xz
/// dictionary beyond that is a lie and refused. The others decode in one go from input to output and hold no window.
@safe public final class BlockDecoder {
  private let compressor: Compressor
  private let deflate: OpaquePointer?
  private let zstd: OpaquePointer?
  /// Bytes the xz decoder may take: a dictionary of 1 MiB and its tables.
  private static let xzMemory: UInt64 = 2 << 20
  /// No block is larger; the libraries with 32-bit sizes can take this much.
  private static let mostInput = 2 << 20

  public init(_ compressor: Compressor) throws(CodecFault) {
    self.compressor = compressor
    unsafe deflate = compressor == .gzip ? libdeflate_alloc_decompressor() : nil
    unsafe zstd = compressor == .zstd ? ZSTD_createDCtx() : nil
    if compressor == .gzip, unsafe deflate == nil { throw .outOfMemory(.gzip) }
    if compressor == .zstd {
      guard let context = unsafe zstd else { throw .outOfMemory(.zstd) }
      unsafe ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, 20)
    }
  }

  deinit {
    unsafe libdeflate_free_decompressor(deflate)
    unsafe ZSTD_freeDCtx(zstd)
  }

  /// Decodes one whole block and returns how many bytes it has. More than `output` holds is a fault, and so are bytes
  /// left over behind the end of the compressed stream.
  public func decode(
    _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
  ) throws(CodecFault) -> Int {
    guard let source = input.baseAddress, let target = output.baseAddress, input.count > 0, output.count > 0,
      input.count <= Self.mostInput, output.count <= Int(Int32.max)
    else { throw .corrupt(compressor) }
    switch compressor {
    case .gzip:
      var count = 0
      var read = 0
      let result = unsafe libdeflate_zlib_decompress_ex(
        deflate, source, input.count, target, output.count, &read, &count)
      guard result == LIBDEFLATE_SUCCESS, read == input.count else { throw .corrupt(.gzip) }
      return count
    case .zstd:
      let result = unsafe ZSTD_decompressDCtx(zstd, target, output.count, source, input.count)
      guard ZSTD_isError(result) == 0 else { throw .corrupt(.zstd) }
      return result
    case .lz4:
      let result = unsafe LZ4_decompress_safe(
        source.assumingMemoryBound(to: CChar.self), target.assumingMemoryBound(to: CChar.self),
        Int32(input.count),
        Int32(output.count))
      guard result >= 0 else { throw .corrupt(.lz4) }
      return Int(result)
    case .xz:
      var memory = Self.xzMemory
      var read = 0
      var written = 0
      let result = unsafe lzma_stream_buffer_decode(
        &memory, 0, nil, source.assumingMemoryBound(to: UInt8.self), &read, input.count,
        target.assumingMemoryBound(to: UInt8.self), &written, output.count)
      guard result == LZMA_OK, read == input.count else { throw .corrupt(.xz) }
      return written
    case .lzo:
      var count = lzo_uint(output.count)
      let result = unsafe lzo1x_decompress_safe(
        source.assumingMemoryBound(to: UInt8.self), lzo_uint(input.count),
        target.assumingMemoryBound(to: UInt8.self), &count, nil)
      guard result == LZO_E_OK else { throw .corrupt(.lzo) }
      return Int(count)
    case .lzma:
      return unsafe try decodeLZMA(input, into: output)
    }
  }

  /// The LZMA-alone container: properties u8, dictionary size u32, decoded size u64, then the stream.
  private func decodeLZMA(
    _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
  ) throws(CodecFault) -> Int {
    var stream = unsafe lzma_stream()
    guard unsafe lzma_alone_decoder(&stream, Self.xzMemory) == LZMA_OK else { throw .outOfMemory(.lzma) }
    defer { unsafe lzma_end(&stream) }
    unsafe stream.next_in = input.baseAddress?.assumingMemoryBound(to: UInt8.self)
    unsafe stream.avail_in = input.count
    unsafe stream.next_out = output.baseAddress?.assumingMemoryBound(to: UInt8.self)
    unsafe stream.avail_out = output.count
    let result = unsafe lzma_code(&stream, LZMA_FINISH)
    // A stream that names its size may end without a mark; then all input was read.
    guard result == LZMA_STREAM_END || result == LZMA_OK, unsafe stream.avail_in == 0 else {
      throw .corrupt(.lzma)
    }
    return unsafe Int(stream.total_out)
  }
}
