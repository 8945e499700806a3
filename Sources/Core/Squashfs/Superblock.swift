public import Codec
internal import Model

/// The first 96 bytes of a squashfs 4.0 ("Squashfs Binary Format", section 2). Little-endian.
///
/// | offset | size | field | offset | size | field |
/// |---|---|---|---|---|---|
/// | 0 | 4 | magic `hsqs` | 32 | 8 | root inode reference |
/// | 4 | 4 | inode count | 40 | 8 | bytes used |
/// | 8 | 4 | modification time | 48 | 8 | id table |
/// | 12 | 4 | block size | 56 | 8 | xattr table |
/// | 16 | 4 | fragment count | 64 | 8 | inode table |
/// | 20 | 2 | compressor | 72 | 8 | directory table |
/// | 22 | 2 | log2 of block size | 80 | 8 | fragment table |
/// | 24 | 2 | flags | 88 | 8 | export table |
/// | 26 | 2 | id count | | | |
/// | 28 | 4 | version 4.0 | | | |
public struct Superblock: Equatable, Sendable {
  public static let size = 96
  public static let magic: UInt32 = 0x7371_7368
  /// A table that is not there.
  public static let none = UInt64.max

  public enum Flags {
    public static let inodesStored: UInt16 = 0x0001
    public static let dataStored: UInt16 = 0x0002
    public static let fragmentsStored: UInt16 = 0x0008
    public static let noFragments: UInt16 = 0x0010
    public static let alwaysFragments: UInt16 = 0x0020
    public static let deduplicated: UInt16 = 0x0040
    public static let exportable: UInt16 = 0x0080
    public static let xattrsStored: UInt16 = 0x0100
    public static let noXattrs: UInt16 = 0x0200
    public static let compressorOptions: UInt16 = 0x0400
    public static let idsStored: UInt16 = 0x0800
    /// All that the format names; 0x0004 has not been in use since version 3.
    public static let known: UInt16 = 0x0FFF
  }

  public var inodeCount: UInt32
  /// Seconds since 1970.
  public var modified: UInt32
  /// Bytes in a data block: a power of two from 4 KiB to 1 MiB.
  public var blockSize: UInt32
  public var fragmentCount: UInt32
  public var compressor: Compressor
  public var flags: UInt16
  public var idCount: UInt16
  public var root: InodeReference
  public var bytesUsed: UInt64
  public var idTable: UInt64
  public var xattrTable: UInt64
  public var inodeTable: UInt64
  public var directoryTable: UInt64
  public var fragmentTable: UInt64
  public var exportTable: UInt64

  public init(
    inodeCount: UInt32, modified: UInt32, blockSize: UInt32, fragmentCount: UInt32, compressor: Compressor,
    flags: UInt16, idCount: UInt16, root: InodeReference, bytesUsed: UInt64, idTable: UInt64,
    xattrTable: UInt64,
    inodeTable: UInt64, directoryTable: UInt64, fragmentTable: UInt64, exportTable: UInt64
  ) {
    self.inodeCount = inodeCount
    self.modified = modified
    self.blockSize = blockSize
    self.fragmentCount = fragmentCount
    self.compressor = compressor
    self.flags = flags
    self.idCount = idCount
    self.root = root
    self.bytesUsed = bytesUsed
    self.idTable = idTable
    self.xattrTable = xattrTable
    self.inodeTable = inodeTable
    self.directoryTable = directoryTable
    self.fragmentTable = fragmentTable
    self.exportTable = exportTable
  }

  /// Flags that no version of the format names. Worth a warning, no refusal.
  public var unknownFlags: UInt16 { flags & ~Flags.known }

  public var bytes: [UInt8] {
    var out = ByteWriter()
    out.put(Self.magic)
    out.put(inodeCount)
    out.put(modified)
    out.put(blockSize)
    out.put(fragmentCount)
    out.put(compressor.rawValue)
    out.put(UInt16(blockSize.trailingZeroBitCount))
    out.put(flags)
    out.put(idCount)
    out.put(UInt16(4))
    out.put(UInt16(0))
    out.put(root.rawValue)
    out.put(bytesUsed)
    out.put(idTable)
    out.put(xattrTable)
    out.put(inodeTable)
    out.put(directoryTable)
    out.put(fragmentTable)
    out.put(exportTable)
    return out.bytes
  }

