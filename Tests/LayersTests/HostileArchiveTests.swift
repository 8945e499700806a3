import Testing

@testable import Layers

/// Archives that are damaged or were made to mislead, and what must be said of them.
@Suite struct HostileArchiveTests {
  static func record(_ keyword: String, _ value: [UInt8]) -> [UInt8] {
    Archive.record(Array(keyword.utf8), value)
  }
  static func text(_ text: String) -> [UInt8] { Array(text.utf8) }
  static let deep = String(repeating: "a/", count: 1025)

  static let headers: [(String, [UInt8], EntryFault)] = [
    ("wrong checksum", Archive.of("a", checksum: .wrong), .checksum),
    ("checksum is no number", Array(repeating: 0x7A, count: 1024), .checksum),
    ("cut in the header", Array(Archive.of("a")[..<300]), .truncated),
    ("cut in the content", Array(Archive.of("a", "0", [1, 2, 3])[..<514]), .truncated),
    ("cut in the padding", Array(Archive.of("a", "0", [1, 2, 3])[..<700]), .truncated),
    ("one block of zeros", [UInt8](repeating: 0, count: 512) + Archive.of("a"), .loneZeroBlock),
    ("negative size", Archive.of("a", patches: [(124, Archive.binary(-1, 12))]), .size(field: "size")),
    ("2^62 bytes", Archive.of("a", patches: [(124, Archive.binary(1 << 62, 12))]), .size(field: "size")),
    (
      "beyond 64 bits", Archive.of("a", patches: [(124, [0x80] + [UInt8](repeating: 0xFF, count: 11))]),
      .number(field: "size")
    ),
    ("size is no number", Archive.of("a", patches: [(124, text("12x45678901\0"))]), .number(field: "size")),
    ("digit 8", Archive.of("a", patches: [(124, text("00000000008\0"))]), .number(field: "size")),
    ("mode is no number", Archive.of("a", patches: [(100, text("rw-r--r-"))]), .number(field: "mode")),
    (
      "owner 2^32 - 1", Archive.of("a", patches: [(108, Archive.binary(1 << 32 - 1, 8))]),
      .owner(field: "owner")
    ),
    ("group 2^33", Archive.of("a", patches: [(116, Archive.binary(1 << 33, 8))]), .owner(field: "group")),
    ("owner -1", Archive.of("a", patches: [(108, Archive.binary(-1, 8))]), .owner(field: "owner")),
    (
      "device 2^32", Archive.of("a", "3", patches: [(329, Archive.binary(1 << 32, 8))]),
      .number(field: "device")
    ),
    ("unknown letter", Archive.of("a", "Z"), .type(0x5A)), ("letter 8", Archive.of("a", "8"), .type(0x38)),
    ("X of Solaris", Archive.of("a", "X"), .type(0x58)),
    ("GNU directory", Archive.of("a", "D"), .archiveKind("a listing of a directory")),
    ("GNU volume", Archive.of("a", "V"), .archiveKind("the name of a volume")),
    ("GNU rest", Archive.of("a", "M"), .archiveKind("the rest of a file from another volume")),
    ("GNU names", Archive.of("a", "N"), .archiveKind("a list of long names in a form given up long ago")),
    ("empty name", Archive.of(""), .emptyName), ("file as root", Archive.of("./"), .root),
    ("link as root", Archive.of("/", "2", target: "x"), .root),
    ("up to the root", Archive.of("a/..", "6"), .root),
    ("link to nothing", Archive.of("a", "2"), .emptyTarget),
    ("hard link to nothing", Archive.of("a", "1"), .emptyTarget),
    (
      "hard link with a cut body",
      Array(Archive.of("a", "1", text("hello"), size: 2000, target: "b")[..<1536]),
      .truncated
    ),
  ]

