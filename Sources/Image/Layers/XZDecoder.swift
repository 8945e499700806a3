internal import CLZMA

/// Streams of an xz file ("The .xz File Format", section 2), each checked. Only archives come like that, no
/// layer does.
@safe final class XZDecoder: StreamDecoder {
  private let stream: UnsafeMutablePointer<lzma_stream>
  /// Bytes of memory: a dictionary of 128 MiB and its tables, as for zstd. `xz -9` wants half of that.
  private static let mostMemory: UInt64 = 132 << 20

  /// nil without memory.
  init?() {
    unsafe stream = .allocate(capacity: 1)
    // All zero is what LZMA_STREAM_INIT is.
    unsafe stream.initialize(to: lzma_stream())
    guard unsafe lzma_stream_decoder(stream, Self.mostMemory, 0) == LZMA_OK else {
      unsafe stream.deallocate()
      return nil
    }
  }

  deinit {
    unsafe lzma_end(stream)
    unsafe stream.deallocate()
  }

  func decode(_ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) -> DecoderStep {
    unsafe stream.pointee.next_in = input.baseAddress?.assumingMemoryBound(to: UInt8.self)
    unsafe stream.pointee.avail_in = input.count
    unsafe stream.pointee.next_out = output.baseAddress?.assumingMemoryBound(to: UInt8.self)
    unsafe stream.pointee.avail_out = output.count
    let result = unsafe lzma_code(stream, LZMA_RUN)
    let outcome: DecoderStep.Outcome =
      switch result {
      // LZMA_BUF_ERROR: nothing to do without more input.
      case LZMA_OK, LZMA_BUF_ERROR: .going
      case LZMA_STREAM_END: .ended
      case LZMA_MEM_ERROR, LZMA_MEMLIMIT_ERROR: .tooLarge
      default: .damaged
      }
    return unsafe DecoderStep(
      read: input.count - stream.pointee.avail_in, written: output.count - stream.pointee.avail_out,
      outcome: outcome)
  }

  /// The library takes the memory of the stream before again.
  func restart() -> Bool { unsafe lzma_stream_decoder(stream, Self.mostMemory, 0) == LZMA_OK }
}
