import Testing

@testable import Model

@Suite struct HostTextTests {
  @Test(
    arguments: [
      [], [0x41], Array("日本é\u{1F600}".utf8), [0xE9], [0x41, 0xE9, 0x42], [0xFF, 0xFE], [0xC0, 0xAF],
      [0xE2, 0x82],
      [0xED, 0xA0, 0x80], [0xF4, 0x8F, 0xBF, 0xBF], Array("a\u{10FF80}\u{10FFFF}b".utf8),
      [0xF4, 0x90, 0x80, 0x80], [0xF4, 0x8F],
      [0x80, 0xF4, 0x8F, 0xBE, 0x80, 0x80], Array(0...255),
    ] as [[UInt8]])
  func `bytes come back as they were`(bytes: [UInt8]) {
    #expect(HostText.bytes(of: HostText.decode(bytes)) == bytes)
  }

  @Test func `random bytes come back as they were, each as a text of its own`() {
    var generator = SystemRandomNumberGenerator()
    var seen: [String: [UInt8]] = [:]
    let likely: [UInt8] = [0xF4, 0x8F, 0xBE, 0xBF, 0x80, 0xE9, 0x41, 0xC3]
    for _ in 0..<5000 {
      let bytes = (0..<Int.random(in: 0..<8, using: &generator)).map { _ in
        likely.randomElement(using: &generator)!
      }
      let text = HostText.decode(bytes)
      #expect(HostText.bytes(of: text) == bytes)
      if let other = seen.updateValue(bytes, forKey: text) { #expect(other == bytes) }
    }
  }

  @Test func `UTF-8 is itself`() {
    #expect(HostText.decode(Array("NAME=日本é".utf8)) == "NAME=日本é")
    #expect(HostText.decode([0x41, 0xE9]).hasPrefix("A"))
  }
}
