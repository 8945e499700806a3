internal import Content
internal import Layers
internal import Model
internal import Squashfs
internal import Tree

/// The bytes of a segment's index: the SHA-256 of the data before it, counts, then items, contents, fragments, units and notes, all little-endian.
enum SegmentIndex {
  typealias Parsed = (
    index: LayerIndex, blocks: [(start: Int, sizes: [StoredSize])],
    fragments: [(start: Int, stored: StoredSize)], dataHash: [UInt8]
  )

  static func bytes(
    of index: LayerIndex, blocks: [(start: Int, sizes: [StoredSize])],
    fragments: [(start: Int, stored: StoredSize)], dataHash: [UInt8]
  ) -> [UInt8] {
    var out = ByteWriter(reserving: index.items.count * 96 + index.contents.count * 64)
    out.put(dataHash)
    for count in [
      index.items.count, index.contents.count, fragments.count, index.units.count, index.notes.count,
    ] {
      out.put(UInt32(count))
    }
    out.put(UInt32(index.blockSize))
    for item in index.items { put(item, &out) }
    for (number, content) in index.contents.enumerated() {
      out.put(UInt64(content.size))
      out.put(content.hash)
      switch content.place {
      case .blocks:
        out.put(UInt32.max)
        out.put(UInt64(blocks[number].start))
        for size in blocks[number].sizes { out.put(size.rawValue) }
      case .fragment(let fragment, let offset):
        out.put(UInt32(fragment))
        out.put(UInt32(offset))
      }
    }
    for fragment in fragments {
      out.put(UInt64(fragment.start))
      out.put(fragment.stored.rawValue)
    }
    for unit in index.units {
      switch unit {
      case .blocks(let content): out.put(UInt32(content))
      case .fragment(let fragment): out.put(UInt32(fragment) | 1 << 31)
      }
    }
    for note in index.notes {
      out.put(code(note.level))
      out.put(UInt32(note.text.utf8.count))
      out.put(Array(note.text.utf8))
    }
    return out.bytes
  }

  private static let levels: [Notice.Level] = [.warning, .info, .verbose, .debug]

  private static func code(_ level: Notice.Level) -> UInt8 {
    switch level {
    case .warning: 0
    case .info: 1
    case .verbose: 2
    case .debug: 3
    }
  }

  private static func put(_ item: LayerItem, _ out: inout ByteWriter) {
    let entry = item.entry
    let path = Array(entry.path.joined(separator: [0x2F]))
    out.put(UInt32(path.count))
    out.put(path)
    out.put(entry.mode)
    out.put(entry.uid)
    out.put(entry.gid)
    out.put(entry.modified)
    out.put(UInt32(entry.attributes.count))
    for attribute in entry.attributes {
      for part in [attribute.name, attribute.value] {
        out.put(UInt32(part.count))
        out.put(part)
      }
    }
    out.put(item.content.map { UInt32($0) } ?? .max)
    func text(_ kind: UInt8, _ bytes: [UInt8]) {
      out.put(kind)
      out.put(UInt32(bytes.count))
      out.put(bytes)
    }
    switch entry.kind {
    case .file(let size):
      out.put(UInt8(0))
      out.put(UInt64(size))
    case .directory: out.put(UInt8(1))
    case .link(let target): text(2, target)
    case .hardLink(let target): text(3, Array(target.joined(separator: [0x2F])))
    case .block(let major, let minor), .character(let major, let minor):
      if case .block = entry.kind { out.put(UInt8(4)) } else { out.put(UInt8(5)) }
      out.put(major)
      out.put(minor)
    case .pipe: out.put(UInt8(6))
    }
  }

  /// `dataEnd`: where the data end in the file; nothing may lie behind.
  static func parse(
    _ bytes: [UInt8], name: String, blockSize: Int, dataEnd: Int
  ) throws(SegmentFault) -> Parsed {
    var reader = unsafe ByteReader(bytes.span.bytes)
    do throws(TruncatedFault) {
      guard let parsed = try parse(&reader, blockSize: blockSize, dataEnd: dataEnd) else {
        throw TruncatedFault(offset: reader.offset, wanted: -1, have: reader.remaining)
      }
      return parsed
    } catch {
      throw .damaged(
        name: name,
        why: error.wanted < 0
          ? "its index contradicts itself at byte \(error.offset)" : "its index ends at byte \(error.offset)")
    }
  }

