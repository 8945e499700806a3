internal import Content
internal import Layers

/// Who takes the blocks that a layer is cut into.
protocol LayerSink {
  /// The next block of a content that has blocks of its own.
  mutating func block(_ bytes: [UInt8], of content: Int) throws(SegmentFault)
  /// A full fragment.
  mutating func fragment(_ bytes: [UInt8], number: Int) throws(SegmentFault)
}

/// Nobody: only the index is wanted.
struct NoSink: LayerSink {
  mutating func block(_ bytes: [UInt8], of content: Int) {}
  mutating func fragment(_ bytes: [UInt8], number: Int) {}
}

/// Reads a layer once and cuts it: files of a block and more into blocks, smaller ones packed into fragments. A small
/// content that came before in the layer is not packed again.
struct LayerPacker<Sink: LayerSink> {
  private(set) var index: LayerIndex
  var sink: Sink
  private var open: [UInt8] = []
  private var openMembers: [Int] = []
  private var known: [Key: Int] = [:]
  private let hasher = DigestHasher()

  private struct Key: Hashable {
    let size: Int
    let hash: [UInt8]
  }

  init(blockSize: Int, sink: Sink) {
    index = LayerIndex(blockSize: blockSize)
    self.sink = sink
    open.reserveCapacity(blockSize)
  }

  /// Takes the whole layer, up to the end of its archive.
  mutating func pack(_ reader: TarReader) throws(SegmentFault) {
    while let entry = try reader.entry() {
      var content: Int?
      if case .file(let size) = entry.kind, size > 0 {
        guard size <= LayerIndex.mostBlocks * index.blockSize else {
          throw .tooLarge(path: entry.text, size: size)
        }
        content =
          size < index.blockSize ? try takeSmall(size, reader) : try takeLarge(size, reader)
      }
      guard index.items.count < LayerIndex.mostEntries else {
        throw .tooManyEntries(limit: LayerIndex.mostEntries)
      }
      index.items.append(LayerItem(entry: entry, content: content))
    }
    try seal()
    index.notes = reader.notes
  }

  private mutating func takeSmall(_ size: Int, _ reader: TarReader) throws(SegmentFault) -> Int {
    let bytes = try reader.bytes(size)
    unsafe bytes.withUnsafeBytes { unsafe hasher.add($0) }
    let hash = hasher.finishBytes()
    if let same = known[Key(size: size, hash: hash)] { return same }
    if open.count + size > index.blockSize { try seal() }
    let content = index.contents.count
    index.contents.append(
      LayerIndex.Content(size: size, hash: hash, place: .fragment(index.members.count, offset: open.count)))
    known[Key(size: size, hash: hash)] = content
    open += bytes
    openMembers.append(content)
    return content
  }

  private mutating func takeLarge(_ size: Int, _ reader: TarReader) throws(SegmentFault) -> Int {
    let content = index.contents.count
    index.units.append(.blocks(content: content))
    var left = size
    while left > 0 {
      let bytes = try reader.bytes(min(left, index.blockSize))
      unsafe bytes.withUnsafeBytes { unsafe hasher.add($0) }
      left -= bytes.count
      try sink.block(bytes, of: content)
    }
    index.contents.append(LayerIndex.Content(size: size, hash: hasher.finishBytes(), place: .blocks))
    return content
  }

  /// Ends the fragment that is being filled.
  private mutating func seal() throws(SegmentFault) {
    guard !open.isEmpty else { return }
    let number = index.members.count
    index.units.append(.fragment(number))
    index.members.append(openMembers)
    try sink.fragment(open, number: number)
    open = []
    open.reserveCapacity(index.blockSize)
    openMembers = []
  }
}

extension TarReader {
  /// The next entry, with the faults of this room.
  func entry() throws(SegmentFault) -> LayerEntry? {
    do throws(LayerFault) { return try next() } catch { throw .layer(error) }
  }

  /// The next `count` bytes of the current file, all of them.
  func bytes(_ count: Int) throws(SegmentFault) -> [UInt8] {
    var failure: LayerFault?
    let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
      initialized = 0
      do throws(LayerFault) {
        while initialized < count {
          let room = unsafe UnsafeMutableRawBufferPointer(
            UnsafeMutableBufferPointer(rebasing: buffer[initialized..<count]))
          let got = try unsafe read(into: room)
          // The reader itself refuses an archive that ends inside a file.
          if got == 0 { return }
          initialized += got
        }
      } catch { failure = error }
    }
    if let failure { throw .layer(failure) }
    return bytes
  }
}
