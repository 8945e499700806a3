internal import CZstd

/// Frames of a zstd file (RFC 8878), skippable frames included. The window is at most 128 MiB: a frame may
/// ask for much more, and the memory would be ours.
@safe final class ZstdDecoder: StreamDecoder {
  private let context: OpaquePointer
  /// Base-2 logarithm of the largest window, the program zstd's own bound.
  private static let largestWindow: Int32 = 27

  /// ZSTD_error_frameParameter_windowTooLarge and ZSTD_error_memory_allocation (zstd_errors.h: numbers below
  /// 100 stay).
  private static let memoryErrors = [16, 64]

  /// nil without memory.
  init?() {
    guard let context = unsafe ZSTD_createDCtx() else { return nil }
    unsafe ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, Self.largestWindow)
    unsafe self.context = context
  }

  deinit { unsafe ZSTD_freeDCtx(context) }

  func decode(_ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) -> DecoderStep {
    var given = unsafe ZSTD_inBuffer(src: input.baseAddress, size: input.count, pos: 0)
    var room = unsafe ZSTD_outBuffer(dst: output.baseAddress, size: output.count, pos: 0)
    let result = unsafe ZSTD_decompressStream(context, &room, &given)
    let outcome: DecoderStep.Outcome
    if ZSTD_isError(result) == 0 {
      outcome = result == 0 ? .ended : .going
    } else {
      outcome = Self.memoryErrors.contains(0 &- result) ? .tooLarge : .damaged
    }
    return unsafe DecoderStep(read: given.pos, written: room.pos, outcome: outcome)
  }

  func restart() -> Bool { unsafe ZSTD_isError(ZSTD_DCtx_reset(context, ZSTD_reset_session_only)) == 0 }
}
