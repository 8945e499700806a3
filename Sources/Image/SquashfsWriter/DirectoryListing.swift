internal import Model
internal import Squashfs

/// Writes one directory's names into the directory table ("Squashfs Binary Format", section 6).
struct DirectoryListing {
  struct Name {
    let name: [UInt8]
    /// 1 to 7.
    let type: UInt16
    let inode: InodeReference
    let number: UInt32
  }

  /// Where a run begins that is the first in a metadata block: lets readers skip to it.
  struct IndexEntry {
    /// Bytes of the listing in front of it.
    let position: UInt32
    /// Start of its metadata block, from the directory table.
    let block: UInt32
    let name: [UInt8]
  }

  let block: Int
  let offset: Int
  /// Bytes of the listing.
  private(set) var size = 0
  private(set) var index: [IndexEntry] = []

  /// `names` in byte order.
  init(_ names: [Name], into table: inout MetadataWriter) {
    (block, offset) = table.position
    var start = 0
    while start < names.count {
      let end = runEnd(names, from: start)
      if (offset + size) / MetadataWriter.blockSize > lastBlock {
        lastBlock = (offset + size) / MetadataWriter.blockSize
        index.append(
          IndexEntry(
            position: UInt32(size), block: UInt32(table.position.block), name: names[start].name))
      }
      let run = Self.run(names[start..<end])
      table.append(run)
      size += run.count
      start = end
    }
  }

  /// Metadata blocks from the beginning that have an index entry, or need none because they are the first.
  private var lastBlock = 0

  /// Entries share a run while they share the inode block, their numbers are near, there are at most 256, and the run
  /// has not reached another metadata block.
  private func runEnd(_ names: [Name], from start: Int) -> Int {
    let first = names[start]
    var bytes = offset + size + 12
    let metadataBlock = (offset + size) / MetadataWriter.blockSize
    var end = start
    while end < names.count, end - start < 256 {
      let name = names[end]
      let difference = Int64(name.number) - Int64(first.number)
      guard name.inode.block == first.inode.block, Int64(Int16.min)...Int64(Int16.max) ~= difference,
        end == start || bytes / MetadataWriter.blockSize == metadataBlock
      else { break }
      bytes += 8 + name.name.count
      end += 1
    }
    return end
  }

  private static func run(_ names: ArraySlice<Name>) -> [UInt8] {
    guard let first = names.first else { return [] }
    var out = ByteWriter()
    out.put(UInt32(names.count - 1))
    out.put(UInt32(truncatingIfNeeded: first.inode.block))
    out.put(first.number)
    for name in names {
      out.put(UInt16(name.inode.offset))
      out.put(Int16(Int64(name.number) - Int64(first.number)))
      out.put(name.type)
      out.put(UInt16(name.name.count - 1))
      out.put(name.name)
    }
    return out.bytes
  }
}
