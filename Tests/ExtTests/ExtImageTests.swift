import Foundation
import Linux
import Testing

@testable import Ext

/// File systems made by mke2fs (e2fsprogs), and what becomes of them when bytes are changed.
@Suite struct ExtImageTests {
  /// An image of 1 MiB with a directory `upper`.
  static func made(_ options: [String] = [], owner: String? = nil) throws -> Data {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("ext-" + UUID().uuidString)
    defer { try? FileManager.default.removeItem(at: folder) }
    try FileManager.default.createDirectory(
      at: folder.appendingPathComponent("tree/upper"), withIntermediateDirectories: true)
    let path = folder.appendingPathComponent("image").path
    try Data(count: 4 << 20).write(to: URL(fileURLWithPath: path))
    try run("mke2fs", ["-q", "-F", "-d", folder.appendingPathComponent("tree").path] + options + [path])
    if let owner {
      for field in ["uid", "gid"] {
        try run("debugfs", ["-w", "-R", "set_inode_field /upper \(field) \(owner)", path])
      }
    }
    return try Data(contentsOf: URL(fileURLWithPath: path))
  }

  private static func run(_ name: String, _ arguments: [String]) throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [name] + arguments
    process.environment = ["PATH": "/usr/sbin:/usr/bin:/sbin:/bin"]
    process.standardError = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    try #require(process.terminationStatus == 0, "\(name) \(arguments)")
  }

  static func read(_ data: Data, offset: Int = 0) throws -> ExtImage {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("ext-" + UUID().uuidString)
    try (Data(count: offset) + data).write(to: path)
    defer { try? FileManager.default.removeItem(at: path) }
    let file = try File.open(path.path)
    return try ExtImage.read(descriptor: file.number, offset: offset, length: data.count)
  }

  @Test(arguments: [
    ["-t", "ext2"], ["-t", "ext3"], ["-t", "ext4"], ["-t", "ext4", "-O", "64bit"],
    ["-t", "ext3", "-b", "4096"],
    ["-t", "ext3", "-I", "128"],
  ]) func `the owner of upper is found in every form`(options: [String]) throws {
    for owner in [0, 1000, 70000] as [UInt32] {
      let image = try Self.read(try Self.made(options, owner: "\(owner)"), offset: 4096)
      #expect(image.uid == owner && image.gid == owner)
      #expect(image.isClean && !image.needsRecovery && image.size == 4 << 20)
    }
  }

  @Test func `without upper the owner is that of the top directory`() throws {
    var data = try Self.made(["-t", "ext3", "-E", "root_owner=7:8"])
    let name = try #require(data.range(of: Data("upper".utf8)))
    data.replaceSubrange(name, with: Data("other".utf8))
    let image = try Self.read(data)
    #expect(image.uid == 7 && image.gid == 8)
  }

  static let changes: [(place: Int, bytes: [UInt8], fault: ExtFault?)] = [
    (1080, [0, 0], .notExt),
    (1024 + 24, [9], .field("the logarithm of its block size", value: 9)),
    (1024 + 40, [0, 0, 0, 0], .field("the number of inodes in a group", value: 0)),
    (1024 + 88, [1, 0], .field("the size of an inode", value: 1)),
    (1024 + 4, [0, 0, 0, 1], .truncated(needs: 1 << 34, has: 4 << 20)),
    // Of the group descriptor: the place of the inode table.
    (2048 + 8, [255, 255, 255, 0], .field("the place of an inode table", value: 0xFF_FFFF)),
  ]

  @Test(arguments: changes) func `what contradicts itself is refused by name`(
    place: Int, bytes: [UInt8], fault: ExtFault?
  ) throws {
    var data = try Self.made(["-t", "ext3", "-b", "1024"])
    data.replaceSubrange(place..<place + bytes.count, with: bytes)
    do throws(ExtFault) {
      let path = FileManager.default.temporaryDirectory.appendingPathComponent("ext-" + UUID().uuidString)
      try? data.write(to: path)
      defer { try? FileManager.default.removeItem(at: path) }
      guard let file = try? File.open(path.path) else {
        Issue.record("no file")
        return
      }
      _ = try ExtImage.read(descriptor: file.number, offset: 0, length: data.count)
      Issue.record("read")
    } catch { #expect(error == fault) }
  }

  @Test func `more bytes than a number has room for are refused`() throws {
    var data = try Self.made(["-t", "ext4", "-b", "1024", "-O", "64bit"])
    data[1024 + 24] = 6
    data.replaceSubrange(1024 + 4..<1024 + 8, with: [0, 0, 0, 0])
    data.replaceSubrange(1024 + 336..<1024 + 340, with: [255, 255, 0, 0])
    #expect(throws: ExtFault.field("the number of its blocks", value: 0xFFFF << 32)) {
      try Self.read(data)
    }
  }

  @Test func `states are told: not closed, in need of recovery`() throws {
    var data = try Self.made(["-t", "ext3"])
    data[1024 + 58] = 0
    data[1024 + 96] |= 4
    let image = try Self.read(data)
    #expect(!image.isClean && image.needsRecovery)
  }

  @Test func `no change of bytes brings the reader down`() throws {
    let data = try Self.made(["-t", "ext4", "-b", "1024"])
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<200 {
      var changed = data
      for _ in 0..<8 {
        changed[Int.random(in: 1024..<80 << 10, using: &generator)] = .random(in: 0...255, using: &generator)
      }
      _ = try? Self.read(changed)
    }
  }
}
