import Testing

@testable import Launch

@Suite struct DurationTests {
  @Test(
    arguments: [
      ("1m", true), ("1h30m", true), ("2.5s", true), ("0", true), ("100ms", true), (".5s", true),
      ("-1m", true),
      ("", false), ("soon", false), ("1", false), ("m", false), ("1m1", false), ("1.2.3s", false),
      ("1 m", false),
      ("+", false), (".s", false),
    ])
  func `a duration is what Go's programs take for one`(text: String, isOne: Bool) {
    #expect(isDuration(text) == isOne)
  }
}
