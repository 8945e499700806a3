import Testing

@testable import HTTP

/// Fields of an answer's head, read without a server.
@Suite struct AnswerHeadTests {
  @Test(
    arguments: [
      (#"</v2/n/tags/list?last=b&n=2>; rel="next""#, "/v2/n/tags/list?last=b&n=2"), ("<x>; rel=next", "x"),
      (#"<a>; rel="prev", <b,c>; rel="next""#, "b,c"), ("<a>; rel=prev", nil), ("<a", nil), ("", nil),
      ("a; rel=next", nil),
    ] as [(String, String?)])
  func `the next page is found`(value: String, target: String?) { #expect(LinkHeader.next(value) == target) }

  @Test(arguments: [
    ("bytes 5-9/10", true), ("bytes 5-9/*", true), ("bytes 4-9/10", false), ("bytes 5-8/10", false),
    ("bytes 5-9/11", false),
  ]) func `a part must be the one that is missing`(text: String, isRest: Bool) {
    #expect(ContentRange(text)?.isRest(from: 5, of: 10) == isRest)
  }

  @Test(arguments: [
    "", "bytes", "bytes 5-9", "bytes 9-5/10", "bytes */10", "bytes 5-9/9", "bytes -1-9/10", "lines 5-9/10",
  ])
  func `what is no part is refused`(text: String) { #expect(ContentRange(text) == nil) }
}
