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
  private let fragmentTable = Mutex<[Fragment]?>(nil)
  private let attributeTable = Mutex<AttributeTable?>(nil)

  /// Opens the squashfs at `offset` of an open file, `length` bytes of which belong to it.
  public init(descriptor: Int32, offset: Int, length: Int) throws(SquashfsFault) {
    var start = [UInt8](repeating: 0, count: Superblock.size)
    let got = try Self.read(descriptor, at: offset, into: &start)
    superblock = try Superblock(Array(start.prefix(got)), length: length)
    self.descriptor = descriptor
    self.offset = offset
    metadata = MetadataCache(descriptor: descriptor, offset: offset, compressor: superblock.compressor)
    ids = try Self.readIDs(superblock, metadata, descriptor, offset)
  }

  public var root: InodeReference { superblock.root }

  /// Whether any object of the image can have extended attributes.
  public var hasAttributes: Bool { superblock.xattrTable != Superblock.none }

  static func read(_ descriptor: Int32, at offset: Int, into bytes: inout [UInt8]) throws(SquashfsFault) -> Int {
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

  /// The list of pointers to the metadata blocks of a table of fixed-size entries, all 8 bytes wide.
  static func pointers(
    at table: UInt64, count: Int, bytesUsed: UInt64, _ descriptor: Int32, _ offset: Int, name: String
  ) throws(SquashfsFault) -> [Int] {
    guard UInt64(count) * 8 <= bytesUsed - table else { throw .truncated("the \(name)") }
    var bytes = [UInt8](repeating: 0, count: count * 8)
    let got = try read(descriptor, at: offset + Int(table), into: &bytes)
    guard got == bytes.count else { throw .truncated("the \(name)") }
    var pointers: [Int] = []
    for index in 0..<count {
      var value: UInt64 = 0
      for byte in bytes[index * 8..<index * 8 + 8].reversed() { value = value << 8 | UInt64(byte) }
      guard value >= UInt64(Superblock.size), value < table else {
        throw .field("\(name) pointer", value: value, limit: "96 to \(table - 1)")
      }
      pointers.append(Int(value))
    }
    return pointers
  }

  /// The id table: 2048 ids a metadata block ("Squashfs Binary Format", section 8).
  private static func readIDs(
    _ superblock: Superblock, _ metadata: MetadataCache, _ descriptor: Int32, _ offset: Int
  ) throws(SquashfsFault) -> [UInt32] {
    let count = Int(superblock.idCount)
    let blocks = (count + 2047) / 2048
    var ids: [UInt32] = []
    for pointer in try pointers(
      at: superblock.idTable, count: blocks, bytesUsed: superblock.bytesUsed, descriptor, offset, name: "id table")
    {
      var cursor = try MetadataCursor(metadata, at: pointer, offset: 0, end: Int(superblock.idTable))
      for _ in 0..<min(2048, count - ids.count) { ids.append(try cursor.take()) }
    }
    return ids
  }

  /// The fragment of that index.
  func fragment(_ index: UInt32) throws(SquashfsFault) -> Fragment {
    guard index < superblock.fragmentCount else {
      throw .field("fragment", value: UInt64(index), limit: "less than \(superblock.fragmentCount)")
    }
    let result = fragmentTable.withLock { table -> Result<Fragment, SquashfsFault> in
      do throws(SquashfsFault) {
        if table == nil { table = try readFragments() }
      } catch { return .failure(error) }
      guard let table, Int(index) < table.count else { return .failure(.truncated("the fragment table")) }
      return .success(table[Int(index)])
    }
    return try result.get()
  }

  /// 512 entries of 16 bytes a metadata block ("Squashfs Binary Format", section 7).
  private func readFragments() throws(SquashfsFault) -> [Fragment] {
    let count = Int(superblock.fragmentCount)
    var fragments: [Fragment] = []
    for pointer in try Self.pointers(
      at: superblock.fragmentTable, count: (count + 511) / 512, bytesUsed: superblock.bytesUsed, descriptor, offset,
      name: "fragment table")
    {
      var cursor = try MetadataCursor(metadata, at: pointer, offset: 0, end: Int(superblock.fragmentTable))
      for _ in 0..<min(512, count - fragments.count) {
        let start: UInt64 = try cursor.take()
        let size: UInt32 = try cursor.take()
        try cursor.skip(4)
        fragments.append(Fragment(start: start, stored: StoredSize(rawValue: size)))
      }
    }
    return fragments
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
