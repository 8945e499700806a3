internal import Glibc

/// The content of an entry while it is read: stretches of bytes from the archive, zeros between them.
struct TarContent {
  /// Stretches not yet finished, the last one first.
  private var stretches: [SparseStretch] = []
  private var size = 0
  private var position = 0
  /// Bytes of the content in the archive that were not taken yet, and the zeros that fill its last block.
  private var storedLeft = 0
  private var paddingLeft = 0

  /// No content.
  init() {}

  /// A file without holes.
  init(stored: Int) {
    size = stored
    storedLeft = stored
    paddingLeft = Self.padding(stored)
    if stored > 0 { stretches = [SparseStretch(offset: 0, size: stored)] }
  }

  /// Bytes that belong to the entry and are no content of it.
  init(unread stored: Int) {
    storedLeft = stored
    paddingLeft = Self.padding(stored)
  }

  init(_ map: SparseMap) throws(EntryFault) {
    stretches = try SparseStretch.check(map.stretches, fileSize: map.fileSize, stored: map.stored).reversed()
    size = map.fileSize
    storedLeft = map.stored
    paddingLeft = Self.padding(map.stored)
  }

  /// Bytes up to the next block.
  static func padding(_ size: Int) -> Int { -size & (TarHeader.blockSize - 1) }

  mutating func read(
    from input: BlockBuffer, into buffer: UnsafeMutableRawBufferPointer
  ) throws(TarFailure) -> Int {
    let wanted = min(buffer.count, size - position)
    guard wanted > 0 else { return 0 }
    guard let stretch = stretches.last, stretch.offset < position + wanted else {
      return unsafe zeros(wanted, buffer)
    }
    if position < stretch.offset { return unsafe zeros(stretch.offset - position, buffer) }
    let left = stretch.offset + stretch.size - position
    let room = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[..<min(wanted, left)])
    let got = try unsafe input.take(into: room)
    if got == 0 { throw .entry(.truncated) }
    position += got
    storedLeft -= got
    if got == left { stretches.removeLast() }
    return got
  }

  private mutating func zeros(_ count: Int, _ buffer: UnsafeMutableRawBufferPointer) -> Int {
    if let start = buffer.baseAddress { unsafe memset(start, 0, count) }
    position += count
    return count
  }

  /// Passes over what was not read.
  mutating func skip(in input: BlockBuffer) throws(TarFailure) {
    let (stored, padding) = (storedLeft, paddingLeft)
    (storedLeft, paddingLeft) = (0, 0)
    // Some writers end an archive with the last byte of the last file (`umoci insert` 0.4): Go's reader takes that.
    if padding > 0, stored == 0, try input.peek(1).isEmpty { return }
    try input.skip(stored + padding)
  }
}
