internal import Codec
internal import Linux
internal import Synchronization

/// One decoded metadata block: at most 8 KiB ("Squashfs Binary Format", section 3).
final class MetadataBlock: Sendable {
  let bytes: [UInt8]
  /// Where the next block starts, from the start of the image.
  let next: Int

  init(bytes: [UInt8], next: Int) {
    self.bytes = bytes
    self.next = next
  }
}

/// Decoded metadata blocks by their place in the image, kept while there is room: all metadata of an image with
/// 46,000 inodes is 2.8 MiB.
///
/// A block that is there is found under a lock of its own, so nobody waits for a slow disk but those who need it.
final class MetadataCache: Sendable {
  /// 16 MiB decoded.
  static let mostBlocks = 2048

  private struct Kept {
    var blocks: [Int: MetadataBlock] = [:]
    /// Oldest first; a ring would save nothing at this size.
    var order: [Int] = []
  }

  private struct Loader {
    var decoder: BlockDecoder?
    var windows = StoredWindows()
  }

  private let kept = Mutex(Kept())
  private let loader = Mutex(Loader())
  private let descriptor: Int32
  private let offset: Int
  /// Bytes of the image.
  private let length: Int
  private let compressor: Compressor

  init(descriptor: Int32, offset: Int, length: Int, compressor: Compressor) {
    self.descriptor = descriptor
    self.offset = offset
    self.length = length
    self.compressor = compressor
  }

  /// The block that starts at `position` of the image and must end before `end`.
  func block(at position: Int, end: Int) throws(SquashfsFault) -> MetadataBlock {
    if let block = find(position) { return try within(end, block) }
    let loaded = loader.withLock { (loader: inout sending Loader) -> Result<MetadataBlock, SquashfsFault> in
      if let block = find(position) { return .success(block) }
      do throws(SquashfsFault) {
        let block = try load(at: position, end: end, &loader)
        keep(block, at: position)
        return .success(block)
      } catch { return .failure(error) }
    }
    return try within(end, try loaded.get())
  }

  private func within(_ end: Int, _ block: MetadataBlock) throws(SquashfsFault) -> MetadataBlock {
    guard block.next <= end else { throw .truncated("a table") }
    return block
  }

  private func find(_ position: Int) -> MetadataBlock? { kept.withLock { $0.blocks[position] } }

  private func keep(_ block: MetadataBlock, at position: Int) {
    kept.withLock { kept in
      if kept.order.count >= Self.mostBlocks {
        let dropped = Self.mostBlocks / 4
        for old in kept.order.prefix(dropped) { kept.blocks[old] = nil }
        kept.order.removeFirst(dropped)
      }
      if kept.blocks.updateValue(block, forKey: position) == nil { kept.order.append(position) }
    }
  }

  private func load(at position: Int, end: Int, _ loader: inout Loader) throws(SquashfsFault) -> MetadataBlock
  {
    let end = min(end, length)
    guard position >= 0, position <= end - Layout.Metadata.leastStored else {
      throw .truncated("a metadata block")
    }
    // Header and the largest block in one read.
    let wanted = min(Layout.Metadata.headerSize + Layout.Metadata.decodedSize, end - position)
    let stored = try loader.windows.bytes(
      at: position, count: wanted, limit: length, descriptor: descriptor, offset: offset)
    guard stored.count >= Layout.Metadata.leastStored else { throw .truncated("a metadata block") }
    let first = stored.startIndex
    let header = UInt16(stored[first]) | UInt16(stored[first + 1]) << 8
    let size = Int(header & ~Layout.Metadata.storedFlag)
    guard (1...Layout.Metadata.decodedSize).contains(size) else {
      throw .field("metadata block size", value: UInt64(size), limit: "1 to \(Layout.Metadata.decodedSize)")
    }
    guard size <= stored.count - Layout.Metadata.headerSize else { throw .truncated("a metadata block") }
    let body = stored[first + 2..<first + 2 + size]
    let next = position + Layout.Metadata.headerSize + size
    if header & Layout.Metadata.storedFlag != 0 { return MetadataBlock(bytes: Array(body), next: next) }
    if loader.decoder == nil {
      do throws(CodecFault) { loader.decoder = try BlockDecoder(compressor) } catch { throw .block(error) }
    }
    guard let decoder = loader.decoder else { throw .truncated("a metadata block") }
    return MetadataBlock(bytes: try Self.decode(body, decoder), next: next)
  }

