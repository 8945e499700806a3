import Testing

@testable import Settings

@Suite struct SecondsTests {
  @Test(
    arguments: [
      ("0", 0), ("0.5", 0.5), ("1e2", 100), ("abc", nil), ("", nil), ("-1", nil), ("nan", nil), ("inf", nil),
      ("1e6", nil), ("5 s", nil),
    ] as [(String, Double?)])
  func `a time is a number that is not negative`(text: String, seconds: Double?) {
    #expect(Settings.seconds(text) == seconds)
  }
}
