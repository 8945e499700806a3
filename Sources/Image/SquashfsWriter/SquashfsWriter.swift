internal import Codec
internal import Linux
internal import Model
public import Squashfs
public import Tree

/// Writes a tree as squashfs 4.0 into an open file: contents first, by as many threads as asked for, then inodes,
/// directories and the tables, the superblock last.
///
/// The bytes depend on the tree, the options and the versions of the compressors alone, not on the threads, the time or
/// the order in which reads finish. It decides nothing about the tree: what is in it is written.
public enum SquashfsWriter {
  /// What was written.
  public struct Result: Sendable {
    /// Bytes of the image without the padding (the superblock's "bytes used").
    public let bytesUsed: Int
    /// Bytes with the padding to a multiple of 4096.
    public let size: Int
    public let inodeCount: Int
    /// 16 bytes that follow from all bytes of the image.
    public let identifier: [UInt8]
  }

  /// The kernel's loop devices want whole pages.
  private static let padding = 4096

  /// Writes the image to `output` at `offset`. On a fault the file holds a part of it: whoever made it takes it away.
  public static func write(
    _ tree: Tree, to output: Int32, at offset: Int, options: WriterOptions = WriterOptions()
  ) throws(WriterFault) -> Result {
    guard BlockEncoder.supported.contains(options.compressor) else { throw .compressor(options.compressor) }
    let files = filesInOrder(tree)
    let plan: DataPlan
    do throws(TreeFault) {
      plan = try DataPlan(files.map(\.content), blockSize: options.blockSize)
    } catch { throw .tree(error) }
    let data = try DataWriter.write(plan, options, to: output, offset: offset, start: dataStart(options))
    var placements: [Int: FilePlacement] = [:]
    placements.reserveCapacity(files.count)
    for (index, file) in files.enumerated() { placements[file.node] = data.placements[index] }
    return try finish(
      tree, placements, fragments: data.fragments, dataEnd: data.end, to: output, at: offset,
      options: options
    ) { parts in
      var hash = data.hash
      for part in parts { unsafe part.withUnsafeBytes { unsafe hash.add($0) } }
      return hash.bytes
    }
  }

  /// Where the data of an image begins: behind the superblock and the options of the compressor.
  public static func dataStart(_ options: WriterOptions) -> Int {
    Superblock.size + compressorOptions(options).count
  }

  /// Writes the tables of an image whose data lie in the file already, up to `dataEnd` from its start. `placements`: of
  /// every file with content, by node. `identifier` makes the 16 bytes that name the image from the tables.
  public static func finish(
    _ tree: Tree, _ placements: [Int: FilePlacement], fragments: [Fragment], dataEnd: Int, to output: Int32,
    at offset: Int, options: WriterOptions, identifier: ([[UInt8]]) -> [UInt8]
  ) throws(WriterFault) -> Result {
    guard let encoder = BlockEncoder(options.compressor, level: options.level) else {
      throw .compressor(options.compressor)
    }
    let head = compressorOptions(options)
    var writer = TreeWriter(tree, placements, encoder)
    let root = try writer.write()
    var tables = Tables(start: dataEnd, encoder: encoder)
    let inodeTable = tables.add(writer.inodes.bytes)
    let directoryTable = tables.add(writer.directories.bytes)
    let fragmentTable = tables.add(
      fragments.map { fragment in
        var entry = ByteWriter(reserving: 16)
        entry.put(fragment.start)
        entry.put(fragment.stored.rawValue)
        entry.put(UInt32(0))
        return entry.bytes
      })
    let exportTable = tables.add(writer.exported.map { little($0.rawValue) })
    let idTable = tables.add(writer.ids.map { little($0) })
    var attributes = writer.attributes
    var attributeTable = Superblock.none
    if let written = attributes.finish(at: tables.end) {
      _ = tables.add(written.bytes)
      attributeTable = written.table
    }
    let bytesUsed = tables.end
    tables.pad(to: (bytesUsed + padding - 1) / padding * padding)

    let superblock = Superblock(
      inodeCount: UInt32(writer.exported.count), modified: options.modified,
      blockSize: UInt32(options.blockSize),
      fragmentCount: UInt32(fragments.count), compressor: options.compressor,
      flags: Superblock.Flags.deduplicated | Superblock.Flags.exportable
        | (attributeTable == Superblock.none ? Superblock.Flags.noXattrs : 0)
        | (head.isEmpty ? 0 : Superblock.Flags.compressorOptions),
      idCount: UInt16(writer.ids.count), root: root, bytesUsed: UInt64(bytesUsed), idTable: idTable,
      xattrTable: attributeTable, inodeTable: inodeTable, directoryTable: directoryTable,
      fragmentTable: fragmentTable, exportTable: exportTable)
    try write(tables.bytes, to: output, at: offset + dataEnd)
    try write(superblock.bytes + head, to: output, at: offset)
    return Result(
      bytesUsed: bytesUsed, size: dataEnd + tables.bytes.count, inodeCount: writer.exported.count,
      identifier: identifier([tables.bytes, superblock.bytes + head]))
  }

  /// Every file once, in the order of the tree: files of one directory lie together, and so do their fragments.
  public static func filesInOrder(_ tree: Tree) -> [(node: Int, content: FileContent)] {
    var seen = [Bool](repeating: false, count: tree.nodes.count)
    var files: [(node: Int, content: FileContent)] = []
    func visit(_ directory: Int) {
      for entry in tree.entries(of: directory) where !seen[entry.node] {
        seen[entry.node] = true
        switch tree.nodes[entry.node].content {
        case .directory: visit(entry.node)
        case .file(let content): files.append((entry.node, content))
        default: break
        }
      }
    }
    visit(Tree.root)
    return files
  }

  /// lz4 images must say which format of lz4 they have; the others have defaults. A metadata block, never compressed.
  private static func compressorOptions(_ options: WriterOptions) -> [UInt8] {
    guard options.compressor == .lz4 else { return [] }
    return little(UInt16(8 | 0x8000)) + little(UInt32(1)) + little(UInt32(0))
  }

  private static func little<T: FixedWidthInteger>(_ value: T) -> [UInt8] {
    var out = ByteWriter()
    out.put(value)
    return out.bytes
  }

  private static func write(_ bytes: [UInt8], to output: Int32, at offset: Int) throws(WriterFault) {
    var failure: SystemCallFault?
    unsafe bytes.withUnsafeBytes { bytes in
      do throws(SystemCallFault) { try unsafe File.write(bytes, to: output, at: offset) } catch {
        failure = error
      }
    }
    if let failure { throw .write(failure) }
  }
}

/// What lies behind the data: tables one after the other.
private struct Tables {
  private let start: Int
  private let encoder: BlockEncoder
  private(set) var bytes: [UInt8] = []

  init(start: Int, encoder: BlockEncoder) {
    self.start = start
    self.encoder = encoder
  }

  var end: Int { start + bytes.count }

  /// A table without pointers. Returns where it begins.
  mutating func add(_ more: [UInt8]) -> UInt64 {
    defer { bytes += more }
    return UInt64(end)
  }

  /// A table of equal entries with pointers to its blocks. Returns where the pointers begin.
  mutating func add(_ entries: [[UInt8]]) -> UInt64 {
    var table = TableWriter(encoder)
    for entry in entries { table.append(entry) }
    let (more, position) = table.finish(at: end)
    bytes += more
    return position
  }

  mutating func pad(to end: Int) { bytes += [UInt8](repeating: 0, count: end - self.end) }
}
