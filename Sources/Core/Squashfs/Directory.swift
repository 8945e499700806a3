public import Linux

/// One name of a directory.
public struct DirectoryEntry: Equatable, Sendable {
  public let name: [UInt8]
  public let kind: FileFacts.Kind
  public let inode: InodeReference
  /// The inode's number, as the directory says: `find -inum` and `ls -i` show it without reading the inode.
  public let number: UInt32
}

extension SquashfsImage {
  /// The names of a directory, sorted by their bytes ("Squashfs Binary Format", section 6; `Layout.Directory`).
  ///
  /// A name that could lead out of the directory refuses the whole listing; of two entries of one name only the first
  /// exists. The index of an extended directory is not used: it is only a short cut to a part of the listing.
  public func entries(of directory: Inode) throws(SquashfsFault) -> [DirectoryEntry] {
    guard case .directory(let place) = directory.content, place.bytes > 0 else { return [] }
    let start = Int(superblock.directoryTable)
    guard Int(place.block) < directoryEnd - start else {
      throw .field("directory block", value: UInt64(place.block), limit: "less than \(directoryEnd - start)")
    }
    var cursor = try MetadataCursor(
      metadata, at: start + Int(place.block), offset: Int(place.offset), end: directoryEnd)
    guard place.bytes <= cursor.mostBytes else {
      throw .field("directory size", value: UInt64(place.bytes), limit: "at most \(cursor.mostBytes)")
    }
    let bytes = try cursor.take(place.bytes)
    var entries: [DirectoryEntry] = []
    // A guess: names have 16 bytes on average.
    entries.reserveCapacity(bytes.count / (Layout.Directory.entrySize + 16))
    var isSorted = true
    var at = 0
    while at < bytes.count {
      try readRun(bytes, &at, into: &entries, &isSorted)
    }
    if !isSorted {
      var seen: Set<[UInt8]> = []
      entries = entries.filter { seen.insert($0.name).inserted }
      entries.sort { $0.name.lexicographicallyPrecedes($1.name) }
    }
    return entries
  }

  /// One head and its entries.
  private func readRun(
    _ bytes: [UInt8], _ at: inout Int, into entries: inout [DirectoryEntry], _ isSorted: inout Bool
  ) throws(SquashfsFault) {
    guard bytes.count - at >= Layout.Directory.headSize else { throw .truncated("a directory") }
    let count = bytes.integer(at, UInt32.self)
    let block = bytes.integer(at + 4, UInt32.self)
    let base = bytes.integer(at + 8, UInt32.self)
    at += Layout.Directory.headSize
    guard count < Layout.Directory.mostEntries else {
      throw .field(
        "directory entries", value: UInt64(count) + 1, limit: "at most \(Layout.Directory.mostEntries)")
    }
    let inodeTable = superblock.directoryTable - superblock.inodeTable
    guard block < inodeTable else {
      throw .field("entry block", value: UInt64(block), limit: "less than \(inodeTable)")
    }
    for _ in 0...count {
      guard bytes.count - at >= Layout.Directory.entrySize else { throw .truncated("a directory") }
      let offset = bytes.integer(at, UInt16.self)
      let difference = bytes.integer(at + 2, Int16.self)
      let type = bytes.integer(at + 4, UInt16.self)
      let length = Int(bytes.integer(at + 6, UInt16.self)) + 1
      at += Layout.Directory.entrySize
      guard length <= Layout.Directory.mostNameBytes else {
        throw .field("name length", value: UInt64(length), limit: "at most \(Layout.Directory.mostNameBytes)")
      }
      guard bytes.count - at >= length else { throw .truncated("a directory") }
      let name = Array(bytes[at..<at + length])
      at += length
      guard Self.isAcceptable(name) else {
        throw .field("name", value: UInt64(name.first ?? 0), limit: "no `.`, `..`, `/` and NUL")
      }
      guard let kind = FileFacts.Kind(squashfsType: type) else {
        throw .field("entry type", value: UInt64(type), limit: "1 to 7")
      }
      let number = Int64(base) + Int64(difference)
      guard number >= 1, number <= Int64(superblock.inodeCount) else {
        throw .field(
          "entry number", value: UInt64(bitPattern: number), limit: "1 to \(superblock.inodeCount)")
      }
      if isSorted, let last = entries.last, !last.name.lexicographicallyPrecedes(name) { isSorted = false }
      entries.append(
        DirectoryEntry(
          name: name, kind: kind, inode: InodeReference(block: UInt64(block), offset: Int(offset)),
          number: UInt32(number)))
    }
  }

  /// The one entry of that name. Reads the whole listing: who looks up often keeps it, and searches by halves.
  public func lookup(_ name: [UInt8], in directory: Inode) throws(SquashfsFault) -> DirectoryEntry? {
    try entries(of: directory).first { $0.name == name }
  }

  static func isAcceptable(_ name: [UInt8]) -> Bool {
    !name.isEmpty && name != [0x2E] && name != [0x2E, 0x2E] && !name.contains(0) && !name.contains(0x2F)
  }
}
