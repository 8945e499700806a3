public import Content
public import Model

/// Reads a layer's archive entry by entry, in one pass: v7, ustar, GNU and pax, with all forms of long names
/// and sparse files. It is strict: what other readers understand differently, cut short or pass over with a
/// warning is a fault here, because an image must not hold something else than what was looked at.
///
/// Names are bytes and no path of the host is touched. Memory is bounded by the extended headers of one
/// entry.
///
/// Considered: libarchive. Unknown types become files there, a NUL cuts names, a malformed extended header is
/// a warning, and names depend on the locale.
public final class TarReader {
  /// Bytes of the largest file: ext4's own bound. A sparse file may claim any size and have no byte.
  public static let largestFile = 1 << 44
  /// Bytes of one extended header, and of all of one entry together with its map of holes.
  static let largestHeader = 1 << 20
  static let largestHeaders = 4 << 20
  private static let mostNotes = 100

  private let input: BlockBuffer
  private let name: String
  private var content = TarContent()
  private var isAtEnd = false
  /// Behind a fault nothing can be read: nobody knows where the next entry begins.
  private var failure: LayerFault?
  /// Where the entry begins in the archive, and its path once it is known: for messages.
  private var entryOffset = 0
  private var entryPath: String?
  /// Bytes of extended headers of this entry.
  private var headerBytes = 0
  /// What was left out, by its path in the layer; no more than 100 of them.
  public private(set) var notes: [Notice] = []

  /// `name`: the layer's number or digest, for messages. Reading stops at the end of the archive, which need
  /// not be that of the source (`HashedSource.finish` goes on).
  public init(_ source: any ByteSource, name: String) {
    input = BlockBuffer(source)
    self.name = name
  }

  /// The next entry; nil at the end, which is two blocks of zeros or that of the source. Content of the entry
  /// before that was not read is passed over.
  public func next() throws(LayerFault) -> LayerEntry? {
    if let failure { throw failure }
    do throws(TarFailure) { return try nextEntry() } catch { throw fault(error) }
  }

  /// Where the content of the entry begins in the archive, in bytes, if none of it has been read. Of a file that is
  /// stored whole the content lies there as it is.
  public var contentOffset: Int { input.offset }

  /// Puts the next bytes of the entry's content at the start of `buffer` and returns how many; 0 at the end of the
  /// content, and for what is no file. Holes are zeros. `buffer` is not empty.
  public func read(into buffer: UnsafeMutableRawBufferPointer) throws(LayerFault) -> Int {
    if let failure { throw failure }
    do throws(TarFailure) { return try unsafe content.read(from: input, into: buffer) } catch {
      throw fault(error)
    }
  }

  private func fault(_ reason: TarFailure) -> LayerFault {
    let fault: LayerFault =
      switch reason {
      case .content(let fault): .content(fault)
      case .entry(let fault):
        .entry(layer: name, entry: entryPath ?? "the entry at byte \(entryOffset)", fault)
      }
    failure = fault
    return fault
  }

  private func nextEntry() throws(TarFailure) -> LayerEntry? {
    try content.skip(in: input)
    content = TarContent()
    entryPath = nil
    entryOffset = input.offset
    headerBytes = 0
    var extended = ExtendedHeader()
    while let header = try nextHeader() {
      switch header.type {
      case UInt8(ascii: "x"):
        let body = try body(of: header)
        try TarFailure.parsing { () throws(EntryFault) in try extended.add(body) }
      case UInt8(ascii: "g"):
        let body = try body(of: header)
        for word in try TarFailure.parsing({ () throws(EntryFault) in try ExtendedHeader.checkGlobal(body) })
        {
          note(Notice(.verbose, "\(printable(word)) for all entries is passed over"))
        }
      case UInt8(ascii: "L"):
        let body = try body(of: header)
        extended.longName = try TarFailure.parsing { () throws(EntryFault) in
          try ExtendedHeader.longText(body, field: "name")
        }
      case UInt8(ascii: "K"):
        let body = try body(of: header)
        extended.longTarget = try TarFailure.parsing { () throws(EntryFault) in
          try ExtendedHeader.longText(body, field: "target")
        }
      default: return try entry(header, extended)
      }
      if header.type != UInt8(ascii: "g") { extended.isUsed = true }
    }
    guard !extended.isUsed else { throw .entry(.nothingFollows) }
    return nil
  }

