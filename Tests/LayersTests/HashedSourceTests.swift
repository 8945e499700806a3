import Content
import Layers
import Testing

@Suite struct HashedSourceTests {
  @Test(arguments: [0, 1, 1024, 200_000]) func `the digest covers what was read and what was not`(read: Int)
    throws
  {
    let bytes = (0..<200_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
    let source = HashedSource(Trickle(bytes, step: 1000))
    var left = read
    var piece = [UInt8](repeating: 0, count: 1000)
    while left > 0 { left -= try source.read(into: &piece) }
    #expect(try source.finish() == .of(bytes))
    #expect(source.byteCount == bytes.count)
  }

  @Test func `garbage behind the end of an archive is part of the digest`() throws {
    let bytes = Archive.of("a") + Array("garbage".utf8)
    let source = HashedSource(MemorySource(bytes))
    let reader = TarReader(source, name: "1")
    #expect(try reader.next() != nil)
    #expect(try reader.next() == nil)
    #expect(try source.finish() == .of(bytes))
  }
}
