import Codec
import Glibc
import Linux
import Squashfs
import Testing
import Tree

@testable import SquashfsWriter

/// The image of a tree in a file without a name, and what was said of it.
private final class Written {
  let file: Descriptor
  let result: SquashfsWriter.Result
  let offset: Int

  init(_ tree: Tree, offset: Int = 0, _ options: WriterOptions) throws {
    file = try File.open("/tmp", O_TMPFILE | O_RDWR, mode: 0o600)
    self.offset = offset
    result = try SquashfsWriter.write(tree, to: file.number, at: offset, options: options)
  }

  func image() throws -> SquashfsImage {
    try SquashfsImage(descriptor: file.number, offset: offset, length: result.size)
  }

  func bytes() throws -> [UInt8] { try file.firstBytes(offset + result.size) }
}

private func options(_ compressor: Compressor = .gzip, threads: Int = 2, blockSize: Int = 4096)
  -> WriterOptions
{
  WriterOptions(compressor: compressor, blockSize: blockSize, threads: threads)
}

private func contents(_ image: SquashfsImage, _ inode: Inode, _ decoder: BlockDecoder) throws -> [UInt8] {
  let list = try image.blockList(of: inode)
  var scratch = [UInt8](repeating: 0, count: list.blockSize)
  var block = scratch
  var out: [UInt8] = []
  func decode(_ stored: StoredBlock) throws -> Int {
    try scratch.withUnsafeMutableBytes { scratch in
      try block.withUnsafeMutableBytes { try image.decode(stored, with: decoder, scratch: scratch, into: $0) }
    }
  }
  for stored in list.blocks { out += block[..<(try decode(stored))] }
  if let tail = list.fragment {
    _ = try decode(tail.block)
    out += block[tail.offset..<tail.offset + list.size - out.count]
  }
  return out
}

/// Compares an object of the tree with the one the reader finds, and everything below.
private func expectEqual(
  _ tree: Tree, _ node: Int, _ image: SquashfsImage, _ inode: Inode, _ decoder: BlockDecoder
) throws {
  let wanted = tree.nodes[node]
  #expect(inode.mode == wanted.mode)
  #expect(inode.uid == wanted.uid)
  #expect(inode.gid == wanted.gid)
  #expect(inode.modified == wanted.modified)
  let attributes = try image.extendedAttributes(of: inode)
  #expect(attributes.map(\.name) == wanted.attributes.map(\.name))
  #expect(attributes.map(\.value) == wanted.attributes.map(\.value))
  switch wanted.content {
  case .directory(let names):
    try #require(inode.kind == .directory)
    let found = try image.entries(of: inode)
    try #require(found.map(\.name) == names.map(\.name))
    for (entry, name) in zip(found, names) {
      try expectEqual(tree, name.node, image, try image.inode(entry.inode), decoder)
    }
  case .file(let content):
    try #require(inode.kind == .file)
    guard case .bytes(let bytes) = content else { return }
    #expect(try contents(image, inode, decoder) == bytes)
  case .link(let target): #expect(inode.content == .link(target: target))
  case .block(let major, let minor):
    #expect(inode.kind == .block)
    #expect(inode.device == (major, minor))
  case .character(let major, let minor):
    #expect(inode.kind == .character)
    #expect(inode.device == (major, minor))
  case .pipe: #expect(inode.kind == .pipe)
  case .socket: #expect(inode.kind == .socket)
  }
}

@Suite struct SquashfsWriterTests {
  @Test(arguments: BlockEncoder.supported, [1, 2] as [UInt64])
  func `our reader finds a random tree as it was`(compressor: Compressor, seed: UInt64) throws {
    let tree = randomTree(seed)
    let written = try Written(tree, offset: 4096, options(compressor))
    let image = try written.image()
    #expect(written.result.size % 4096 == 0)
    try expectEqual(tree, Tree.root, image, try image.inode(image.root), try BlockDecoder(compressor))
  }

  @Test(arguments: [3, 4, 5] as [UInt64])
  func `the same tree gives the same bytes whatever the threads`(seed: UInt64) throws {
    let one = try Written(randomTree(seed), options(threads: 1))
    let eight = try Written(randomTree(seed), options(threads: 8))
    #expect(try one.bytes() == eight.bytes())
    #expect(one.result.identifier == eight.result.identifier)
    let other = try Written(randomTree(seed + 100), options(threads: 1))
    #expect(one.result.identifier != other.result.identifier)
  }

  @Test func `a directory of many names has an index and every name is found`() throws {
    var tree = Tree()
    let names = (0..<3000).map { Array("a name that is not short \($0)".utf8) }
    let node = tree.add(Tree.Node(.file(.bytes([1])), mode: 0o644))
    var entries = [Tree.Entry(Array("one".utf8), node)]
    for name in names { entries.append(Tree.Entry(name, tree.add(Tree.Node(.pipe, mode: 0o600)))) }
    tree.setEntries(of: Tree.root, entries)
    let written = try Written(tree, options())
    let image = try written.image()
    let root = try image.inode(image.root)
    #expect(try image.entries(of: root).count == 3001)
    for name in [names[0], names[1777], names[2999]] {
      #expect(try image.lookup(name, in: root)?.name == name)
    }
    #expect(written.result.inodeCount == 3002)
  }

  @Test func `equal files are stored once`() throws {
    let noise = randomTree(9, objects: 0)
    var numbers = SeededNumbers(1)
    let bytes = (0..<20_000).map { _ in UInt8.random(in: 0...255, using: &numbers) }
    var tree = noise
    for count in 0..<10 {
      try tree.put(
        Tree.Node(.file(.bytes(bytes)), mode: 0o644), at: "/large\(count)", directories: tree.nodes[Tree.root]
      )
      try tree.put(
        Tree.Node(.file(.bytes(Array(bytes[..<4000]))), mode: 0o644), at: "/small\(count)",
        directories: tree.nodes[Tree.root])
    }
    #expect(try Written(tree, options()).result.bytesUsed < 26_000)
  }

  @Test func `holes take no room`() throws {
    var tree = Tree()
    try tree.put(
      Tree.Node(.file(.bytes([UInt8](repeating: 0, count: 1 << 20))), mode: 0o644), at: "/hole",
      directories: tree.nodes[Tree.root])
    let written = try Written(tree, options())
    #expect(written.result.bytesUsed < 1000)
  }

  @Test func `a full disk and a lost file are faults, with any number of threads`() throws {
    let full = try File.open("/dev/full", O_WRONLY)
    for threads in [1, 4] {
      #expect(throws: WriterFault.write(SystemCallFault("pwrite", "", ENOSPC))) {
        _ = try SquashfsWriter.write(
          randomTree(1), to: full.number, at: 0, options: options(threads: threads))
      }
    }
  }

  @Test func `the compressor that is only read is refused`() throws {
    #expect(throws: WriterFault.compressor(.lzma)) { _ = try Written(Tree(), options(.lzma)) }
  }

  @Test func `a name longer than the format allows is refused`() throws {
    var tree = Tree()
    tree.link([UInt8](repeating: 0x61, count: 256), of: Tree.root, to: tree.add(Tree.Node(.pipe, mode: 0)))
    #expect(throws: WriterFault.self) { _ = try Written(tree, options()) }
  }
}
