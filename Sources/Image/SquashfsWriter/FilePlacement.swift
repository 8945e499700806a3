internal import Squashfs

/// Where the contents of a file came to lie.
struct FilePlacement: Sendable {
  /// First block, from the start of the image.
  var start: UInt64 = 0
  var blocks: [StoredSize] = []
  /// Index of the fragment with the end of the file, and the byte in it.
  var fragment: (index: UInt32, offset: UInt32)?
  /// Bytes of zeros that take no room.
  var sparseBytes: UInt64 = 0
}