  /// The next header; nil at the end of the archive.
  private func nextHeader() throws(TarFailure) -> TarHeader? {
    if isAtEnd { return nil }
    let block = try input.peek(TarHeader.blockSize)
    if block.isEmpty {
      isAtEnd = true
      return nil
    }
    guard block.count == TarHeader.blockSize else { throw .entry(.truncated) }
    try input.skip(TarHeader.blockSize)
    if block.allSatisfy({ $0 == 0 }) {
      let second = try input.peek(TarHeader.blockSize)
      guard second.allSatisfy({ $0 == 0 }) else { throw .entry(.loneZeroBlock) }
      isAtEnd = true
      return nil
    }
    return try TarFailure.parsing { () throws(EntryFault) in try TarHeader(block) }
  }

  /// The bytes behind a header that speaks of the next entry.
  private func body(of header: TarHeader) throws(TarFailure) -> [UInt8] {
    // Its own size: that of an extended header is meant for the entry.
    let size = try TarFailure.parsing { () throws(EntryFault) in try header.size() }
    guard size <= Self.largestHeader else { throw .entry(.extendedHeaderSize(limit: Self.largestHeader)) }
    try count(headerBytes: TarHeader.blockSize + size)
    let body = try input.take(size)
    try input.skip(TarContent.padding(size))
    return body
  }

  private func count(headerBytes size: Int) throws(TarFailure) {
    headerBytes += size
    guard headerBytes <= Self.largestHeaders else {
      throw .entry(.extendedHeaderSize(limit: Self.largestHeaders))
    }
  }

  private func entry(_ header: TarHeader, _ extended: ExtendedHeader) throws(TarFailure) -> LayerEntry {
    let type = try TarFailure.parsing { () throws(EntryFault) in try TarType(header, extended) }
    let path = try TarFailure.parsing { () throws(EntryFault) in
      try EntryPath.clean(extended.path(of: header, isFile: type == .file))
    }
    entryPath = EntryPath.text(path)
    var fileSize = 0
    switch type {
    case .file: fileSize = try beginFile(header, extended)
    case .hardLink: try beginHardLink(header, extended)
    default: break
    }
    let (attributes, dropped) = extended.attributes.sorted()
    for notice in dropped {
      note(Notice(notice.level, "\(printable(EntryPath.text(path))): \(notice.text)"))
    }
    return try TarFailure.parsing { () throws(EntryFault) in
      let kind = try extended.kind(type, of: header, fileSize: fileSize)
      guard !path.isEmpty || kind == .directory else { throw .root }
      return LayerEntry(
        path: path, kind: kind, mode: try header.mode(of: type), uid: try extended.uid(of: header),
        gid: try extended.gid(of: header), modified: try extended.modified(of: header),
        attributes: attributes)
    }
  }

  /// Makes ready to read a file and returns its size with holes.
  private func beginFile(_ header: TarHeader, _ extended: ExtendedHeader) throws(TarFailure) -> Int {
    let stored = try TarFailure.parsing { () throws(EntryFault) in try extended.size(of: header) }
    var map = SparseMap(stretches: [], fileSize: stored, stored: stored)
    if header.type == UInt8(ascii: "S") {
      guard !extended.sparse.isUsed else { throw .entry(.sparseMap) }
      map = try SparseMap.gnu(header, stored: stored) { () throws(TarFailure) in
        try count(headerBytes: TarHeader.blockSize)
        return try input.take(TarHeader.blockSize)
      }
    } else if extended.sparse.isUsed {
      map = try SparseMap.pax(extended.sparse, stored: stored) { () throws(TarFailure) in
        try count(headerBytes: TarHeader.blockSize)
        return try input.take(TarHeader.blockSize)
      }
    } else {
      content = TarContent(stored: stored)
      return stored
    }
    content = try TarFailure.parsing { () throws(EntryFault) in try TarContent(map) }
    return map.fileSize
  }

  /// A hard link has no content, but old forms of cpio's archives repeat the file's behind each of its names,
  /// and old tars only its size. What follows tells: a header means that there is none, as GNU tar and Docker
  /// have it.
  private func beginHardLink(_ header: TarHeader, _ extended: ExtendedHeader) throws(TarFailure) {
    let stored = try TarFailure.parsing { () throws(EntryFault) in try extended.size(of: header) }
    guard stored > 0 else { return }
    let following = try input.peek(TarHeader.blockSize)
    guard following.count == TarHeader.blockSize, !following.allSatisfy({ $0 == 0 }),
      !TarHeader.isChecksumRight(following)
    else { return }
    content = TarContent(unread: stored)
  }

  private func note(_ notice: Notice) {
    guard notes.count < Self.mostNotes else { return }
    notes.append(notice)
  }
}