  /// nil for what cannot be: the reader stands behind it.
  @_lifetime(reader: copy reader)
  private static func parse(
    _ reader: inout ByteReader, blockSize: Int, dataEnd: Int
  ) throws(TruncatedFault) -> Parsed? {
    let dataHash = try reader.take(count: 32)
    let itemCount = Int(try reader.take(UInt32.self))
    let contentCount = Int(try reader.take(UInt32.self))
    let fragmentCount = Int(try reader.take(UInt32.self))
    let unitCount = Int(try reader.take(UInt32.self))
    let noteCount = Int(try reader.take(UInt32.self))
    guard try reader.take(UInt32.self) == UInt32(blockSize) else { return nil }
    // The least bytes of each: a count beyond what is left is a lie, found before memory is taken for it.
    guard itemCount <= reader.remaining / 29, contentCount <= reader.remaining / 48,
      fragmentCount <= reader.remaining / 12, unitCount <= reader.remaining / 4,
      noteCount <= reader.remaining / 5
    else { return nil }
    var index = LayerIndex(blockSize: blockSize)
    index.items.reserveCapacity(itemCount)
    for _ in 0..<itemCount {
      guard let item = try item(&reader, contentCount: contentCount) else { return nil }
      index.items.append(item)
    }
    index.members = [[Int]](repeating: [], count: fragmentCount)
    var blocks: [(start: Int, sizes: [StoredSize])] = []
    for number in 0..<contentCount {
      let size = try reader.take(UInt64.self)
      let hash = try reader.take(count: 32)
      let fragment = try reader.take(UInt32.self)
      guard size > 0, size <= UInt64(LayerIndex.mostBlocks * blockSize) else { return nil }
      if fragment == .max {
        let start = try reader.take(UInt64.self)
        let count = (Int(size) + blockSize - 1) / blockSize
        guard Int(size) >= blockSize, count <= reader.remaining / 4 else { return nil }
        var sizes: [StoredSize] = []
        sizes.reserveCapacity(count)
        var end = start
        for _ in 0..<count {
          let stored = StoredSize(rawValue: try reader.take())
          guard stored.isKnown, stored.bytes <= blockSize else { return nil }
          sizes.append(stored)
          end += UInt64(stored.bytes)
          guard end <= UInt64(dataEnd) else { return nil }
        }
        guard start >= UInt64(Segment.magic.count), let start = Int(exactly: start) else { return nil }
        blocks.append((start, sizes))
        index.contents.append(LayerIndex.Content(size: Int(size), hash: hash, place: .blocks))
      } else {
        let offset = Int(try reader.take(UInt32.self))
        guard fragment < UInt32(fragmentCount), Int(size) < blockSize, offset + Int(size) <= blockSize else {
          return nil
        }
        index.members[Int(fragment)].append(number)
        blocks.append((0, []))
        index.contents.append(
          LayerIndex.Content(size: Int(size), hash: hash, place: .fragment(Int(fragment), offset: offset)))
      }
    }
    for item in index.items {
      guard case .file(let size) = item.entry.kind else {
        if item.content != nil { return nil }
        continue
      }
      guard (item.content == nil) == (size == 0) else { return nil }
      if let content = item.content, index.contents[content].size != size { return nil }
    }
    var fragments: [(start: Int, stored: StoredSize)] = []
    for _ in 0..<fragmentCount {
      let start = try reader.take(UInt64.self)
      let stored = StoredSize(rawValue: try reader.take())
      guard stored.isKnown, (1...blockSize).contains(stored.bytes), start >= UInt64(Segment.magic.count),
        start <= UInt64(dataEnd), stored.bytes <= dataEnd - Int(start)
      else { return nil }
      fragments.append((Int(start), stored))
    }
    for _ in 0..<unitCount {
      let unit = try reader.take(UInt32.self)
      if unit >> 31 == 1 {
        guard unit & ~(1 << 31) < UInt32(fragmentCount) else { return nil }
        index.units.append(.fragment(Int(unit & ~(1 << 31))))
      } else {
        guard unit < UInt32(contentCount), case .blocks = index.contents[Int(unit)].place else { return nil }
        index.units.append(.blocks(content: Int(unit)))
      }
    }
    for _ in 0..<noteCount {
      let level = Int(try reader.take(UInt8.self))
      guard level < levels.count else { return nil }
      index.notes.append(Notice(levels[level], String(decoding: try text(&reader), as: UTF8.self)))
    }
    return reader.remaining == 0 ? (index, blocks, fragments, dataHash) : nil
  }

  @_lifetime(reader: copy reader)
  private static func item(
    _ reader: inout ByteReader, contentCount: Int
  ) throws(TruncatedFault) -> LayerItem? {
    let path = try components(&reader)
    let mode = try reader.take(UInt32.self)
    let uid = try reader.take(UInt32.self)
    let gid = try reader.take(UInt32.self)
    let modified = try reader.take(UInt32.self)
    let attributeCount = Int(try reader.take(UInt32.self))
    guard attributeCount <= reader.remaining / 8 else { return nil }
    var attributes: [TreeAttribute] = []
    for _ in 0..<attributeCount {
      let name = try text(&reader)
      attributes.append(TreeAttribute(name: name, value: try text(&reader)))
    }
    let content = try reader.take(UInt32.self)
    guard content == .max || content < UInt32(contentCount) else { return nil }
    let kind: LayerEntry.Kind
    switch try reader.take(UInt8.self) {
    case 0:
      guard let size = Int(exactly: try reader.take(UInt64.self)) else { return nil }
      kind = .file(size: size)
    case 1: kind = .directory
    case 2: kind = .link(target: try text(&reader))
    case 3: kind = .hardLink(to: try components(&reader))
    case 4: kind = .block(major: try reader.take(), minor: try reader.take())
    case 5: kind = .character(major: try reader.take(), minor: try reader.take())
    case 6: kind = .pipe
    default: return nil
    }
    return LayerItem(
      entry: LayerEntry(
        path: path, kind: kind, mode: mode & 0o7777, uid: uid, gid: gid, modified: modified,
        attributes: attributes),
      content: content == .max ? nil : Int(content))
  }

  @_lifetime(reader: copy reader)
  private static func text(_ reader: inout ByteReader) throws(TruncatedFault) -> [UInt8] {
    try reader.take(count: Int(try reader.take(UInt32.self)))
  }

  @_lifetime(reader: copy reader)
  private static func components(_ reader: inout ByteReader) throws(TruncatedFault) -> [[UInt8]] {
    try text(&reader).split(separator: 0x2F).map { Array($0) }
  }
}

func sha256(_ bytes: [UInt8]) -> [UInt8] {
  let hasher = DigestHasher()
  unsafe bytes.withUnsafeBytes { unsafe hasher.add($0) }
  return hasher.finishBytes()
}
