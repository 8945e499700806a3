public import Linux
internal import Model

/// One name of a directory.
public struct DirectoryEntry: Equatable, Sendable {
  public let name: [UInt8]
  public let kind: FileFacts.Kind
  public let inode: InodeReference
  /// The inode's number, as the directory says: `find -inum` and `ls -i` show it without reading the inode.
  public let number: UInt32
}

extension SquashfsImage {
  /// The names of a directory in the order of the image ("Squashfs Binary Format", section 6).
  ///
  /// Runs of up to 256 entries that share an inode block and a base number, each with a head of 12 bytes
  /// (count - 1 u32, inode block u32, number u32); an entry has 8 bytes (offset u16, number difference i16, type u16,
  /// name length - 1 u16) and the name. A name that could lead out of the directory refuses the whole listing; of two
  /// entries of one name only the first exists.
  public func entries(of directory: Inode) throws(SquashfsFault) -> [DirectoryEntry] {
    guard case .directory(let place) = directory.content else { return [] }
    guard place.bytes > 0 else { return [] }
    let table = superblock.directoryTable
    // The listing is a part of the directory table, which ends before the next table; decoded it can be at most
    // 8192 for 3 bytes.
    let end = [superblock.fragmentTable, superblock.exportTable, superblock.idTable]
      .filter { $0 != Superblock.none && $0 > table }.min() ?? superblock.bytesUsed
    guard UInt64(place.block) < end - table, UInt64(place.bytes) <= ((end - table) / 3 + 1) * 8192 else {
      throw .field("directory size", value: UInt64(place.bytes), limit: "what its table holds")
    }
    var cursor = try MetadataCursor(
      metadata, at: Int(table) + Int(place.block), offset: Int(place.offset), end: Int(end))
    let bytes = try cursor.take(place.bytes)
    do throws(TruncatedFault) {
      return try parse(bytes)
    } catch { throw .truncated("a directory") }
  }

  private func parse(_ bytes: [UInt8]) throws(TruncatedFault) -> [DirectoryEntry] {
    var reader = unsafe ByteReader(bytes.span.bytes)
    var entries: [DirectoryEntry] = []
    var isSorted = true
    while reader.remaining > 0 {
      let count = try reader.take(UInt32.self)
      let block = try reader.take(UInt32.self)
      let base = try reader.take(UInt32.self)
      guard count < 256 else { throw TruncatedFault(offset: reader.offset, wanted: 256, have: Int(count)) }
      for _ in 0...count {
        let offset = try reader.take(UInt16.self)
        let difference = try reader.take(Int16.self)
        let type = try reader.take(UInt16.self)
        let length = try reader.take(UInt16.self)
        guard length < 256 else { throw TruncatedFault(offset: reader.offset, wanted: 256, have: Int(length)) }
        let name = try reader.take(count: Int(length) + 1)
        guard Self.isAcceptable(name), let kind = Self.kind(type) else {
          throw TruncatedFault(offset: reader.offset, wanted: 0, have: 0)
        }
        if let last = entries.last, !last.name.lexicographicallyPrecedes(name) { isSorted = false }
        entries.append(
          DirectoryEntry(
            name: name, kind: kind, inode: InodeReference(block: UInt64(block), offset: Int(offset)),
            number: UInt32(truncatingIfNeeded: Int64(base) + Int64(difference))))
      }
    }
    if !isSorted {
      var seen: Set<[UInt8]> = []
      entries = entries.filter { seen.insert($0.name).inserted }
    }
    return entries
  }

  /// The one entry of that name.
  public func lookup(_ name: [UInt8], in directory: Inode) throws(SquashfsFault) -> DirectoryEntry? {
    try entries(of: directory).first { $0.name == name }
  }

  static func isAcceptable(_ name: [UInt8]) -> Bool {
    !name.isEmpty && name != [0x2E] && name != [0x2E, 0x2E] && !name.contains(0) && !name.contains(0x2F)
  }

  /// Entries carry the basic type of the object, 1 to 7.
  private static func kind(_ type: UInt16) -> FileFacts.Kind? {
    switch type {
    case 1: .directory
    case 2: .file
    case 3: .link
    case 4: .block
    case 5: .character
    case 6: .pipe
    case 7: .socket
    default: nil
    }
  }
}
