import Model
import Testing

@Suite struct TextFieldsTests {
  @Test(
    arguments: [
      ("", [""]), (":", ["", ""]), ("a", ["a"]), ("a:b", ["a", "b"]), ("a::b:", ["a", "", "b", ""]),
      ("日本:é", ["日本", "é"]), (":a", ["", "a"]),
    ] as [(String, [String])])
  func `fields stand between separators, empty ones too`(text: String, fields: [String]) {
    #expect(text.fields(at: UInt8(ascii: ":")).map(String.init) == fields)
    // A part of a longer text is taken apart like a text of its own.
    #expect("<\(text)>".dropFirst().dropLast().fields(at: UInt8(ascii: ":")).map(String.init) == fields)
    #expect(fields.connected(by: ":") == text)
  }

  @Test func `a carriage return belongs to its line`() {
    #expect("a\r\nb\n\nc".lines.map(String.init) == ["a\r", "b", "c"])
  }

  @Test(arguments: [
    ("abc", "bc", true), ("abc", "", true), ("abc", "abcd", false), ("", "a", false), ("aab", "ab", true),
  ])
  func `bytes are found within a text`(text: String, part: String, isThere: Bool) {
    #expect(text.holds(bytesOf: part) == isThere)
  }

  @Test func `a lookup keeps one value a name`() {
    var lookup: Lookup<Int> = ["a": 1, "b": 2, "a": 3]
    #expect(lookup["a"] == 3 && lookup["b"] == 2 && lookup["c"] == nil)
    lookup["a"] = nil
    #expect(lookup.values == [2])
    #expect(lookup == ["b": 2] && lookup != ["b": 3] && !lookup.isEmpty)
  }
}
