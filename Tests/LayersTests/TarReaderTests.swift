import Content
import Model
import Testing

@testable import Layers

@Suite struct TarReaderTests {
  static let long = String(repeating: "d/", count: 200) + "name"

  /// An archive of one entry, and the path that it must have.
  static let paths: [(String, [UInt8], String)] = [
    ("v7", Archive.of("a/b", "\0", format: .v7), "a/b"),
    (
      "100 bytes without NUL", Archive.of(String(repeating: "n", count: 100)),
      String(repeating: "n", count: 100)
    ),
    ("ustar prefix", Archive.of("b", patches: [(345, Array("x/y".utf8))]), "x/y/b"),
    (
      "star prefix",
      Archive.of(
        "b", patches: [(345, Array("x/y".utf8)), (476, Array("12".utf8)), (508, Array("tar\0".utf8))]),
      "x/y/b"
    ),
    ("GNU has no prefix", Archive.of("b", format: .gnu, patches: [(345, Array("0123".utf8))]), "b"),
    ("v7 has no prefix", Archive.of("b", format: .v7, patches: [(345, Array("x".utf8))]), "b"),
    ("GNU long name", longName(Self.long), Self.long),
    ("pax path", Archive.extended("path", Self.long), Self.long),
    ("later of two", Archive.extended(records([("path", "a"), ("path", "b")])), "b"),
    ("empty pax path", Archive.extended("path", ""), "name"),
    ("unknown words", Archive.extended(records([("hdrcharset", "BINARY"), ("VENDOR.x", "y")])), "name"),
    ("absolute", Archive.of("/abs/x"), "abs/x"),
    ("above the root", Archive.of("../../evil"), "evil"),
    ("up inside", Archive.of("a/../../b"), "b"),
    ("dots and slashes", Archive.of("./a//./b/"), "a/b"),
    ("root", Archive.of("./", "5"), ""),
    ("strange bytes", Archive.of("-\n\t\\"), "-\n\t\\"),
    (
      "name of 255 bytes", Archive.extended("path", String(repeating: "n", count: 255)),
      String(repeating: "n", count: 255)
    ),
    (
      "1024 names", Archive.extended("path", String(repeating: "a/", count: 1024)),
      String(repeating: "a/", count: 1024)
    ),
    ("60 names of 100 bytes", Archive.extended("path", deep), deep),
  ]
  static let deep = String(repeating: String(repeating: "n", count: 100) + "/", count: 60)

  @Test(arguments: paths) func `a path is taken from where it stands and cleaned`(
    row: (String, [UInt8], String)
  )
    throws
  {
    let found = try entries(of: row.1).entries
    #expect(found.map(\.entry.path) == [path(row.2)], "\(row.0)")
  }

  static func longName(_ name: String, type: Character = "L") -> [UInt8] {
    var archive = Archive()
    archive.add("././@LongLink", type, Array(name.utf8) + [0], format: .gnu)
    archive.add("short", type == "L" ? "0" : "2", target: "t", format: .gnu)
    archive.end()
    return archive.bytes
  }

  static func records(_ records: [(String, String)]) -> [UInt8] {
    records.flatMap { Archive.record(Array($0.0.utf8), Array($0.1.utf8)) }
  }

  @Test(
    arguments: [
      ("file", Archive.of("n", "0", [1, 2]), .file(size: 2)),
      ("old file", Archive.of("n", "\0", [1], format: .v7), .file(size: 1)),
      ("contiguous file", Archive.of("n", "7", [1]), .file(size: 1)),
      ("directory", Archive.of("n/", "5"), .directory),
      ("directory with a size", Archive.of("n", "5", size: 4096), .directory),
      ("directory of v7", Archive.of("n/", "\0", format: .v7), .directory),
      ("slash behind a file of ustar", Archive.of("n/", "0"), .file(size: 0)),
      ("link", Archive.of("n", "2", target: "../x//y"), .link(target: Array("../x//y".utf8))),
      ("long target", longName(Self.long, type: "K"), .link(target: Array(Self.long.utf8))),
      (
        "pax target", Archive.extended(Archive.record(Array("linkpath".utf8), [0xFF, 0x0A]), then: "2"),
        .link(target: [0xFF, 0x0A])
      ),
      ("hard link", Archive.of("n", "1", target: "/a/../b"), .hardLink(to: [Array("b".utf8)])),
      (
        "hard link with a size only", Archive.of("n", "1", size: 700, target: "b"),
        .hardLink(to: [Array("b".utf8)])
      ),
      (
        "hard link with content", Archive.of("n", "1", Array("hello".utf8), target: "b"),
        .hardLink(to: [Array("b".utf8)])
      ),
      (
        "character", Archive.of("n", "3", patches: [(329, Archive.octal(5, 8)), (337, Archive.octal(1, 8))]),
        .character(major: 5, minor: 1)
      ),
      (
        "block",
        Archive.of("n", "4", patches: [(329, Archive.octal(8, 8)), (337, Archive.binary(1 << 19, 8))]),
        .block(major: 8, minor: 1 << 19)
      ),
      ("pipe", Archive.of("n", "6"), .pipe),
    ] as [(String, [UInt8], LayerEntry.Kind)])
  func `each kind of entry is known`(row: (name: String, bytes: [UInt8], kind: LayerEntry.Kind)) throws {
    #expect(try entries(of: row.bytes).entries.map(\.entry.kind) == [row.kind], "\(row.name)")
  }