  /// Reads and checks the superblock. `length`: bytes of the partition or file it opens.
  public init(_ bytes: [UInt8], length: Int) throws(SquashfsFault) {
    guard bytes.count >= Self.size else { throw .notSquashfs }
    do throws(TruncatedFault) { self = try Superblock(parsing: bytes) } catch {
      throw .truncated("the superblock")
    }
    try check(bytes, length: length)
  }

  private init(parsing bytes: [UInt8]) throws(TruncatedFault) {
    var reader = unsafe ByteReader(bytes.span.bytes)
    try reader.skip(4)
    inodeCount = try reader.take()
    modified = try reader.take()
    blockSize = try reader.take()
    fragmentCount = try reader.take()
    compressor = Compressor(rawValue: try reader.take()) ?? .gzip  // refused by `check`
    try reader.skip(2)
    flags = try reader.take()
    idCount = try reader.take()
    try reader.skip(4)
    root = InodeReference(rawValue: try reader.take())
    bytesUsed = try reader.take()
    idTable = try reader.take()
    xattrTable = try reader.take()
    inodeTable = try reader.take()
    directoryTable = try reader.take()
    fragmentTable = try reader.take()
    exportTable = try reader.take()
  }

  private func check(_ bytes: [UInt8], length: Int) throws(SquashfsFault) {
    func half(_ at: Int) -> UInt16 { UInt16(bytes[at]) | UInt16(bytes[at + 1]) << 8 }
    guard bytes[0...3].elementsEqual([0x68, 0x73, 0x71, 0x73]) else { throw .notSquashfs }
    guard half(28) == 4, half(30) == 0 else { throw .version(major: half(28), minor: half(30)) }
    guard Compressor(rawValue: half(20)) != nil else { throw .compressor(half(20)) }
    guard blockSize.nonzeroBitCount == 1, (4096...1 << 20).contains(blockSize) else {
      throw .field("block size", value: UInt64(blockSize), limit: "a power of two from 4096 to 1048576")
    }
    guard Int(half(22)) == blockSize.trailingZeroBitCount else {
      throw .field("block log", value: UInt64(half(22)), limit: "\(blockSize.trailingZeroBitCount)")
    }
    guard bytesUsed <= UInt64(max(length, 0)), bytesUsed > UInt64(Self.size) else {
      throw .field("bytes used", value: bytesUsed, limit: "97 to \(length)")
    }
    for (name, table, required) in [
      ("inode table", inodeTable, true), ("directory table", directoryTable, true),
      ("fragment table", fragmentTable, false), ("export table", exportTable, false),
      ("id table", idTable, true),
      ("xattr table", xattrTable, false),
    ] where required || table != Self.none {
      guard table >= UInt64(Self.size), table < bytesUsed else {
        throw .field(name, value: table, limit: "96 to \(bytesUsed - 1)")
      }
    }
    guard inodeTable < directoryTable else {
      throw .field(
        "directory table", value: directoryTable, limit: "more than the inode table's \(inodeTable)")
    }
    let order = [directoryTable, fragmentTable, exportTable, idTable, xattrTable].filter { $0 != Self.none }
    guard zip(order, order.dropFirst()).allSatisfy({ $0 <= $1 }) else {
      throw .field("id table", value: idTable, limit: "tables in the order of the format")
    }
    // A stored metadata block has at least 3 bytes and decodes to at most 8192, an inode has at least 20.
    let most = ((directoryTable - inodeTable) / 3 + 1) * 8192 / 20
    guard inodeCount >= 1, UInt64(inodeCount) <= most else {
      throw .field("inode count", value: UInt64(inodeCount), limit: "1 to \(most)")
    }
    guard idCount >= 1 else { throw .field("id count", value: 0, limit: "1 to 65535") }
    guard fragmentCount == 0 || fragmentTable != Self.none else {
      throw .field("fragment count", value: UInt64(fragmentCount), limit: "0 without a fragment table")
    }
    guard root.block < directoryTable - inodeTable, root.offset < 8192 else {
      throw .field("root inode", value: root.rawValue, limit: "a place in the inode table")
    }
  }
}
