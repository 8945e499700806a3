import Testing

@testable import Layers

@Suite struct SparseFileTests {
  /// `he` at 3, `llo` at 1000, 1010 bytes in all.
  static let expected: [UInt8] = {
    var bytes = [UInt8](repeating: 0, count: 1010)
    bytes.replaceSubrange(3..<5, with: Array("he".utf8))
    bytes.replaceSubrange(1000..<1003, with: Array("llo".utf8))
    return bytes
  }()

  static func pax(_ records: [(String, String)], _ content: [UInt8]) -> [UInt8] {
    var archive = Archive()
    archive.pax(records)
    archive.add("GNUSparseFile.0/n", "0", content)
    archive.add("next", "0", Array("next".utf8))
    archive.end()
    return archive.bytes
  }

  static var old: [UInt8] {
    var archive = Archive()
    archive.add(
      "n", "S", Array("hello".utf8), format: .gnu,
      patches: [
        (386, Archive.octal(3, 12) + Archive.octal(2, 12) + Archive.octal(1000, 12) + Archive.octal(3, 12)),
        (434, Archive.octal(1010, 12) + Archive.octal(0, 12)), (483, Archive.octal(1010, 12)),
      ])
    archive.add("next", "0", Array("next".utf8))
    archive.end()
    return archive.bytes
  }

  /// With one pair in the header and the other in a block of its own.
  static var oldWithBlock: [UInt8] {
    var archive = Archive()
    var block = [UInt8](repeating: 0, count: 512)
    block.replaceSubrange(0..<24, with: Archive.octal(1000, 12) + Archive.octal(3, 12))
    archive.add(
      "n", "S", block + Array("hello".utf8), size: 5, format: .gnu,
      patches: [
        (386, Archive.octal(3, 12) + Archive.octal(2, 12)), (482, [1]), (483, Archive.binary(1010, 12)),
      ])
    archive.add("next", "0", Array("next".utf8))
    archive.end()
    return archive.bytes
  }

  static let forms: [(String, [UInt8])] = [
    ("old", old), ("old with a block", oldWithBlock),
    (
      "0.0",
      pax(
        [
          ("GNU.sparse.size", "1010"), ("GNU.sparse.numblocks", "2"), ("GNU.sparse.offset", "3"),
          ("GNU.sparse.numbytes", "2"), ("GNU.sparse.offset", "1000"), ("GNU.sparse.numbytes", "3"),
          ("path", "n"),
        ], Array("hello".utf8))
    ),
    (
      "0.1",
      pax(
        [
          ("GNU.sparse.size", "1010"), ("GNU.sparse.numblocks", "2"), ("GNU.sparse.name", "n"),
          ("GNU.sparse.map", "3,2,1000,3,1010,0"),
        ], Array("hello".utf8))
    ),
    (
      "1.0",
      pax(
        [
          ("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"), ("GNU.sparse.name", "n"),
          ("GNU.sparse.realsize", "1010"),
        ], Archive.padded(Array("2\n3\n2\n1000\n3\n".utf8)) + Array("hello".utf8))
    ),
  ]

  @Test(arguments: forms, [1, 700, 4096]) func `every form gives the same file`(
    form: (name: String, bytes: [UInt8]), piece: Int
  ) throws {
    let found = try entries(of: form.bytes, reading: piece).entries
    #expect(found.map(\.entry.path) == [path("n"), path("next")], "\(form.name)")
    #expect(found.map(\.entry.kind) == [.file(size: 1010), .file(size: 4)], "\(form.name)")
    #expect(found.map(\.content) == [Self.expected, Array("next".utf8)], "\(form.name)")
  }

  @Test func `a map of many blocks is read whole`() throws {
    let count = 500
    let lines = (0..<count).map { "\($0 * 10)\n1\n" }.joined()
    let bytes = Self.pax(
      [("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"), ("GNU.sparse.realsize", "5000")],
      Archive.padded(Array("\(count)\n\(lines)".utf8)) + [UInt8](repeating: 7, count: count))
    let content = try #require(try entries(of: bytes).entries.first?.content)
    #expect(content == (0..<5000).map { $0 % 10 == 0 ? 7 : 0 })
  }

  @Test func `a file that is one hole has no bytes`() throws {
    let bytes = Self.pax([("GNU.sparse.size", "100000"), ("GNU.sparse.map", "100000,0")], [])
    #expect(try entries(of: bytes).entries[0].content == [UInt8](repeating: 0, count: 100_000))
  }
}