  @Test(
    arguments: [
      ("octal", Archive.octal(0o17777777777, 12), 0o17777777777), ("0", Archive.octal(0, 12), 0),
      ("12 digits, no end", Array("077777777777".utf8), .max),
      ("blank", [UInt8](repeating: 0x20, count: 12), 0),
      ("negative", Archive.binary(-5, 12), 0), ("2^32", Archive.binary(1 << 32, 12), .max),
      ("2^32 - 1", Archive.binary(1 << 32 - 1, 12), .max),
      ("leading blanks", Array("      12 \0\0\0".utf8), 10),
    ] as [(String, [UInt8], UInt32)])
  func `a time of the header is clamped`(row: (name: String, field: [UInt8], seconds: UInt32)) throws {
    let bytes = Archive.of("n", patches: [(136, row.field)])
    #expect(try entries(of: bytes).entries.map(\.entry.modified) == [row.seconds], "\(row.name)")
  }

  @Test(
    arguments: [
      ("1", 1), ("1.999", 1), ("0.5", 0), ("-1", 0), ("-0.5", 0), ("4294967295.9", .max),
      ("4294967296", .max),
      ("99999999999999999999999999", .max), ("7.", 7),
    ] as [(String, UInt32)])
  func `a time of an extended header is clamped`(text: String, seconds: UInt32) throws {
    let found = try entries(of: Archive.extended("mtime", text)).entries
    #expect(found.map(\.entry.modified) == [seconds])
  }

  @Test func `owner, mode and rights come as they are`() throws {
    var archive = Archive()
    archive.add("a", mode: 0o107755, uid: 7, gid: 8)
    archive.add(
      "b", mode: 0, patches: [(108, Archive.binary(4_294_967_294, 8)), (116, Archive.binary(1 << 31, 8))])
    archive.pax([("uid", "4000000000"), ("gid", "2147483653")])
    archive.add("c", patches: [(108, Array("rubbish!".utf8))])
    archive.add("d", "2", target: "x", mode: 0o1)
    archive.end()
    let found = try entries(of: archive.bytes).entries.map(\.entry)
    #expect(found.map(\.mode) == [0o7755, 0, 0o644, 0o777])
    #expect(found.map(\.uid) == [7, 4_294_967_294, 4_000_000_000, 0])
    #expect(found.map(\.gid) == [8, 1 << 31, 2_147_483_653, 0])
  }

  @Test(arguments: [1, 511, 512, 4096, 1 << 17]) func `contents come whole and are passed over whole`(
    piece: Int
  )
    throws
  {
    var archive = Archive()
    let sizes = [0, 1, 511, 512, 513, 40_000, 300_000]
    func fill(_ size: Int) -> [UInt8] { (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ size) } }
    for size in sizes { archive.add("n\(size)", "0", fill(size)) }
    archive.end()
    #expect(try entries(of: archive.bytes, reading: piece).entries.map(\.content) == sizes.map(fill))
    let reader = TarReader(Trickle(archive.bytes, step: piece), name: "1")
    var names: [[[UInt8]]] = []
    while let entry = try reader.next() { names.append(entry.path) }
    #expect(names == sizes.map { path("n\($0)") })
  }

  @Test func `the size of an extended header counts, also where the header has another`() throws {
    var archive = Archive()
    archive.pax([("size", "5")])
    archive.add("a", "0", Array("hello".utf8), size: 0)
    // It is that of the entry, not of the name between.
    archive.pax([("size", "5")])
    archive.add("long", "L", Array("b\0".utf8), format: .gnu)
    archive.add("x", "0", Array("world".utf8), size: 0)
    archive.end()
    let found = try entries(of: archive.bytes).entries
    #expect(found.map(\.entry.path) == [path("a"), path("b")])
    #expect(found.map(\.content) == [Array("hello".utf8), Array("world".utf8)])
  }

  static let entry = Array(Archive.of("a").dropLast(1024))
  static let zeros = [UInt8](repeating: 0, count: 512)
  @Test(
    arguments: [
      ("no byte", [], 0), ("1 KiB of zeros", zeros + zeros, 0), ("one block of zeros", zeros, 0),
      ("no end", entry, 1), ("no padding", Array(Archive.of("a", "0", [1, 2, 3])[..<515]), 1),
      ("half an end", entry + zeros, 1),
      ("garbage behind", entry + zeros + zeros + Array("garbage".utf8), 1),
      ("an archive behind", entry + zeros + zeros + entry, 1),
    ] as [(String, [UInt8], Int)])
  func `an archive ends with two blocks of zeros or with its bytes`(
    row: (name: String, bytes: [UInt8], count: Int)
  )
    throws
  {
    #expect(try entries(of: row.bytes).entries.count == row.count, "\(row.name)")
  }

  @Test func `a signed checksum is right too`() {
    #expect(fault(of: Archive.of("n\u{FC}\u{FC}", checksum: .signed)) == nil)
  }

  @Test func `a fault stays and names layer and entry`() {
    var archive = Archive()
    archive.add("fine")
    archive.add("b\nad", "0", [1], size: 2000)
    let reader = TarReader(MemorySource(archive.bytes), name: "sha256:12")
    #expect(throws: Never.self) { _ = try reader.next() }
    #expect(throws: Never.self) { _ = try reader.next() }
    let expected = LayerFault.entry(layer: "sha256:12", entry: "/b\nad", .truncated)
    #expect(throws: expected) { _ = try reader.next() }
    #expect(throws: expected) { _ = try reader.next() }
    #expect(expected.explanation.what == #"cannot use /b\x0aad of layer sha256:12"#)
    #expect(expected.explanation.why == "the layer ends inside it")
  }

  @Test func `a fault of the source comes through`() {
    let source = VerifiedSource(MemorySource([1, 2]), name: "blob", digest: .of([]), size: 3)
    #expect(throws: LayerFault.content(.size(of: "blob", expected: 3, found: 2))) {
      _ = try TarReader(source, name: "1").next()
    }
  }
}
