/// The inodes that lie behind one in the table, in order. Writers lay them down as they meet the files, so these are
/// mostly the next files of the same directory, and their contents follow each other too.
public struct InodeRun {
  private let image: SquashfsImage
  private var cursor: MetadataCursor
  /// The inode read last, whose list of blocks or index is not behind us yet.
  private var last: Inode

  /// Begins behind `inode`.
  public init(_ image: SquashfsImage, behind inode: Inode) throws(SquashfsFault) {
    self.image = image
    cursor = try MetadataCursor(
      image.metadata, at: Int(image.superblock.inodeTable + inode.reference.block),
      offset: inode.reference.offset,
      end: Int(image.superblock.directoryTable))
    last = try image.inode(inode.reference, &cursor)
  }

  /// The next inode. Faults at the end of the table.
  public mutating func next() throws(SquashfsFault) -> Inode {
    switch last.content {
    case .file(let place): try cursor.skip(4 * place.blockCount)
    case .directory(let place):
      // Each entry of the index: 8 bytes, the length of its name less 1, the name.
      for _ in 0..<place.indexCount {
        try cursor.skip(8)
        let length: UInt32 = try cursor.take()
        guard length < Layout.Directory.mostNameBytes else {
          throw .field(
            "index name length", value: UInt64(length), limit: "less than \(Layout.Directory.mostNameBytes)")
        }
        try cursor.skip(Int(length) + 1)
      }
    default: break
    }
    try cursor.settle()
    let block = UInt64(cursor.position) - image.superblock.inodeTable
    last = try image.inode(InodeReference(block: block, offset: cursor.offset), &cursor)
    return last
  }
}