  static let extended: [(String, [UInt8], EntryFault)] = [
    ("size beyond 64 bits", Archive.extended("size", "99999999999999999999"), .size(field: "size")),
    ("size of 2^62", Archive.extended("size", "4611686018427387904"), .size(field: "size")),
    ("negative size", Archive.extended("size", "-1"), .size(field: "size")),
    ("size is no number", Archive.extended("size", "1k"), .recordValue(keyword: "size")),
    ("NUL in path", Archive.extended(record("path", [0x61, 0, 0x62])), .nul(field: "path")),
    ("NUL in target", Archive.extended(record("linkpath", [0x61, 0])), .nul(field: "linkpath")),
    (
      "NUL in the real name of a sparse file", Archive.extended(record("GNU.sparse.name", [0])),
      .nul(field: "GNU.sparse.name")
    ),
    ("NUL in a word", Archive.extended(record("pa\0th", [0x61])), .record),
    ("NUL in a long name", longName([0x61, 0, 0x62]), .nul(field: "name")),
    ("owner 2^32 - 1", Archive.extended("uid", "4294967295"), .owner(field: "owner")),
    ("negative group", Archive.extended("gid", "-1"), .owner(field: "group")),
    ("group is no number", Archive.extended("gid", "users"), .recordValue(keyword: "gid")),
    ("time is no number", Archive.extended("mtime", "now"), .recordValue(keyword: "mtime")),
    ("time has two points", Archive.extended("mtime", "1.2.3"), .recordValue(keyword: "mtime")),
    ("length too long", Archive.extended(text("99 path=a\n")), .record),
    ("length too short", Archive.extended(text("5 path=a\n")), .record),
    ("length 0", Archive.extended(text("0 path=a\n")), .record),
    ("length within itself", Archive.extended(text("2 path=a\n")), .record),
    ("length beyond 64 bits", Archive.extended(text("99999999999999999999 path=a\n")), .record),
    ("no length", Archive.extended(text(" path=a\n")), .record),
    ("no new line", Archive.extended(text("9 path=ab")), .record),
    ("no equals sign", Archive.extended(text("8 patha\n")), .record),
    ("no word", Archive.extended(text("5 =a\n")), .record),
    ("zeros behind", Archive.extended(record("path", [0x61]) + [0, 0]), .record),
    ("name of 256 bytes", Archive.extended("path", String(repeating: "n", count: 256)), .nameTooLong),
    (
      "path of 32 KiB and 1", Archive.extended("path", String(repeating: "/", count: 32 << 10) + "a"),
      .pathTooLong
    ),
    ("1025 names", Archive.extended("path", deep), .tooDeep),
    (
      "target of 4096 bytes",
      Archive.extended(record("linkpath", [UInt8](repeating: 0x61, count: 4096)), then: "2"), .targetTooLong
    ),
    ("path for all", Archive.extended("path", "a", type: "g"), .global(keyword: "path")),
    ("target for all", Archive.extended("linkpath", "a", type: "g"), .global(keyword: "linkpath")),
    ("size for all", Archive.extended("size", "1", type: "g"), .global(keyword: "size")),
    (
      "sparse for all", Archive.extended("GNU.sparse.name", "a", type: "g"),
      .global(keyword: "GNU.sparse.name")
    ),
    ("malformed for all", Archive.extended(text("9"), type: "g"), .record),
    ("two names", twoNames, .twoNames),
    ("nothing follows", Archive.of("pax", "x", record("path", [0x61])), .nothingFollows),
    ("long name and nothing follows", Archive.of("long", "L", [0x61, 0]), .nothingFollows),
    ("cut in an extended header", Array(Archive.extended("path", "a")[..<520]), .truncated),
    (
      "malformed base64", Archive.extended("LIBARCHIVE.xattr.user.a", "?"),
      .recordValue(keyword: "LIBARCHIVE.xattr.user.a")
    ),
    (
      "malformed name", Archive.extended("LIBARCHIVE.xattr.user.%4", "YQ"),
      .recordValue(keyword: "LIBARCHIVE.xattr.user.%4")
    ),
  ]

