/// A stretch of stored bytes in a segment: blocks of one file, or one fragment.
public struct Extent: Equatable, Sendable {
  /// From the start of the segment's data, in bytes.
  public var offset: UInt64
  /// Stored bytes.
  public var size: UInt64

  public init(offset: UInt64, size: UInt64) {
    self.offset = offset
    self.size = size
  }
}
