import Model
import Testing

@Suite struct HashTests {
  /// Test vectors of FNV-1a with 128 bits.
  @Test(arguments: [("", "6c62272e07bb014262b821756295c58d"), ("a", "d228cb696f1a8caf78912b704e4a8964")])
  func `names are made by the published sum`(text: String, sum: String) {
    #expect(Hash.hexadecimal(of: text) == sum)
  }

  @Test func `it does not matter in how many pieces the bytes come`() {
    var hash = Hash()
    for byte in Array("in pieces".utf8) { hash.add([byte]) }
    #expect(hash.hexadecimal == Hash.hexadecimal(of: "in pieces"))
  }
}
