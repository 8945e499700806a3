internal import Linux
internal import Model

/// Finds inodes by the tables of the file system. Numbers come from a file that nobody has checked: each place is compared
/// with the file system's size before it is read.
struct ExtReader {
  private let descriptor: Int32
  private let offset: Int
  private let blockSize: Int
  private let blocks: Int
  /// Bytes of all blocks.
  private let size: Int
  private let firstDataBlock: Int
  private let inodesPerGroup: Int
  private let inodeSize: Int
  private let descriptorSize: Int
  private let state: UInt16
  private let incompatible: UInt32

  /// EXT4_FEATURE_INCOMPAT_RECOVER, _64BIT
  private static let recover: UInt32 = 0x4
  private static let wide: UInt32 = 0x80
  private static let rootInode = 2

  init(descriptor: Int32, offset: Int, length: Int) throws(ExtFault) {
    self.descriptor = descriptor
    self.offset = offset
    let start = try Self.bytes(descriptor, at: offset, count: min(length, ExtImage.startSize))
    guard start.count == ExtImage.startSize, ExtImage.begins(start[...]) else { throw .notExt }
    let block = Array(start[1024...])
    let shift = Int(block.number32(24))
    guard shift <= 6 else { throw .field("the logarithm of its block size", value: shift) }
    blockSize = 1024 << shift
    incompatible = block.number32(96)
    let high = incompatible & Self.wide == 0 ? 0 : Int(block.number32(336))
    guard high < 1 << 16 else { throw .field("the number of its blocks", value: high) }
    blocks = high << 32 | Int(block.number32(4))
    firstDataBlock = Int(block.number32(20))
    inodesPerGroup = Int(block.number32(40))
    guard inodesPerGroup > 2 else { throw .field("the number of inodes in a group", value: inodesPerGroup) }
    inodeSize = block.number32(76) == 0 ? 128 : Int(block.number16(88))
    guard (128...blockSize).contains(inodeSize) else {
      throw .field("the size of an inode", value: inodeSize)
    }
    let named = Int(block.number16(254))
    descriptorSize = incompatible & Self.wide == 0 ? 32 : named
    guard (32...1024).contains(descriptorSize) else {
      throw .field("the size of a group descriptor", value: descriptorSize)
    }
    state = block.number16(58)
    // 2^48 blocks of 64 KiB are more bytes than a number has room for.
    let (size, overflows) = blocks.multipliedReportingOverflow(by: blockSize)
    guard !overflows else { throw .field("the number of its blocks", value: blocks) }
    guard size <= length else { throw .truncated(needs: size, has: length) }
    self.size = size
  }

  func image() throws(ExtFault) -> ExtImage {
    let root = try inode(Self.rootInode)
    var owner = root
    if let number = try find("upper", in: root) { owner = try inode(number) }
    return ExtImage(
      size: size, isClean: state & 1 == 1 && state & 2 == 0,
      needsRecovery: incompatible & Self.recover != 0,
      uid: UInt32(owner.number16(2)) | UInt32(owner.number16(120)) << 16,
      gid: UInt32(owner.number16(24)) | UInt32(owner.number16(122)) << 16)
  }

  private func inode(_ number: Int) throws(ExtFault) -> [UInt8] {
    let group = (number - 1) / inodesPerGroup
    let entry = try read((firstDataBlock + 1) * blockSize + group * descriptorSize, descriptorSize)
    let high = descriptorSize >= 64 ? Int(entry.number32(40)) : 0
    guard high < 1 << 16 else { throw .field("the place of an inode table", value: high) }
    let table = high << 32 | Int(entry.number32(8))
    guard table < blocks else { throw .field("the place of an inode table", value: table) }
    return try read(table * blockSize + (number - 1) % inodesPerGroup * inodeSize, 128)
  }

  /// The inode of a name in a directory, looked for in its first 12 blocks: the top of an overlay has four names.
  private func find(_ name: String, in directory: [UInt8]) throws(ExtFault) -> Int? {
    let name = Array(name.utf8)
    for block in try firstBlocks(of: directory) {
      let bytes = try read(block * blockSize, blockSize)
      var place = 0
      while place + 8 <= bytes.count {
        let length = Int(bytes.number16(place + 4))
        guard length >= 8, place + length <= bytes.count else { break }
        let number = Int(bytes.number32(place))
        let count = Int(bytes[place + 6])
        if number != 0, count == name.count, 8 + count <= length,
          bytes[(place + 8)..<(place + 8 + count)].elementsEqual(name)
        {
          return number
        }
        place += length
      }
    }
    return nil
  }

  /// Numbers of the first blocks of a file: the direct ones, or those of the extents in the inode itself.
  private func firstBlocks(of inode: [UInt8]) throws(ExtFault) -> [Int] {
    // EXT4_EXTENTS_FL
    guard inode.number32(32) & 0x80000 != 0 else {
      return (0..<12).map { Int(inode.number32(40 + 4 * $0)) }.filter { $0 > 0 && $0 < blocks }
    }
    guard inode.number16(40) == 0xF30A, inode.number16(46) == 0 else { return [] }
    var found: [Int] = []
    for index in 0..<min(Int(inode.number16(42)), 4) {
      let extent = 52 + 12 * index
      let first = Int(inode.number16(extent + 6)) << 32 | Int(inode.number32(extent + 8))
      for block in 0..<Int(inode.number16(extent + 4)) where found.count < 12 && first + block < blocks {
        found.append(first + block)
      }
    }
    return found
  }

  /// Bytes of the file system.
  private func read(_ place: Int, _ count: Int) throws(ExtFault) -> [UInt8] {
    guard place + count <= size else { throw .field("a place in it", value: place) }
    let bytes = try Self.bytes(descriptor, at: offset + place, count: count)
    guard bytes.count == count else { throw .truncated(needs: place + count, has: place + bytes.count) }
    return bytes
  }

  private static func bytes(_ descriptor: Int32, at offset: Int, count: Int) throws(ExtFault) -> [UInt8] {
    do throws(SystemCallFault) { return try File.bytes(of: descriptor, at: offset, count: count) } catch {
      throw .read(error)
    }
  }
}

extension [UInt8] {
  /// Little-endian, at an offset that lies within by construction.
  fileprivate func number16(_ place: Int) -> UInt16 { UInt16(self[place]) | UInt16(self[place + 1]) << 8 }

  fileprivate func number32(_ place: Int) -> UInt32 {
    UInt32(number16(place)) | UInt32(number16(place + 2)) << 16
  }
}
