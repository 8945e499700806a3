extension Array where Element == UInt8 {
  /// The little-endian integer at `at`. Who calls has compared the place with the size of the array; the check here
  /// is against our own mistakes.
  @inline(__always)
  func integer<T: FixedWidthInteger & BitwiseCopyable>(_ at: Int, _: T.Type = T.self) -> T {
    precondition(at >= 0 && at <= count - MemoryLayout<T>.size)
    // In range: the line above.
    return unsafe T(littleEndian: span.bytes.unsafeLoadUnaligned(fromByteOffset: at, as: T.self))
  }
}
