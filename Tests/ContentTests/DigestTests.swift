import Content
import Testing

@Suite struct DigestTests {
  @Test(
    arguments: [
      ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
      ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    ])
  func `digests are those of FIPS 180-4`(text: String, hex: String) {
    #expect(Digest.of(Array(text.utf8)).text == "sha256:" + hex)
  }

  @Test func `pieces make the digest of the whole, and the hasher begins anew`() {
    let hasher = DigestHasher()
    for _ in 0..<2 {
      for piece in ["a", "", "bc"] { Array(piece.utf8).withUnsafeBytes { hasher.add($0) } }
      #expect(hasher.finish() == Digest.of(Array("abc".utf8)))
    }
    #expect(Digest.of([], .sha512).hex.hasPrefix("cf83e1357eefb8bd"))
  }

  @Test(arguments: [
    "", "sha256:", "sha256:00", "sha256:" + String(repeating: "g", count: 64),
    "sha256:" + String(repeating: "A", count: 64), "md5:" + String(repeating: "0", count: 32),
    "sha512:" + String(repeating: "0", count: 64), "sha256" + String(repeating: "0", count: 64),
  ])
  func `refuses`(text: String) { #expect(Digest(text) == nil) }

  @Test func `a digest is its text`() {
    let text = "sha512:" + String(repeating: "0f", count: 64)
    #expect(Digest(text)?.text == text)
  }
}
