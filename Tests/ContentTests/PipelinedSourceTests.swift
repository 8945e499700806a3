import Content
import Model
import Testing

@Suite struct PipelinedSourceTests {
  /// Gives its bytes in steps of that many, then ends or fails.
  private final class Steps: ByteSource {
    let bytes: [UInt8]
    let step: Int
    let failure: ContentFault?
    private(set) var position = 0

    init(_ bytes: [UInt8], step: Int, failure: ContentFault? = nil) {
      (self.bytes, self.step, self.failure) = (bytes, step, failure)
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws(ContentFault) -> Int {
      let count = min(step, buffer.count, bytes.count - position)
      if count == 0, let failure { throw failure }
      buffer.copyBytes(from: bytes[position..<position + count])
      position += count
      return count
    }
  }

  private static let failure = ContentFault.size(of: "it", expected: 1, found: 2)
  private static let bytes = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 7) }

  @Test(arguments: [1000, 70_000, 1 << 20]) func `all bytes come, in their order`(step: Int) throws {
    let source = PipelinedSource(Steps(Self.bytes, step: step))
    #expect(try source.readAll(limit: 1 << 22, name: "it") == Self.bytes)
    // The end stays the end.
    #expect(try source.readAll(limit: 1, name: "it").isEmpty)
  }

  @Test func `what is skipped does not come`() throws {
    let source = PipelinedSource(Steps(Self.bytes, step: 5000))
    var left = 1_234_567
    while left > 0 { left -= try source.skip(left) }
    #expect(try source.readAll(limit: 1 << 22, name: "it") == Array(Self.bytes[1_234_567...]))
  }

  @Test func `a failure comes behind the bytes before it`() throws {
    let source = PipelinedSource(Steps(Self.bytes, step: 5000, failure: Self.failure))
    var piece = [UInt8](repeating: 0, count: 1 << 16)
    var count = 0
    #expect(throws: Self.failure) {
      while true { count += try source.read(into: &piece) }
    }
    #expect(count == Self.bytes.count)
    #expect(source.stop() == Self.failure)
  }

  /// The thread reads ahead: whoever gives up on the bytes is told what it has met meanwhile.
  @Test func `a failure further on is told by the stop`() throws {
    let steps = Steps(Array(Self.bytes[..<1000]), step: 1000, failure: Self.failure)
    let source = PipelinedSource(steps)
    var piece = [UInt8](repeating: 0, count: 10)
    #expect(try source.read(into: &piece) == 10)
    // Ended by its failure, or by the stop before it came to that: then the source still has it.
    #expect(throws: Self.failure) {
      if let failure = source.stop() { throw failure }
      try steps.drain()
    }
  }

  @Test func `a source is at hand again once its thread has stopped`() throws {
    let steps = Steps(Self.bytes, step: 5000)
    let source = PipelinedSource(steps)
    var piece = [UInt8](repeating: 0, count: 10)
    #expect(try source.read(into: &piece) == 10)
    source.stop()
    let position = steps.position
    #expect(position < Self.bytes.count)
    #expect(try steps.readAll(limit: 1 << 22, name: "it") == Array(Self.bytes[position...]))
  }
}
