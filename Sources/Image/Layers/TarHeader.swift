/// A header block of 512 bytes (POSIX pax, "ustar Interchange Format"; tar(5) of libarchive for v7 and GNU).
///
/// | offset | size | field |
/// |---|---|---|
/// | 0 | 100 | name |
/// | 100, 108, 116 | 8 each | mode, uid, gid |
/// | 124, 136 | 12 each | size, time of change |
/// | 148 | 8 | checksum |
/// | 156 | 1 | type |
/// | 157 | 100 | target of a link |
/// | 257 | 8 | magic and version: `ustar\0` + `00`, GNU `ustar  \0`, v7 nothing |
/// | 329, 337 | 8 each | major and minor number of a device |
/// | 345 | 155 | ustar: what stands before the name; star uses 131 of them and has `tar\0` at 508 |
/// | 386 | 4 × 24 | GNU sparse: offset and size of stretches; 482: more blocks follow; 483: size of the file |
struct TarHeader {
  static let blockSize = 512

  enum Format {
    case v7, ustar, gnu
  }

  private let block: [UInt8]
  let format: Format
  let type: UInt8

  /// `block` has 512 bytes.
  init(_ block: [UInt8]) throws(EntryFault) {
    precondition(block.count == Self.blockSize, "a header is a block")
    self.block = block
    type = block[156]
    let magic = block[257..<265]
    if magic.elementsEqual("ustar  \0".utf8) {
      format = .gnu
    } else {
      format = magic.starts(with: "ustar\0".utf8) ? .ustar : .v7
    }
    guard Self.isChecksumRight(block) else { throw .checksum }
  }

  /// Whether the sum of the bytes is right, the checksum's own field taken for blanks. Old programs added
  /// signed bytes.
  static func isChecksumRight(_ block: [UInt8]) -> Bool {
    guard let wanted = TarNumber.parse(block[148..<156]) else { return false }
    var sum = 0
    var high = 0
    for byte in block {
      sum += Int(byte)
      high += Int(byte >> 7)
    }
    for byte in block[148..<156] {
      sum += 0x20 - Int(byte)
      high -= Int(byte >> 7)
    }
    return wanted == sum || wanted == sum - high * 256
  }

  var name: [UInt8] {
    let name = text(0, 100)
    guard format == .ustar else { return name }
    let isStar = block[508..<512].elementsEqual("tar\0".utf8)
    let prefix = text(345, isStar ? 131 : 155)
    return prefix.isEmpty ? name : prefix + [0x2F] + name
  }
  var linkTarget: [UInt8] { text(157, 100) }

  /// Bytes behind the header, or in it for a sparse file.
  func size() throws(EntryFault) -> Int {
    let size = try number(124, 12, "size")
    guard (0...TarReader.largestFile).contains(size) else { throw .size(field: "size") }
    return size
  }
  /// Links have all rights: they are those of what they lead to.
  func mode(of type: TarType) throws(EntryFault) -> UInt32 {
    type == .link ? 0o777 : UInt32(truncatingIfNeeded: try number(100, 8, "mode") & 0o7777)
  }
  func uid() throws(EntryFault) -> UInt32 { try owner(108, "owner") }
  func gid() throws(EntryFault) -> UInt32 { try owner(116, "group") }
  func modified() throws(EntryFault) -> UInt32 { UInt32(clamping: try number(136, 12, "time")) }
  func device() throws(EntryFault) -> (major: UInt32, minor: UInt32) {
    guard let major = UInt32(exactly: try number(329, 8, "device")),
      let minor = UInt32(exactly: try number(337, 8, "device"))
    else { throw .number(field: "device") }
    return (major, minor)
  }

  /// The stretches of an old GNU sparse file that are named in the header, whether blocks with more of them
  /// follow, and the size of the file.
  func sparse() throws(EntryFault) -> (stretches: [SparseStretch], hasMore: Bool, size: Int) {
    guard format == .gnu else { throw .sparseMap }
    let size = try number(483, 12, "size with holes")
    guard (0...TarReader.largestFile).contains(size) else { throw .size(field: "size with holes") }
    return (try SparseStretch.parse(block[386..<482]), block[482] != 0, size)
  }

  private func number(_ offset: Int, _ size: Int, _ field: String) throws(EntryFault) -> Int {
    guard let value = TarNumber.parse(block[offset..<offset + size]) else { throw .number(field: field) }
    return value
  }

  private func owner(_ offset: Int, _ field: String) throws(EntryFault) -> UInt32 {
    let value = try number(offset, 8, field)
    guard (0..<Int(UInt32.max)).contains(value) else { throw .owner(field: field) }
    return UInt32(value)
  }

  /// A text that a NUL ends, or the end of the field.
  private func text(_ offset: Int, _ size: Int) -> [UInt8] {
    Array(block[offset..<offset + size].prefix { $0 != 0 })
  }
}
