internal import Codec
internal import Model
internal import Squashfs
internal import Tree

/// The xattr tables: equal sets of attributes are stored once ("Squashfs Binary Format", section 9).
struct AttributeWriter {
  private var pairs: MetadataWriter
  private var entries: [[UInt8]] = []
  private var known: [[TreeAttribute]: UInt32] = [:]
  private let encoder: BlockEncoder

  init(_ encoder: BlockEncoder) {
    self.encoder = encoder
    pairs = MetadataWriter(encoder)
  }

  /// The index of that set; nil for none, and for attributes the format has no name space for.
  mutating func index(of attributes: [TreeAttribute]) -> UInt32? {
    if attributes.isEmpty { return nil }
    if let index = known[attributes] { return index }
    var out = ByteWriter()
    var count: UInt32 = 0
    for attribute in attributes {
      guard let space = AttributeSpace.allCases.first(where: { attribute.name.starts(with: $0.prefix) })
      else {
        continue
      }
      let name = attribute.name.dropFirst(space.prefix.count)
      out.put(space.rawValue)
      out.put(UInt16(name.count))
      out.put(name)
      out.put(UInt32(attribute.value.count))
      out.put(attribute.value)
      count += 1
    }
    guard count > 0 else { return nil }
    let (block, offset) = pairs.position
    pairs.append(out.bytes)
    var entry = ByteWriter(reserving: 16)
    entry.put(UInt64(block) << 16 | UInt64(offset))
    entry.put(count)
    entry.put(UInt32(out.count))
    entries.append(entry.bytes)
    known[attributes] = UInt32(entries.count - 1)
    return UInt32(entries.count - 1)
  }

  /// The tables as they lie at `start` of the image, and where the superblock must point; nil without attributes.
  mutating func finish(at start: Int) -> (bytes: [UInt8], table: UInt64)? {
    guard !entries.isEmpty else { return nil }
    pairs.finish()
    var table = TableWriter(encoder)
    for entry in entries { table.append(entry) }
    var head = ByteWriter(reserving: 16)
    head.put(UInt64(start))
    head.put(UInt32(entries.count))
    head.put(UInt32(0))
    let (bytes, position) = table.finish(at: start + pairs.bytes.count, head: head.bytes)
    return (pairs.bytes + bytes, position)
  }
}
