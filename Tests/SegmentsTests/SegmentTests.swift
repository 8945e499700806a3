import Codec
import Content
import Glibc
import Linux
import Model
import Segments
import SquashfsWriter
import Testing

@Suite struct SegmentTests {
  static func stored() throws -> [UInt8] {
    let pool = try EncoderPool(AssemblyTests.options(.gzip, threads: 1), budget: 1 << 20)
    defer { pool.close() }
    let file = try AssemblyTests.temporaryFile()
    _ = try SegmentWriter.write(
      MemorySource(AssemblyTests.layers(1)[0]), name: "layer", to: file.number, path: "segment", with: pool)
    let size = try File.facts(file).size
    return try File.bytes(of: file.number, at: 0, count: size)
  }

  static func open(
    _ bytes: [UInt8], blockSize: Int = AssemblyTests.blockSize, checksData: Bool = false
  ) throws -> Int {
    let file = try AssemblyTests.temporaryFile()
    try bytes.withUnsafeBytes { try File.write($0, to: file.number, at: 0) }
    return try Segment.open(file, name: "segment", blockSize: blockSize, checksData: checksData)
      .index.items.count
  }

  @Test func `a stored layer opens as what was written`() throws {
    #expect(try Self.open(try Self.stored()) > 10)
  }

  @Test func `a segment that ends too early is refused at every length`() throws {
    let bytes = try Self.stored()
    for length in stride(from: 0, to: bytes.count, by: 97) {
      #expect(throws: SegmentFault.self) { try Self.open(Array(bytes[..<length])) }
    }
  }

  @Test func `a segment with a changed index is refused`() throws {
    let bytes = try Self.stored()
    for place in stride(from: bytes.count - 3000, to: bytes.count, by: 41) {
      var changed = bytes
      changed[place] ^= 0x55
      #expect(throws: SegmentFault.self) { try Self.open(changed) }
    }
  }

  @Test func `a segment with changed data is refused where all of it is checked`() throws {
    let bytes = try Self.stored()
    #expect(try Self.open(bytes, checksData: true) > 10)
    for place in [8, 9, 1000] {
      var changed = bytes
      changed[place] ^= 0x55
      #expect(throws: SegmentFault.damaged(name: "segment", why: "its data are not what was written")) {
        try Self.open(changed, checksData: true)
      }
    }
  }

  @Test func `what was left out of a layer is known of its segment, too`() throws {
    let pool = try EncoderPool(AssemblyTests.options(.gzip, threads: 1), budget: 1 << 20)
    defer { pool.close() }
    let file = try AssemblyTests.temporaryFile()
    let archive = SmallArchive.attributed("noprefix", "x")
    let made = try SegmentWriter.write(
      MemorySource(archive), name: "the layer", to: file.number, path: "segment", with: pool
    ).index.notes
    #expect(made.count == 1 && made[0].level == .warning && made[0].text.contains("noprefix"), "\(made)")
    // Two names of one layer give one segment.
    #expect(!made[0].text.contains("the layer"))
    let opened = try Segment.open(
      file.duplicate(), name: "segment", blockSize: AssemblyTests.blockSize)
    #expect(opened.index.notes == made)
  }

  @Test func `another block size is another segment`() throws {
    let bytes = try Self.stored()
    #expect(throws: SegmentFault.self) { try Self.open(bytes, blockSize: AssemblyTests.blockSize * 2) }
  }
}
