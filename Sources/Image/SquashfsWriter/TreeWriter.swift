internal import Codec
internal import Model
internal import Squashfs
internal import Tree

/// Writes inodes and directories of a tree whose contents have their places already.
///
/// All inodes of one directory lie side by side, its subdirectories' own contents in front of them: a listing with
/// attributes reads one stretch of metadata, and a directory needs few runs.
struct TreeWriter {
  private let tree: Tree
  private let placements: [Int: FilePlacement]
  private(set) var inodes: MetadataWriter
  private(set) var directories: MetadataWriter
  private(set) var attributes: AttributeWriter
  /// Owners and groups in the order of their first use.
  private(set) var ids: [UInt32] = []
  private var idIndex: [UInt32: UInt16] = [:]
  /// By node; 0: no name leads there.
  private var numbers: [UInt32]
  private var links: [UInt32]
  private var references: [InodeReference?]
  /// By inode number - 1, for the export table.
  private(set) var exported: [InodeReference] = []

  init(_ tree: Tree, _ placements: [Int: FilePlacement], _ encoder: BlockEncoder) {
    self.tree = tree
    self.placements = placements
    inodes = MetadataWriter(encoder)
    directories = MetadataWriter(encoder)
    attributes = AttributeWriter(encoder)
    numbers = [UInt32](repeating: 0, count: tree.nodes.count)
    links = numbers
    references = [InodeReference?](repeating: nil, count: tree.nodes.count)
  }

  /// Writes everything; the root's inode is the last.
  mutating func write() throws(WriterFault) -> InodeReference {
    var next: UInt32 = 1
    try number(Tree.root, &next)
    numbers[Tree.root] = next
    let listing = try writeBelow(Tree.root)
    let root = try write(Tree.root, listing: listing, parent: next + 1)
    inodes.finish()
    directories.finish()
    guard ids.count <= Int(UInt16.max) else {
      throw .tooMany("different owners and groups", limit: Int(UInt16.max))
    }
    return root
  }

  /// Numbers in the order in which `writeBelow` writes, because a directory's inode names its parent's number before
  /// the parent is written.
  private mutating func number(_ directory: Int, _ next: inout UInt32) throws(WriterFault) {
    let entries = tree.entries(of: directory)
    for entry in entries where tree.nodes[entry.node].isDirectory { try number(entry.node, &next) }
    for entry in entries {
      guard (1...255).contains(entry.name.count) else {
        throw .tree(.nameTooLong(path: String(decoding: entry.name, as: UTF8.self)))
      }
      links[entry.node] += 1
      if numbers[entry.node] == 0 {
        numbers[entry.node] = next
        next += 1
      }
    }
  }

  private mutating func writeBelow(_ directory: Int) throws(WriterFault) -> DirectoryListing {
    let entries = tree.entries(of: directory)
    var listings: [Int: DirectoryListing] = [:]
    for entry in entries where tree.nodes[entry.node].isDirectory {
      listings[entry.node] = try writeBelow(entry.node)
    }
    var names: [DirectoryListing.Name] = []
    names.reserveCapacity(entries.count)
    for entry in entries {
      let reference: InodeReference
      if let known = references[entry.node] {
        reference = known
      } else {
        reference = try write(entry.node, listing: listings[entry.node], parent: numbers[directory])
      }
      names.append(
        DirectoryListing.Name(
          name: entry.name, type: InodeRecord.type(tree.nodes[entry.node].content), inode: reference,
          number: numbers[entry.node]))
    }
    return DirectoryListing(names, into: &directories)
  }

  private mutating func write(
    _ node: Int, listing: DirectoryListing?, parent: UInt32
  ) throws(WriterFault) -> InodeReference {
    let facts = tree.nodes[node]
    let owner = try index(of: facts.uid)
    let group = try index(of: facts.gid)
    let common = InodeRecord.Common(
      node: facts, owner: owner, group: group, number: numbers[node],
      links: facts.isDirectory ? directoryLinks(node) : links[node],
      attributes: attributes.index(of: facts.attributes))
    let bytes: [UInt8]
    switch facts.content {
    case .directory:
      guard let listing else { preconditionFailure("a directory is written after what lies below it") }
      bytes = InodeRecord.directory(common, listing, parent: parent)
    case .file(let content):
      bytes = InodeRecord.file(common, size: content.size, placements[node] ?? FilePlacement())
    case .link(let target):
      guard (1...4095).contains(target.count) else {
        throw .tree(.nameTooLong(path: String(decoding: target, as: UTF8.self)))
      }
      bytes = InodeRecord.other(common)
    default: bytes = InodeRecord.other(common)
    }
    let (block, offset) = inodes.position
    let reference = InodeReference(block: UInt64(block), offset: offset)
    inodes.append(bytes)
    references[node] = reference
    exported.append(reference)
    return reference
  }

  private func directoryLinks(_ directory: Int) -> UInt32 {
    2 + UInt32(tree.entries(of: directory).count { tree.nodes[$0.node].isDirectory })
  }

  private mutating func index(of id: UInt32) throws(WriterFault) -> UInt16 {
    if let index = idIndex[id] { return index }
    guard ids.count < Int(UInt16.max) else {
      throw .tooMany("different owners and groups", limit: Int(UInt16.max))
    }
    let index = UInt16(ids.count)
    ids.append(id)
    idIndex[id] = index
    return index
  }
}
