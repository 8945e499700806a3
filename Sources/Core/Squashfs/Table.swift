/// A table of fixed-size entries in metadata blocks, found by a list of pointers: fragments, ids, xattr entries
/// ("Squashfs Binary Format", sections 7 to 9).
///
/// Only the pointers are held, 8 bytes for each 8 KiB of entries; an entry is read when it is asked for, so a count
/// that lies costs nothing.
struct Table: Sendable {
  let name: String
  let count: Int
  private let entrySize: Int
  private let pointers: [Int]
  /// Where the blocks of entries end: at the list of pointers, or before it at the head of the xattr table.
  private let end: Int
  /// Where the list of pointers ends.
  let pointersEnd: Int

  /// Where the first block of entries starts.
  var start: Int { pointers.first ?? end }

  /// `list`: where the pointers lie; `end`: where the entries must end.
  init(
    _ name: String, count: Int, entrySize: Int, list: UInt64, end: UInt64, superblock: Superblock,
    descriptor: Int32,
    offset: Int
  ) throws(SquashfsFault) {
    let blocks = (count * entrySize + Layout.Metadata.decodedSize - 1) / Layout.Metadata.decodedSize
    guard list <= superblock.bytesUsed, UInt64(blocks) * 8 <= superblock.bytesUsed - list else {
      throw .field("\(name) count", value: UInt64(count), limit: "what lies in the image")
    }
    // Blocks are at least 3 bytes and follow each other.
    guard blocks <= Int(end) / Layout.Metadata.leastStored else {
      throw .field("\(name) count", value: UInt64(count), limit: "what lies before its pointers")
    }
    var bytes = [UInt8](repeating: 0, count: blocks * 8)
    let got = try SquashfsImage.read(descriptor, at: offset + Int(list), into: &bytes)
    guard got == bytes.count else { throw .truncated("the \(name)") }
    var pointers: [Int] = []
    pointers.reserveCapacity(blocks)
    var least = UInt64(Superblock.size)
    for index in 0..<blocks {
      let value: UInt64 = bytes.integer(index * 8)
      guard value >= least, value < end else {
        throw .field("\(name) pointer", value: value, limit: "\(least) to \(end - 1)")
      }
      pointers.append(Int(value))
      least = value + UInt64(Layout.Metadata.leastStored)
    }
    self.name = name
    self.count = count
    self.entrySize = entrySize
    self.pointers = pointers
    self.end = Int(end)
    pointersEnd = Int(list) + bytes.count
  }

  /// A cursor at the entry of that index.
  func entry(_ index: Int, _ cache: MetadataCache) throws(SquashfsFault) -> MetadataCursor {
    guard index >= 0, index < count else {
      throw .field("\(name) index", value: UInt64(max(index, 0)), limit: "less than \(count)")
    }
    let perBlock = Layout.Metadata.decodedSize / entrySize
    return try MetadataCursor(
      cache, at: pointers[index / perBlock], offset: index % perBlock * entrySize, end: end)
  }
}
