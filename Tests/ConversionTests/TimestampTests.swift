import Testing

@testable import Conversion

@Suite struct TimestampTests {
  @Test(
    arguments: [
      ("1970-01-01T00:00:00Z", 0), ("1970-01-01T00:00:01Z", 1), ("2023-11-14T22:13:20Z", 1_700_000_000),
      ("2023-11-14T22:13:20.123456789Z", 1_700_000_000), ("2023-11-14t22:13:20z", 1_700_000_000),
      ("2023-11-14 22:13:20Z", 1_700_000_000), ("2023-11-15T00:13:20+02:00", 1_700_000_000),
      ("2023-11-14T16:43:20.5-05:30", 1_700_000_000), ("2000-02-29T00:00:00Z", 951_782_400),
      ("2016-12-31T23:59:60Z", 1_483_228_800),
      // What lies outside the range of the format's times is at its ends.
      ("0001-01-01T00:00:00Z", 0), ("1969-12-31T23:59:59Z", 0), ("1970-01-01T00:30:00+01:00", 0),
      ("2106-02-07T06:28:15Z", 4_294_967_295), ("2106-02-07T06:28:16Z", 4_294_967_295),
      ("9999-12-31T23:59:59Z", 4_294_967_295),
    ] as [(String, UInt32)])
  func `a time of a configuration is whole seconds since 1970`(text: String, seconds: UInt32) {
    #expect(Timestamp.seconds(text) == seconds)
  }

  @Test(arguments: [
    "", "now", "2023-11-14", "2023-11-14T22:13:20", "2023-11-14T22:13Z", "2023-11-14T22:13:20+0200",
    "2023-11-14T22:13:20+02:0", "2023-11-14T22:13:20+02:000", "2023-11-14T22:13:20ZZ",
    "2023-11-14T22:13:20.Z ",
    "2023-13-14T22:13:20Z", "2023-00-14T22:13:20Z", "2023-11-32T22:13:20Z", "2023-11-00T22:13:20Z",
    "2023-11-14T24:13:20Z", "2023-11-14T22:60:20Z", "2023-11-14T22:13:61Z", "-023-11-14T22:13:20Z",
    "+2023-11-14T22:13:20Z", "２０２３-11-14T22:13:20Z", "99999999999999999999-01-01T00:00:00Z",
    "2023/11/14T22:13:20Z", "2023-11-14X22:13:20Z",
  ])
  func `what is no time is none`(text: String) { #expect(Timestamp.seconds(text) == nil) }

  @Test func `no prefix of a time stops the program`() {
    let whole = Array("2023-11-14T22:13:20.5+02:00".utf8)
    for count in 0..<whole.count {
      #expect(Timestamp.seconds(String(decoding: whole[..<count], as: UTF8.self)) == nil)
    }
  }
}
