/// A decompressor that is fed piece by piece. It holds the library's state and no bytes of the caller's; one
/// thread uses it at a time.
protocol StreamDecoder: AnyObject {
  /// Decodes from `input`, which may be empty, into `output`, which is not.
  func decode(_ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) -> DecoderStep

  /// Makes ready for the next member (gzip), frame (zstd) or stream (xz). False without memory.
  func restart() -> Bool
}

/// What one call of a decoder did.
struct DecoderStep {
  enum Outcome {
    /// It wants more input or more room.
    case going
    /// The member, frame or stream is complete, its checks were right.
    case ended
    case damaged
    /// It wants more memory than is allowed, or than there is.
    case tooLarge
  }

  /// Bytes taken from the input.
  var read: Int
  /// Bytes put into the output.
  var written: Int
  var outcome: Outcome
}