  static let sparse: [(String, [UInt8])] = [
    ("no map", sparseFile([("GNU.sparse.name", "n")])),
    ("a form of the future", sparseFile([("GNU.sparse.major", "2"), ("GNU.sparse.size", "5")])),
    ("odd map", sparseFile([("GNU.sparse.size", "9"), ("GNU.sparse.map", "0,5,7")])),
    ("beyond the file", sparseFile([("GNU.sparse.size", "4"), ("GNU.sparse.map", "0,5")])),
    ("over one another", sparseFile([("GNU.sparse.size", "9"), ("GNU.sparse.map", "0,3,2,2")])),
    ("out of order", sparseFile([("GNU.sparse.size", "9"), ("GNU.sparse.map", "5,3,0,2")])),
    ("more than there is", sparseFile([("GNU.sparse.size", "90"), ("GNU.sparse.map", "0,6")])),
    ("less than there is", sparseFile([("GNU.sparse.size", "90"), ("GNU.sparse.map", "0,4")])),
    (
      "sum beyond 64 bits",
      sparseFile([
        ("GNU.sparse.size", "9"), ("GNU.sparse.map", "0,9223372036854775807,9,9223372036854775807"),
      ])
    ),
    ("size without offset", sparseFile([("GNU.sparse.size", "9"), ("GNU.sparse.numbytes", "5")])),
    ("offset without size", sparseFile([("GNU.sparse.size", "9"), ("GNU.sparse.offset", "5")])),
    ("map of 1.0 missing", sparseFile([("GNU.sparse.major", "1"), ("GNU.sparse.realsize", "9")])),
    (
      "map of 1.0 without end",
      sparseFile([("GNU.sparse.major", "1"), ("GNU.sparse.realsize", "9")], Array("9\n0\n".utf8))
    ),
    (
      "map of 1.0 is no number",
      sparseFile([("GNU.sparse.major", "1"), ("GNU.sparse.realsize", "9")], Array("-1\n".utf8))
    ),
    (
      "map of 1.0 beyond 64 bits",
      sparseFile(
        [("GNU.sparse.major", "1"), ("GNU.sparse.realsize", "9")], Array("99999999999999999999\n".utf8))
    ),
    ("S without GNU", Archive.of("n", "S")),
    ("GNU stretch is no number", Archive.of("n", "S", format: .gnu, patches: [(386, Array("x".utf8))])),
  ]

  /// A sparse file whose archive has the bytes `content`.
  static func sparseFile(_ records: [(String, String)], _ content: [UInt8] = Array("hello".utf8)) -> [UInt8] {
    var archive = Archive()
    archive.pax(records)
    archive.add("n", "0", records.contains { $0.0 == "GNU.sparse.major" } ? Archive.padded(content) : content)
    archive.end()
    return archive.bytes
  }

  static func longName(_ name: [UInt8]) -> [UInt8] {
    var archive = Archive()
    archive.add("long", "L", name, format: .gnu)
    archive.add("n", format: .gnu)
    return archive.bytes
  }

  static var twoNames: [UInt8] {
    var archive = Archive()
    archive.pax([("path", "a")])
    archive.add("long", "L", Array("b\0".utf8))
    archive.add("n")
    return archive.bytes
  }

  @Test(arguments: headers + extended) func `is refused with its reason`(row: (String, [UInt8], EntryFault)) {
    #expect(fault(of: row.1) == row.2, "\(row.0)")
  }

  @Test(arguments: sparse) func `a map of holes that does not fit is refused`(row: (String, [UInt8])) {
    #expect(fault(of: row.1) == .sparseMap, "\(row.0)")
  }

  @Test(arguments: [(3, nil), (4, .extendedHeaderSize(limit: 4 << 20))] as [(Int, EntryFault?)])
  func `extended headers of one entry are bounded`(count: Int, expected: EntryFault?) {
    let name = [UInt8](repeating: 0x2F, count: 1 << 20 - 2) + [0x61, 0]
    var archive = Archive()
    for _ in 0..<count { archive.add("long", "L", name, format: .gnu) }
    archive.add("long", "L", [0x61, 0], format: .gnu)
    archive.add("n", format: .gnu)
    #expect(fault(of: archive.bytes) == expected)
  }

  @Test func `an extended header is bounded before memory is taken`() {
    let huge = Archive.of("pax", "x", [], size: 1 << 20 + 1)
    #expect(fault(of: huge) == .extendedHeaderSize(limit: 1 << 20))
  }

  @Test func `a map of holes is bounded`() {
    var archive = Archive()
    archive.add(
      "n", "S", format: .gnu, patches: [(482, [1]), (483, Archive.octal(9, 12))])
    var block = [UInt8](repeating: 0, count: 512)
    block[504] = 1
    for _ in 0..<9000 { archive.append(block) }
    #expect(fault(of: archive.bytes) == .extendedHeaderSize(limit: 4 << 20))
  }
}
