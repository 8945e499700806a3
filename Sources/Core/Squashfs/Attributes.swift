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
  let entries: Table
  /// Where the pairs begin, from the start of the image.
  let start: Int
  /// Where they must end.
  let end: Int

  init(_ image: SquashfsImage) throws(SquashfsFault) {
    let table = image.superblock.xattrTable
    let headSize = Layout.Attribute.headSize
    guard table != Superblock.none, image.superblock.bytesUsed - table >= UInt64(headSize) else {
      throw .truncated("the xattr table")
    }
    var head = [UInt8](repeating: 0, count: headSize)
    let got = try SquashfsImage.read(image.descriptor, at: image.offset + Int(table), into: &head)
    guard got == headSize else { throw .truncated("the xattr table") }
    let pairs: UInt64 = head.integer(0)
    let count: UInt32 = head.integer(8)
    guard pairs >= UInt64(Superblock.size), pairs < table else {
      throw .field("xattr pairs", value: pairs, limit: "96 to \(table - 1)")
    }
    entries = try Table(
      "xattr table", count: Int(count), entrySize: Layout.Attribute.entrySize, list: table + UInt64(headSize),
      end: table, superblock: image.superblock, descriptor: image.descriptor, offset: image.offset)
    start = Int(pairs)
    end = entries.start
    guard start <= end else { throw .field("xattr pairs", value: pairs, limit: "at most \(entries.start)") }
  }
}

extension SquashfsImage {
  /// At most this many pairs, and this many bytes of them, are read of one object.
  private static let mostPairs = 4096
  private static let mostBytes = 64 << 10
  /// Linux: 255 with the prefix (XATTR_NAME_MAX).
  private static let mostNameBytes = 255

  /// The extended attributes of an object.
  public func extendedAttributes(of inode: Inode) throws(SquashfsFault) -> [ExtendedAttribute] {
    guard let index = inode.attributes, hasAttributes else { return [] }
    let table = try attributeEntries()
    var entry = try table.entries.entry(Int(index), metadata)
    let reference: UInt64 = try entry.take()
    let count: UInt32 = try entry.take()
    guard count <= Self.mostPairs else {
      throw .field("xattr count", value: UInt64(count), limit: "at most \(Self.mostPairs)")
    }
    guard count > 0 else { return [] }
    var cursor = try cursor(at: reference, table)
    var found: [ExtendedAttribute] = []
    var bytes = 0
    for _ in 0..<count {
      let type: UInt16 = try cursor.take()
      let length: UInt16 = try cursor.take()
      guard (1...Self.mostNameBytes).contains(Int(length)) else {
        throw .field("xattr name length", value: UInt64(length), limit: "1 to \(Self.mostNameBytes)")
      }
      let name = try cursor.take(Int(length))
      guard !name.contains(0) else { throw .field("xattr name", value: 0, limit: "bytes other than NUL") }
      let valueLength: UInt32 = try cursor.take()
      let value: [UInt8]
      if type & Layout.Attribute.outOfLine != 0 {
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
