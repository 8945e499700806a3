import Codec
import Glibc
import Linux
import Squashfs
import Testing
import Tree

@testable import SquashfsWriter

/// A folder of its own, gone with the value.
private final class Folder {
  let path: String

  init() throws {
    var template = Array("/tmp/apus-tree-XXXXXX".utf8CString)
    _ = try #require(mkdtemp(&template))
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  deinit { _ = system("umount '\(path)/root' 2>/dev/null; rm -rf '\(path)'") }

  /// Runs lines of the shell in this folder.
  func run(_ lines: String) throws {
    let status = system("cd '\(path)' && ( set -e\n\(lines)\n) >log 2>&1")
    let log = (try? File.readAll(path + "/log", limit: 1 << 20)) ?? []
    try #require(status == 0, "\(String(decoding: log, as: UTF8.self))")
  }
}

/// Random trees as others read what we write: Linux's squashfs, and squashfs-tools.
@Suite(.enabled(if: geteuid() == 0, "needs root: for devices, owners and mounts")) struct RandomTreeTests {
  private static let hasTools = system("command -v unsquashfs >/dev/null 2>&1") == 0
  private static let hasLoops = access("/dev/loop-control", F_OK) == 0

  /// The image of the tree, in a file.
  private func write(_ tree: Tree, _ seed: UInt64, in folder: Folder) throws {
    let file = try File.open(folder.path + "/image", O_RDWR | O_CREAT | O_EXCL, mode: 0o600)
    let compressors = BlockEncoder.supported.filter { $0 != .lzo }  // Debian's kernel has no lzo in squashfs
    let options = WriterOptions(
      compressor: compressors[Int(seed) % compressors.count], blockSize: 4096, threads: 2)
    _ = try SquashfsWriter.write(tree, to: file.number, at: 0, options: options)
  }

  @Test(.enabled(if: hasLoops, "needs loop devices"), arguments: [11, 12, 13, 14, 15] as [UInt64])
  func `the kernel finds a random tree as it was`(seed: UInt64) throws {
    let folder = try Folder()
    let tree = randomTree(seed)
    try write(tree, seed, in: folder)
    try folder.run("mkdir root && mount -t squashfs -o ro,loop image root")
    try expectEqual(tree, below: folder.path + "/root")
  }

  @Test(.enabled(if: hasTools, "needs squashfs-tools"), arguments: [11, 12, 13, 14, 15] as [UInt64])
  func `unsquashfs finds a random tree as it was`(seed: UInt64) throws {
    let folder = try Folder()
    let tree = randomTree(seed)
    try write(tree, seed, in: folder)
    try folder.run("unsquashfs -q -n -d root image")
    // It sets attributes before owners, and a new owner takes capabilities away.
    try expectEqual(tree, below: folder.path + "/root", except: Array("security.capability".utf8))
  }

  private func expectEqual(_ tree: Tree, below path: String, except lost: [UInt8] = []) throws {
    var inodes: [Int: UInt64] = [:]
    let top = try File.open(path, O_RDONLY | O_DIRECTORY)
    try expectEqual(tree, Tree.root, [0x2E], in: top.number, except: lost, &inodes)
    #expect(inodes.count == tree.nodes.count)
    // Names of one object lead to one inode, and no others do.
    #expect(Set(inodes.values).count == inodes.count)
  }

  /// Compares an object with the tree's, and everything below.
  private func expectEqual(
    _ tree: Tree, _ node: Int, _ name: [UInt8], in directory: Int32, except lost: [UInt8],
    _ inodes: inout [Int: UInt64]
  ) throws {
    let wanted = tree.nodes[node]
    let facts = try RawName.facts(name, in: directory)
    let shown = Comment(rawValue: RawName.text(name))
    if let known = inodes[node] { return #expect(facts.inode == known, shown) }
    inodes[node] = facts.inode
    if facts.kind != .link { #expect(facts.mode == wanted.mode, shown) }
    #expect(facts.uid == wanted.uid && facts.gid == wanted.gid, shown)
    #expect(facts.modifiedSeconds == Int(wanted.modified), shown)
    let attributes = try RawAttribute.names(of: name, in: directory).filter { $0 != lost }.map { attribute in
      TreeAttribute(name: attribute, value: try RawAttribute.value(attribute, of: name, in: directory))
    }
    #expect(Set(attributes) == Set(wanted.attributes.filter { $0.name != lost }), shown)
    switch wanted.content {
    case .directory(let entries):
      try #require(facts.kind == .directory, shown)
      let opened = try RawName.open(name, O_RDONLY | O_DIRECTORY, in: directory)
      try #require(try RawName.names(in: opened.number) == entries.map(\.name))
      for entry in entries {
        try expectEqual(tree, entry.node, entry.name, in: opened.number, except: lost, &inodes)
      }
    case .file(let content):
      try #require(facts.kind == .file, shown)
      guard case .bytes(let bytes) = content else { return }
      let file = try RawName.open(name, O_RDONLY, in: directory)
      #expect(try File.readAll(file, limit: 1 << 20) == bytes, shown)
    case .link(let target): #expect(try RawName.target(ofLink: name, in: directory) == target, shown)
    case .block(let major, let minor):
      #expect(facts.kind == .block && facts.representedDevice == (major, minor), shown)
    case .character(let major, let minor):
      #expect(facts.kind == .character && facts.representedDevice == (major, minor), shown)
    case .pipe: #expect(facts.kind == .pipe, shown)
    case .socket: #expect(facts.kind == .socket, shown)
    }
  }
}
