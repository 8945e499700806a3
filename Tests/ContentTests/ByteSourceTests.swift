import Content
import Testing

@Suite struct ByteSourceTests {
  static func verified(_ text: String, as expected: String, size: Int?) -> VerifiedSource {
    VerifiedSource(
      MemorySource(Array(text.utf8)), name: "blob", digest: .of(Array(expected.utf8)), size: size)
  }

  @Test(arguments: [3, nil] as [Int?]) func `what was promised comes through`(size: Int?) throws {
    #expect(
      try Self.verified("abc", as: "abc", size: size).readAll(limit: 10, name: "blob") == Array("abc".utf8))
  }

  @Test(arguments: [("abd", 3), ("abcd", 3), ("ab", 3), ("", 3), ("abd", nil)] as [(String, Int?)])
  func `what was not promised is refused`(text: String, size: Int?) {
    #expect(throws: ContentFault.self) {
      try Self.verified(text, as: "abc", size: size).readAll(limit: 10, name: "blob")
    }
  }

  @Test func `more than a limit is refused`() {
    #expect(throws: ContentFault.size(of: "text", expected: 2, found: 3)) {
      try MemorySource(Array("abc".utf8)).readAll(limit: 2, name: "text")
    }
  }
}