  private static func decode(_ stored: ArraySlice<UInt8>, _ decoder: BlockDecoder) throws(SquashfsFault)
    -> [UInt8]
  {
    var failure: CodecFault?
    let bytes = unsafe [UInt8](unsafeUninitializedCapacity: Layout.Metadata.decodedSize) {
      buffer, initialized in
      // In range: exactly the capacity asked for; the decoder writes no more and says how much it wrote.
      let room = unsafe UnsafeMutableRawBufferPointer(
        start: buffer.baseAddress, count: Layout.Metadata.decodedSize)
      unsafe stored.withUnsafeBytes { source in
        do throws(CodecFault) { initialized = try unsafe decoder.decode(source, into: room) } catch {
          failure = error
        }
      }
    }
    if let failure { throw .block(failure) }
    guard !bytes.isEmpty else { throw .truncated("a metadata block") }
    return bytes
  }
}

/// Stored bytes read ahead in runs: one for the inode table and one for the directory table, which a walk reads by
/// turns. A parallel file system answers a read of 64 KiB about as fast as one of 8.
private struct StoredWindows {
  static let run = 64 << 10

  private struct Window {
    var start = 0
    var bytes: [UInt8] = []
  }

  private var windows = [Window(), Window()]
  /// The window used last.
  private var recent = 0

  /// The bytes at `position`, fewer than `count` where the file ends early. `limit`: end of the image.
  mutating func bytes(
    at position: Int, count: Int, limit: Int, descriptor: Int32, offset: Int
  ) throws(SquashfsFault) -> ArraySlice<UInt8> {
    for index in windows.indices {
      let start = position - windows[index].start
      if start >= 0, start <= windows[index].bytes.count - count {
        recent = index
        return windows[index].bytes[start..<start + count]
      }
    }
    recent = 1 - recent
    var run = windows[recent].bytes
    windows[recent].bytes = []
    let wanted = min(Self.run, limit - position)
    if run.count != wanted { run = [UInt8](repeating: 0, count: wanted) }
    let got = try SquashfsImage.read(descriptor, at: offset + position, into: &run)
    if got < run.count { run.removeLast(run.count - got) }
    windows[recent] = Window(start: position, bytes: run)
    return run.prefix(count)
  }
}

/// Walks through consecutive metadata blocks of one table. Positions only rise, so no walk can go in circles.
struct MetadataCursor {
  private let cache: MetadataCache
  /// Where the table ends, from the start of the image.
  private let end: Int
  private var block: MetadataBlock
  private(set) var position: Int
  private(set) var offset: Int

  init(_ cache: MetadataCache, at position: Int, offset: Int, end: Int) throws(SquashfsFault) {
    self.cache = cache
    self.end = end
    self.position = position
    self.offset = offset
    block = try cache.block(at: position, end: end)
    guard offset <= block.bytes.count else {
      throw .field("metadata offset", value: UInt64(offset), limit: "at most \(block.bytes.count)")
    }
  }

  /// The most bytes that can follow, were every block left as small as a block can be and decoded to the largest.
  var mostBytes: Int {
    let blocks = (end - position) / Layout.Metadata.leastStored + 1
    return blocks * Layout.Metadata.decodedSize - min(offset, Layout.Metadata.decodedSize)
  }

  private mutating func advance() throws(SquashfsFault) {
    position = block.next
    block = try cache.block(at: position, end: end)
    offset = 0
  }

  /// Copies the next `count` bytes.
  mutating func take(_ count: Int) throws(SquashfsFault) -> [UInt8] {
    if count <= block.bytes.count - offset {
      defer { offset += count }
      return Array(block.bytes[offset..<offset + count])
    }
    var out: [UInt8] = []
    out.reserveCapacity(min(count, 65536))
    while out.count < count {
      if offset == block.bytes.count { try advance() }
      let run = min(count - out.count, block.bytes.count - offset)
      out += block.bytes[offset..<offset + run]
      offset += run
    }
    return out
  }

  /// The next little-endian integer. Within one block, which is nearly always, nothing is allocated.
  mutating func take<T: FixedWidthInteger & BitwiseCopyable>(_: T.Type = T.self) throws(SquashfsFault) -> T {
    let size = MemoryLayout<T>.size
    if size <= block.bytes.count - offset {
      defer { offset += size }
      return block.bytes.integer(offset)
    }
    var value: T = 0
    for byte in try take(size).reversed() {
      value = size > 1 ? value << 8 | T(truncatingIfNeeded: byte) : T(truncatingIfNeeded: byte)
    }
    return value
  }

  /// Moves on to the next block when this one has nothing left, so that `position` and `offset` name what follows.
  mutating func settle() throws(SquashfsFault) {
    while offset >= block.bytes.count { try advance() }
  }

  mutating func skip(_ count: Int) throws(SquashfsFault) {
    var left = count
    while left > block.bytes.count - offset {
      left -= block.bytes.count - offset
      try advance()
    }
    offset += left
  }
}
