import Testing

@testable import Registry

@Suite struct Base64Tests {
  @Test(
    arguments: [
      ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
      ("foobar", "Zm9vYmFy"),
    ])
  func `the vectors of RFC 4648 come and go`(text: String, encoded: String) {
    #expect(Base64.encode(Array(text.utf8)) == encoded)
    #expect(Base64.decode(encoded) == Array(text.utf8))
    #expect(Base64.decode(encoded.filter { $0 != "=" }) == Array(text.utf8))
  }

  @Test func `every byte comes back`() {
    let bytes = (0...255).map { UInt8($0) } + [255, 254]
    #expect(Base64.decode(Base64.encode(bytes)) == bytes)
  }

  @Test(arguments: ["Z", "Zg===", "Z=g=", "Zm9v\n", "Zm-_", "é", "Zm9vY"]) func `refuses`(text: String) {
    #expect(Base64.decode(text) == nil)
  }
}
