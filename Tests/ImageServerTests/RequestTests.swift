import Testing

@testable import ImageServer

@Suite struct RequestTests {
  /// A header with an operation and a node, then `rest`.
  static func bytes(_ operation: UInt32, _ rest: [UInt8]) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: 40)
    bytes[4] = UInt8(operation)
    bytes[8] = 7
    bytes[16] = 1
    return bytes + rest
  }

  @Test func `fewer bytes than a header are no request`() {
    for count in 0..<40 {
      let bytes = [UInt8](repeating: 1, count: count)
      #expect(bytes.withUnsafeBytes { Request($0) == nil })
    }
  }

  @Test func `what lies behind the end of a request is nothing`() {
    Self.bytes(15, [1, 2, 3]).withUnsafeBytes { buffer in
      guard let request = Request(buffer) else {
        Issue.record("no request")
        return
      }
      #expect(request.operation == 15 && request.unique == 7 && request.node == 1)
      #expect(request.argument(0, UInt16.self) == 0x0201)
      #expect(request.argument(0, UInt32.self) == 0)
      #expect(request.argument(1 << 20, UInt64.self) == 0)
      #expect(request.name() == [1, 2, 3])
      #expect(request.name(after: 100).isEmpty)
    }
  }

  @Test func `a name ends with its NUL or with the request`() {
    Self.bytes(1, Array("usr\0more".utf8)).withUnsafeBytes {
      #expect(Request($0)?.name() == Array("usr".utf8))
    }
    Self.bytes(1, Array("usr".utf8)).withUnsafeBytes { #expect(Request($0)?.name() == Array("usr".utf8)) }
  }

  @Test func `an answer is laid out as the kernel reads it`() {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64, alignment: 16)
    defer { buffer.deallocate() }
    var answer = Answer(buffer)
    answer.put(UInt32(0x0102_0304))
    answer.put([9, 8])
    answer.zeros(2)
    answer.finish(unique: 0x11, error: -2, length: answer.count)
    #expect(answer.count == 24 && answer.room == 40)
    #expect(
      Array(buffer.prefix(24)) == [
        24, 0, 0, 0, 0xFE, 0xFF, 0xFF, 0xFF, 0x11, 0, 0, 0, 0, 0, 0, 0, 4, 3, 2, 1, 9, 8, 0, 0,
      ])
  }
}
