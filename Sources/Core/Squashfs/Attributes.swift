internal import Linux

/// An extended attribute with its whole name (`user.mime_type`).
public struct ExtendedAttribute: Equatable, Hashable, Sendable {
  public let name: [UInt8]
  public let value: [UInt8]

  public init(name: [UInt8], value: [UInt8]) {
    self.name = name
    self.value = value
  }
}

/// The name spaces of attributes: number in the image and prefix of the name ("Squashfs Binary Format", section 9).
public enum AttributeSpace: UInt16, CaseIterable, Sendable {
  case user = 0
  case trusted = 1
  case security = 2

  public var prefix: [UInt8] {
    switch self {
    case .user: Array("user.".utf8)
    case .trusted: Array("trusted.".utf8)
    case .security: Array("security.".utf8)
    }
  }
}

/// The xattr id table: where the pairs of each index lie.
struct AttributeTable: Sendable {
  struct Entry: Sendable {
    let reference: UInt64
    let count: UInt32
    let bytes: UInt32
  }

  let entries: [Entry]
  /// Where the pairs begin, from the start of the image.
  let start: Int
  /// Where they must end.
  let end: Int

  /// At the table: start of the pairs u64, count u32, unused u32, then pointers to metadata blocks of 512 entries of
  /// 16 bytes each.
  init(_ image: SquashfsImage) throws(SquashfsFault) {
    let table = image.superblock.xattrTable
    guard table != Superblock.none, image.superblock.bytesUsed - table >= 16 else { throw .truncated("the xattr table") }
    var head = [UInt8](repeating: 0, count: 16)
    let got = try SquashfsImage.read(image.descriptor, at: image.offset + Int(table), into: &head)
    guard got == 16 else { throw .truncated("the xattr table") }
    func word(_ at: Int) -> UInt64 {
      (0..<4).reduce(0) { $0 | UInt64(head[at + $1]) << (8 * UInt64($1)) }
    }
    let pairs = word(0) | word(4) << 32
    let count = word(8)
    guard pairs >= UInt64(Superblock.size), pairs < table else {
      throw .field("xattr pairs", value: pairs, limit: "96 to \(table - 1)")
    }
    let blocks = (count * 16 + 8191) / 8192
    let pointers = try SquashfsImage.pointers(
      at: table + 16, count: Int(blocks), bytesUsed: image.superblock.bytesUsed, image.descriptor, image.offset,
      name: "xattr table")
    var entries: [Entry] = []
    for pointer in pointers {
      var cursor = try MetadataCursor(image.metadata, at: pointer, offset: 0, end: Int(table))
      for _ in 0..<min(512, Int(count) - entries.count) {
        entries.append(
          Entry(reference: try cursor.take(), count: try cursor.take(), bytes: try cursor.take()))
      }
    }
    self.entries = entries
    start = Int(pairs)
    end = Int(table)
  }
}

extension SquashfsImage {
  /// At most this many pairs, and this many bytes of them, are read of one object.
  private static let mostPairs = 4096
  private static let mostBytes = 64 << 10

  /// The extended attributes of an object.
  public func extendedAttributes(of inode: Inode) throws(SquashfsFault) -> [ExtendedAttribute] {
    guard let index = inode.attributes, hasAttributes else { return [] }
    let table = try attributeEntries()
    guard Int(index) < table.entries.count else {
      throw .field("xattr index", value: UInt64(index), limit: "less than \(table.entries.count)")
    }
    let entry = table.entries[Int(index)]
    guard entry.count <= Self.mostPairs else {
      throw .field("xattr count", value: UInt64(entry.count), limit: "at most \(Self.mostPairs)")
    }
    var cursor = try cursor(at: entry.reference, table)
    var found: [ExtendedAttribute] = []
    var bytes = 0
    for _ in 0..<entry.count {
      let type: UInt16 = try cursor.take()
      let length: UInt16 = try cursor.take()
      let name = try cursor.take(Int(length))
      let valueLength: UInt32 = try cursor.take()
      let value: [UInt8]
      if type & 0x100 != 0 {
        // The value lies elsewhere: a reference of 8 bytes, to a length and the value. Never to another reference.
        guard valueLength == 8 else { throw .field("xattr value", value: UInt64(valueLength), limit: "8") }
        var other = try self.cursor(at: try cursor.take(), table)
        let length: UInt32 = try other.take()
        try check(&bytes, adding: Int(length))
        value = try other.take(Int(length))
      } else {
        try check(&bytes, adding: Int(valueLength))
        value = try cursor.take(Int(valueLength))
      }
      try check(&bytes, adding: Int(length))
      guard let space = AttributeSpace(rawValue: type & 0xFF) else { continue }
      found.append(ExtendedAttribute(name: space.prefix + name, value: value))
    }
    return found
  }

  private func check(_ bytes: inout Int, adding count: Int) throws(SquashfsFault) {
    bytes += count
    guard bytes <= Self.mostBytes else {
      throw .field("xattr bytes", value: UInt64(bytes), limit: "at most \(Self.mostBytes)")
    }
  }

  private func cursor(at reference: UInt64, _ table: AttributeTable) throws(SquashfsFault) -> MetadataCursor {
    let block = reference >> 16
    guard block < UInt64(table.end - table.start) else {
      throw .field("xattr reference", value: reference, limit: "a place in the xattr pairs")
    }
    return try MetadataCursor(
      metadata, at: table.start + Int(block), offset: Int(reference & 0xFFFF), end: table.end)
  }
}
