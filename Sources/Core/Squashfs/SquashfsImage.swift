internal import Codec
internal import Linux
internal import Synchronization

/// A squashfs 4.0 inside a file, read with pread only: a file that shrinks is an error here, not a SIGBUS.
///
/// Everything is checked as it is read; what is wrong with one object is a fault of that object alone. Shared by all
/// threads of a server. It does not own the descriptor.
public final class SquashfsImage: Sendable {
  public let superblock: Superblock
  let descriptor: Int32
  /// Where the squashfs begins in the file.
  let offset: Int
  let metadata: MetadataCache
  let ids: [UInt32]
  let fragments: Table?
  private let attributeTable = Mutex<AttributeTable?>(nil)
  /// Where the directory table ends: at the first fragment entry, export entry or id.
  let directoryEnd: Int

  /// Opens the squashfs at `offset` of an open file, `length` bytes of which belong to it.
  public init(descriptor: Int32, offset: Int, length: Int) throws(SquashfsFault) {
    var start = [UInt8](repeating: 0, count: Superblock.size + Layout.Metadata.headerSize)
    let got = try Self.read(descriptor, at: offset, into: &start)
    let superblock = try Superblock(Array(start.prefix(got)), length: length)
    if superblock.flags & Superblock.Flags.compressorOptions != 0 {
      guard got == start.count else { throw .truncated("the compressor options") }
      let header = UInt16(start[Superblock.size]) | UInt16(start[Superblock.size + 1]) << 8
      try CompressorOptions.check(header: header, of: superblock.compressor)
    }
    self.superblock = superblock
    self.descriptor = descriptor
    self.offset = offset
    metadata = MetadataCache(
      descriptor: descriptor, offset: offset, length: Int(superblock.bytesUsed),
      compressor: superblock.compressor)
    let idTable = try Table(
      "id table", count: Int(superblock.idCount), entrySize: Layout.ID.entrySize, list: superblock.idTable,
      end: superblock.idTable, superblock: superblock, descriptor: descriptor, offset: offset)
    ids = try Self.readIDs(idTable, metadata)
    fragments =
      superblock.fragmentCount == 0
      ? nil
      : try Table(
        "fragment table", count: Int(superblock.fragmentCount), entrySize: Layout.Fragment.entrySize,
        list: superblock.fragmentTable, end: superblock.fragmentTable, superblock: superblock,
        descriptor: descriptor,
        offset: offset)
    directoryEnd = min(fragments?.start ?? idTable.start, idTable.start)
    guard directoryEnd >= Int(superblock.directoryTable) else {
      throw .field(
        "table pointer", value: UInt64(directoryEnd),
        limit: "behind the directory table's \(superblock.directoryTable)")
    }
    guard try inode(superblock.root).kind == .directory else {
      throw .field("root inode", value: superblock.root.rawValue, limit: "a directory")
    }
  }

  public var root: InodeReference { superblock.root }

  /// Whether any object of the image can have extended attributes.
  public var hasAttributes: Bool { superblock.xattrTable != Superblock.none }

  static func read(_ descriptor: Int32, at offset: Int, into bytes: inout [UInt8]) throws(SquashfsFault)
    -> Int
  {
    var failure: SystemCallFault?
    let count = unsafe bytes.withUnsafeMutableBytes { buffer in
      do throws(SystemCallFault) { return unsafe try File.read(descriptor, at: offset, into: buffer) } catch {
        failure = error
        return 0
      }
    }
    if let failure { throw .read(failure) }
    return count
  }

  private static func readIDs(_ table: Table, _ metadata: MetadataCache) throws(SquashfsFault) -> [UInt32] {
    var ids: [UInt32] = []
    ids.reserveCapacity(table.count)
    for first in stride(from: 0, to: table.count, by: Layout.ID.entriesPerBlock) {
      var cursor = try table.entry(first, metadata)
      for _ in 0..<min(Layout.ID.entriesPerBlock, table.count - first) { ids.append(try cursor.take()) }
    }
    return ids
  }

  /// The fragment of that index.
  func fragment(_ index: UInt32) throws(SquashfsFault) -> Fragment {
    guard let fragments else {
      throw .field("fragment", value: UInt64(index), limit: "none: the image has no fragments")
    }
    var cursor = try fragments.entry(Int(index), metadata)
    return Fragment(start: try cursor.take(), stored: StoredSize(rawValue: try cursor.take()))
  }

  func attributeEntries() throws(SquashfsFault) -> AttributeTable {
    let result = attributeTable.withLock { table -> Result<AttributeTable, SquashfsFault> in
      if let table { return .success(table) }
      do throws(SquashfsFault) {
        let read = try AttributeTable(self)
        table = read
        return .success(read)
      } catch { return .failure(error) }
    }
    return try result.get()
  }
}

/// The size of a stored data block or fragment: bit 24 says that it is not compressed, the bits below count its
/// bytes; 0 is a block of zeros that takes no room ("Squashfs Binary Format", section 4).
public struct StoredSize: RawRepresentable, Equatable, Sendable {
  public let rawValue: UInt32
  public init(rawValue: UInt32) { self.rawValue = rawValue }
  public init(bytes: Int, isCompressed: Bool) { rawValue = UInt32(bytes) | (isCompressed ? 0 : 1 << 24) }

  public var bytes: Int { Int(rawValue & 0xFF_FFFF) }
  public var isCompressed: Bool { rawValue & 1 << 24 == 0 }
  public var isSparse: Bool { rawValue == 0 }
  /// Bits above 24 have no meaning.
  public var isKnown: Bool { rawValue >> 25 == 0 }
}

/// A block that holds the ends of several files.
public struct Fragment: Equatable, Sendable {
  /// From the start of the image.
  public let start: UInt64
  public let stored: StoredSize

  public init(start: UInt64, stored: StoredSize) {
    self.start = start
    self.stored = stored
  }
}
