import Testing

@testable import Bundle

@Suite struct SignalNameTests {
  @Test(
    arguments: [
      ("TERM", 15), ("SIGTERM", 15), ("kill", 9), ("9", 9), ("64", 64), ("0", nil), ("65", nil), ("-9", nil),
      ("", nil), ("SIG", nil), ("NONE", nil), ("SIGSIGKILL", nil),
    ] as [(String, Int32?)])
  func `a signal is known by its name and by its number`(text: String, number: Int32?) {
    #expect(SignalName.number(text) == number)
  }
}
