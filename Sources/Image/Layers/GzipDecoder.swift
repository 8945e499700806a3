internal import CZlib

/// Members of a gzip file (RFC 1952), each checked against its CRC and length. Holds a window of 32 KiB.
@safe final class GzipDecoder: StreamDecoder {
  /// zlib remembers the address of the structure, so it must not move.
  private let stream: UnsafeMutablePointer<z_stream>
  /// zlib counts in 32 bits.
  private static let most = 1 << 30
  /// The largest window, with the header and trailer of gzip (zlib.h, inflateInit2).
  private static let gzipWindow: Int32 = 15 + 16

  /// nil without memory.
  init?() {
    unsafe stream = .allocate(capacity: 1)
    unsafe stream.initialize(to: z_stream())
    let result = unsafe inflateInit2_(
      stream, Self.gzipWindow, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
    guard result == Z_OK else {
      unsafe stream.deallocate()
      return nil
    }
  }

  deinit {
    unsafe inflateEnd(stream)
    unsafe stream.deallocate()
  }

  func decode(_ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) -> DecoderStep {
    let given = UInt32(min(input.count, Self.most))
    let room = UInt32(min(output.count, Self.most))
    // zlib does not write through next_in; its type lacks the const for old programs (zconf.h, z_const).
    unsafe stream.pointee.next_in = UnsafeMutablePointer(
      mutating: input.baseAddress?.assumingMemoryBound(to: UInt8.self))
    unsafe stream.pointee.avail_in = given
    unsafe stream.pointee.next_out = output.baseAddress?.assumingMemoryBound(to: UInt8.self)
    unsafe stream.pointee.avail_out = room
    let result = unsafe inflate(stream, Z_NO_FLUSH)
    let outcome: DecoderStep.Outcome =
      switch result {
      // Z_BUF_ERROR: nothing to do without more input.
      case Z_OK, Z_BUF_ERROR: .going
      case Z_STREAM_END: .ended
      case Z_MEM_ERROR: .tooLarge
      default: .damaged
      }
    return unsafe DecoderStep(
      read: Int(given - stream.pointee.avail_in), written: Int(room - stream.pointee.avail_out),
      outcome: outcome)
  }

  func restart() -> Bool { unsafe inflateReset(stream) == Z_OK }
}
