internal import Linux

extension SquashfsImage {
  /// Reads an inode ("Squashfs Binary Format", section 5).
  ///
  /// The fields are in the table of `Layout.Inode`. Types 1 to 7 are basic, 8 to 14 the extended forms of the same.
  public func inode(_ reference: InodeReference) throws(SquashfsFault) -> Inode {
    let table = superblock.directoryTable - superblock.inodeTable
    guard reference.block < table else {
      throw .field("inode reference", value: reference.rawValue, limit: "less than \(table)")
    }
    var cursor = try MetadataCursor(
      metadata, at: Int(superblock.inodeTable + reference.block), offset: reference.offset,
      end: Int(superblock.directoryTable))
    return try inode(reference, &cursor)
  }

  /// Reads the inode at a cursor, which is left behind its fields, before the lists that some have.
  func inode(_ reference: InodeReference, _ cursor: inout MetadataCursor) throws(SquashfsFault) -> Inode {
    let type: UInt16 = try cursor.take()
    let mode: UInt16 = try cursor.take()
    let uid: UInt16 = try cursor.take()
    let gid: UInt16 = try cursor.take()
    let modified: UInt32 = try cursor.take()
    guard Layout.Inode.types.contains(type) else {
      throw .field("inode type", value: UInt64(type), limit: "1 to 14")
    }
    let number: UInt32 = try cursor.take()
    guard number >= 1, number <= superblock.inodeCount else {
      throw .field("inode number", value: UInt64(number), limit: "1 to \(superblock.inodeCount)")
    }
    let basic = type > Layout.Inode.extended ? type - Layout.Inode.extended : type
    guard let kind = FileFacts.Kind(squashfsType: basic) else {
      throw .field("inode type", value: UInt64(type), limit: "1 to 14")
    }
    var linkCount: UInt32 = 1
    var size: UInt64 = 0
    var attributes = UInt32.max
    var content = Inode.Content.none
    switch type {
    case 1:
      let block: UInt32 = try cursor.take()
      linkCount = try cursor.take()
      let listing: UInt16 = try cursor.take()
      let offset: UInt16 = try cursor.take()
      size = UInt64(listing)
      content = .directory(try place(block, offset, size: size, parent: try cursor.take()))
    case 8:
      linkCount = try cursor.take()
      let listing: UInt32 = try cursor.take()
      let block: UInt32 = try cursor.take()
      let parent: UInt32 = try cursor.take()
      let indexCount: UInt16 = try cursor.take()
      let offset: UInt16 = try cursor.take()
      attributes = try cursor.take()
      size = UInt64(listing)
      var directory = try place(block, offset, size: size, parent: parent)
      // The index is only a short cut, and we read whole listings.
      directory.indexCount = Int(indexCount)
      content = .directory(directory)
    case 2:
      let start: UInt32 = try cursor.take()
      let fragment: UInt32 = try cursor.take()
      let fragmentOffset: UInt32 = try cursor.take()
      let bytes: UInt32 = try cursor.take()
      size = UInt64(bytes)
      content = .file(
        try place(start: UInt64(start), fragment, fragmentOffset, size: size, list: cursor))
    case 9:
      let start: UInt64 = try cursor.take()
      size = try cursor.take()
      try cursor.skip(8)  // bytes saved by sparse blocks
      linkCount = try cursor.take()
      let fragment: UInt32 = try cursor.take()
      let fragmentOffset: UInt32 = try cursor.take()
      attributes = try cursor.take()
      content = .file(try place(start: start, fragment, fragmentOffset, size: size, list: cursor))
    case 3, 10:
      linkCount = try cursor.take()
      let length: UInt32 = try cursor.take()
      guard (1...4095).contains(length) else {
        throw .field("link target length", value: UInt64(length), limit: "1 to 4095")
      }
      let target = try cursor.take(Int(length))
      guard !target.contains(0) else { throw .field("link target", value: 0, limit: "bytes other than NUL") }
      if type == 10 { attributes = try cursor.take() }
      size = UInt64(length)
      content = .link(target: target)
    case 4, 5, 11, 12:
      linkCount = try cursor.take()
      content = .device(try cursor.take())
      if type >= 11 { attributes = try cursor.take() }
    default:
      linkCount = try cursor.take()
      if type >= 13 { attributes = try cursor.take() }
    }
    return Inode(
      reference: reference, kind: kind, mode: UInt32(mode) & 0o7777, uid: try id(uid), gid: try id(gid),
      modified: modified, number: number, linkCount: max(linkCount, 1), size: size,
      attributes: attributes == .max ? nil : attributes, content: content)
  }

  /// The inode an entry of a directory names. An entry that says another kind or number than the inode itself is a
  /// lie about one of them.
  public func inode(of entry: DirectoryEntry) throws(SquashfsFault) -> Inode {
    let inode = try inode(entry.inode)
    guard inode.kind == entry.kind else {
      throw .field(
        "entry type", value: UInt64(entry.kind.squashfsType), limit: "\(inode.kind.squashfsType) as its inode"
      )
    }
    guard inode.number == entry.number else {
      throw .field("entry number", value: UInt64(entry.number), limit: "\(inode.number) as its inode")
    }
    return inode
  }

  private func id(_ index: UInt16) throws(SquashfsFault) -> UInt32 {
    guard Int(index) < ids.count else {
      throw .field("id index", value: UInt64(index), limit: "less than \(ids.count)")
    }
    return ids[Int(index)]
  }

  private func place(
    _ block: UInt32, _ offset: UInt16, size: UInt64, parent: UInt32
  ) throws(SquashfsFault) -> DirectoryPlace {
    // 3 stands for `.` and `..`; old writers give an empty directory 0.
    guard size >= 3 || size == 0 else {
      throw .field("directory size", value: size, limit: "0, or 3 and more")
    }
    return DirectoryPlace(block: block, offset: offset, bytes: size == 0 ? 0 : Int(size) - 3, parent: parent)
  }

  private func place(
    start: UInt64, _ fragment: UInt32, _ fragmentOffset: UInt32, size: UInt64, list: MetadataCursor
  ) throws(SquashfsFault) -> FilePlace {
    guard size <= UInt64(Int64.max) else { throw .field("file size", value: size, limit: "less than 2^63") }
    let blockSize = UInt64(superblock.blockSize)
    let whole = size / blockSize
    let blocks = fragment == .max ? whole + (size % blockSize == 0 ? 0 : 1) : whole
    guard blocks == 0 || start < superblock.bytesUsed else {
      throw .field("first block", value: start, limit: "less than \(superblock.bytesUsed)")
    }
    // A sparse block has no bytes in the image, but its size in the list has four of metadata.
    let most = UInt64(min(BlockList.mostBlocks, list.mostBytes / 4))
    guard blocks <= most else { throw .field("file size", value: size, limit: "at most \(most) blocks") }
    if fragment != .max {
      guard size % blockSize != 0 else {
        throw .field("fragment", value: UInt64(fragment), limit: "none for a file of whole blocks")
      }
    }
    return FilePlace(
      start: start, fragment: fragment == .max ? nil : fragment, fragmentOffset: fragmentOffset,
      blockCount: Int(blocks), listBlock: UInt64(list.position) - superblock.inodeTable,
      listOffset: list.offset)
  }
}
