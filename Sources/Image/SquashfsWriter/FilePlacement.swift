public import Squashfs

/// Where the contents of a file came to lie.
public struct FilePlacement: Sendable {
  /// First block, from the start of the image.
  public var start: UInt64 = 0
  public var blocks: [StoredSize] = []
  /// Index of the fragment with the end of the file, and the byte in it.
  public var fragment: (index: UInt32, offset: UInt32)?
  /// Bytes of zeros that take no room.
  public var sparseBytes: UInt64 = 0

  public init() {}
}
