import Testing

@testable import HTTP

@Suite struct RetryPolicyTests {
  /// Sun, 06 Nov 1994 08:49:37 GMT
  static let now = 784_111_777
  let policy = RetryPolicy()

  @Test(arguments: [
    (400, false), (401, false), (403, false), (404, false), (408, true), (413, false), (416, false),
    (425, true),
    (429, true), (499, true), (500, true), (501, false), (502, true), (503, true), (504, true), (522, true),
  ]) func `what may pass is tried again`(status: Int, isTried: Bool) {
    let decision = policy.decide(attempt: 1, status: status, retryAfter: nil, now: Self.now, random: 0.5)
    #expect(decision == (isTried ? .wait(seconds: 0.25, host: status == 429) : .giveUp))
  }

  @Test(arguments: [(1, 0.5), (2, 1), (3, 2), (4, 4), (5, 8)] as [(Int, Double)])
  func `pauses double`(attempt: Int, bound: Double) {
    #expect(policy.decide(attempt: attempt, random: 0.5) == .wait(seconds: bound / 2, host: false))
  }

  @Test func `the sixth failure is the last, and no pause is longer than the cap`() {
    #expect(policy.decide(attempt: 6, random: 0) == .giveUp)
    let patient = RetryPolicy(tries: 100)
    #expect(patient.decide(attempt: 99, random: 1) == .wait(seconds: 30, host: false))
  }

  @Test(
    arguments: [
      ("2", .wait(seconds: 2.5, host: true)), ("0", .wait(seconds: 0.5, host: true)),
      ("300", .wait(seconds: 300.5, host: true)), ("301", .tooLong(seconds: 301)),
      ("99999999999999999999", .tooLong(seconds: .max)), ("soon", .wait(seconds: 0.25, host: true)),
      ("-5", .wait(seconds: 0.25, host: true)),
      ("Sun, 06 Nov 1994 08:49:47 GMT", .wait(seconds: 10.5, host: true)),
      ("Sun, 06 Nov 1994 08:00:00 GMT", .wait(seconds: 0.5, host: true)),
      ("Sun, 06 Nov 1994 09:49:37 GMT", .tooLong(seconds: 3600)),
    ] as [(String, RetryPolicy.Decision)])
  func `a server's wish is heard`(text: String, decision: RetryPolicy.Decision) {
    #expect(policy.decide(attempt: 1, status: 429, retryAfter: text, now: Self.now, random: 0.5) == decision)
  }

  @Test(
    arguments: [
      (.unresolved(host: "h"), false), (.refused(host: "h", why: ""), false),
      (.certificate(host: "h", why: ""), false),
      (.noConnection(host: "h", seconds: 15), true), (.noAnswer(host: "h", seconds: 60), true),
      (.slow(host: "h", seconds: 30), true), (.broken(host: "h", why: ""), true), (.cancelled, false),
    ] as [(HTTPFault, Bool)])
  func `broken connections are made again, those that never were are not`(fault: HTTPFault, isTried: Bool) {
    let decision = policy.decide(attempt: 1, fault: fault, random: 0)
    #expect(decision == (isTried ? .wait(seconds: 0, host: false) : .giveUp))
  }

  @Test(
    arguments: [
      ("Sun, 06 Nov 1994 08:49:37 GMT", now), ("Sunday, 06-Nov-94 08:49:37 GMT", now),
      ("Sun Nov  6 08:49:37 1994", now), ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
      ("Thu, 29 Feb 2024 23:59:59 GMT", 1_709_251_199), ("Fri, 01 Mar 2024 00:00:00 GMT", 1_709_251_200),
      ("Wednesday, 25-Nov-26 22:22:16 GMT", 1_795_645_336), ("Friday, 01-Jan-60 00:00:00 GMT", nil),
      ("Sun, 06 Nov 1994 08:49:37 CET", nil), ("Sun, 6 Foo 1994 08:49:37 GMT", nil),
      ("Sun, 06 Nov 1994 24:00:00 GMT", nil), ("Sun, 06 Nov 94 08:49:37 GMT", nil), ("", nil),
      ("784111777", nil),
    ] as [(String, Int?)])
  func `the three forms of a date are read`(text: String, seconds: Int?) {
    #expect(HTTPDate.seconds(text, now: Self.now) == seconds)
  }

  @Test(arguments: [
    (0, "1970-01-01 00:00 UTC"), (1_709_251_199, "2024-02-29 23:59 UTC"), (now, "1994-11-06 08:49 UTC"),
  ])
  func `a date is written for people`(seconds: Int, text: String) {
    #expect(HTTPDate.text(seconds) == text)
  }

  @Test func `a host's pause holds until its end`() {
    let pauses = HostPauses()
    pauses.pause("h", until: 10)
    pauses.pause("h", until: 5)
    #expect(pauses.rest("h", now: 4) == 6)
    #expect(pauses.rest("h", now: 11) == 0)
    #expect(pauses.rest("other", now: 4) == 0)
  }

  @Test func `a slow body is given up, a fast one is not`() {
    var slow = Slowness()
    slow.came(29_999)
    let slowAnswers = [slow.waited(29, limit: 30), slow.waited(1, limit: 30)]
    #expect(slowAnswers == [false, true])
    var fast = Slowness()
    fast.came(30_000)
    let fastAnswers = [fast.waited(30, limit: 30), fast.waited(30, limit: 30)]
    #expect(fastAnswers == [false, true])
  }
}
