public import Codec
internal import Linux

/// One data block or fragment as it lies in the image.
public struct StoredBlock: Hashable, Sendable {
  /// From the start of the image.
  public let start: UInt64
  /// As in `StoredSize`.
  public let stored: UInt32
  /// Bytes it must decode to: exactly for a data block; for a fragment at most.
  public let decodedBytes: Int
  public let isFragment: Bool

  public var size: StoredSize { StoredSize(rawValue: stored) }
}

/// Where the bytes of a file lie.
public struct BlockList: Sendable {
  /// The most blocks of a file: 2 TiB of blocks of 128 KiB. Their list takes 4.1 bytes each.
  static let mostBlocks = 1 << 24

  /// Bytes of the file.
  public let size: Int
  public let blockSize: Int
  /// The data blocks, computed from their stored sizes.
  public let blocks: Blocks
  /// The block with the end of the file, and where in it that begins.
  public let fragment: (block: StoredBlock, offset: Int)?

  /// The stored block that holds byte `offset` of the file, and where its first byte lies in the file and in the
  /// decoded block. nil behind the end.
  public func location(of offset: Int) -> (block: StoredBlock, inBlock: Int)? {
    guard offset >= 0, offset < size else { return nil }
    let index = offset / blockSize
    if index < blocks.count { return (blocks[index], offset % blockSize) }
    guard let fragment else { return nil }
    return (fragment.block, fragment.offset + offset % blockSize)
  }

  /// The data blocks of a file. Only stored sizes are held, and the start of each 64th block.
  public struct Blocks: RandomAccessCollection, Sendable {
    static let stride = 64

    fileprivate var sizes: [UInt32] = []
    fileprivate var starts: [UInt64] = []
    fileprivate let fileSize: Int
    fileprivate let blockSize: Int

    public var startIndex: Int { 0 }
    public var endIndex: Int { sizes.count }

    public subscript(index: Int) -> StoredBlock {
      var start = starts[index / Self.stride]
      for before in index / Self.stride * Self.stride..<index {
        start += UInt64(StoredSize(rawValue: sizes[before]).bytes)
      }
      return StoredBlock(
        start: start, stored: sizes[index], decodedBytes: Swift.min(blockSize, fileSize - index * blockSize),
        isFragment: false)
    }
  }
}

extension SquashfsImage {
  /// Where the bytes of a file lie. Every block is checked to lie in the image.
  public func blockList(of file: Inode) throws(SquashfsFault) -> BlockList {
    guard case .file(let place) = file.content else {
      throw .field("file", value: 0, limit: "a regular file")
    }
    let blockSize = Int(superblock.blockSize)
    let size = Int(file.size)
    let blocks = try readBlocks(place, size: size, blockSize: blockSize)
    guard let index = place.fragment else {
      return BlockList(size: size, blockSize: blockSize, blocks: blocks, fragment: nil)
    }
    let fragment = try fragment(index)
    let end = fragment.start.addingReportingOverflow(UInt64(fragment.stored.bytes))
    guard fragment.stored.isKnown, fragment.stored.bytes <= blockSize, fragment.stored.bytes > 0,
      !end.overflow,
      fragment.start >= UInt64(Superblock.size), end.partialValue <= superblock.bytesUsed
    else {
      throw .field("fragment size", value: UInt64(fragment.stored.rawValue), limit: "1 to \(blockSize)")
    }
    let offset = Int(place.fragmentOffset)
    guard offset + size % blockSize <= blockSize else {
      throw .field("fragment offset", value: UInt64(offset), limit: "at most \(blockSize - size % blockSize)")
    }
    let block = StoredBlock(
      start: fragment.start, stored: fragment.stored.rawValue, decodedBytes: blockSize, isFragment: true)
    return BlockList(size: size, blockSize: blockSize, blocks: blocks, fragment: (block, offset))
  }

  private func readBlocks(_ place: FilePlace, size: Int, blockSize: Int) throws(SquashfsFault)
    -> BlockList.Blocks
  {
    var blocks = BlockList.Blocks(fileSize: size, blockSize: blockSize)
    guard place.blockCount > 0 else { return blocks }
    var cursor = try MetadataCursor(
      metadata, at: Int(superblock.inodeTable + place.listBlock), offset: place.listOffset,
      end: Int(superblock.directoryTable))
    var start = place.start
    blocks.sizes.reserveCapacity(min(place.blockCount, 65536))
    for index in 0..<place.blockCount {
      let stored = StoredSize(rawValue: try cursor.take())
      guard stored.isKnown, stored.bytes <= blockSize else {
        throw .field("stored block", value: UInt64(stored.rawValue), limit: "at most \(blockSize)")
      }
      if index % BlockList.Blocks.stride == 0 { blocks.starts.append(start) }
      blocks.sizes.append(stored.rawValue)
      start += UInt64(stored.bytes)
      guard start <= superblock.bytesUsed else {
        throw .field("block end", value: start, limit: "at most \(superblock.bytesUsed)")
      }
    }
    return blocks
  }

  /// Reads the stored bytes of a block; fewer than asked for is a fault.
  public func readStored(_ block: StoredBlock, into buffer: UnsafeMutableRawBufferPointer)
    throws(SquashfsFault)
  {
    let wanted = block.size.bytes
    guard buffer.count >= wanted else { throw .truncated("a buffer") }
    let part = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[0..<wanted])
    do throws(SystemCallFault) {
      let got = try unsafe File.read(descriptor, at: offset + Int(block.start), into: part)
      guard got == wanted else { throw SystemCallFault("pread", "", 5) }
    } catch { throw .read(error) }
  }

  /// Reads and decodes one block. Returns its bytes' count; a data block must have exactly what its place in the file
  /// demands. `scratch` has room for a stored block.
  public func decode(
    _ block: StoredBlock, with decoder: BlockDecoder, scratch: UnsafeMutableRawBufferPointer,
    into output: UnsafeMutableRawBufferPointer
  ) throws(SquashfsFault) -> Int {
    if block.size.isSparse {
      guard output.count >= block.decodedBytes else { throw .truncated("a buffer") }
      unsafe UnsafeMutableRawBufferPointer(rebasing: output[0..<block.decodedBytes])
        .initializeMemory(as: UInt8.self, repeating: 0)
      return block.decodedBytes
    }
    let count: Int
    if block.size.isCompressed {
      try unsafe readStored(block, into: scratch)
      // Room for no more than the block may have: one that decodes to more is a fault of the decoder.
      let room = block.isFragment ? Int(superblock.blockSize) : block.decodedBytes
      guard output.count >= room else { throw .truncated("a buffer") }
      do throws(CodecFault) {
        count = try unsafe decoder.decode(
          UnsafeRawBufferPointer(rebasing: scratch[0..<block.size.bytes]),
          into: UnsafeMutableRawBufferPointer(rebasing: output[0..<room]))
      } catch { throw .block(error) }
    } else {
      try unsafe readStored(block, into: output)
      count = block.size.bytes
    }
    guard block.isFragment || count == block.decodedBytes else {
      throw .field("decoded block", value: UInt64(count), limit: "\(block.decodedBytes) bytes")
    }
    return count
  }
}
