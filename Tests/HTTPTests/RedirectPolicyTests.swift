import Testing

@testable import HTTP

@Suite struct RedirectPolicyTests {
  @Test(arguments: [
    ("https://r.org/x", "/y", true), ("https://r.org/x", "https://r.org:443/y", true),
    ("https://r.org/x", "https://R.org/y", true), ("https://r.org/x", "https://r.org:444/y", false),
    ("https://r.org/x", "https://cdn.r.org/y", false), ("https://r.org/x", "//other/y", false),
    ("http://r.org/x", "http://r.org/y", true), ("http://r.org:443/x", "https://r.org/y", true),
    ("http://r.org/x", "https://r.org/y", false),
  ]) func `secrets go on only to the same host and port`(from: String, location: String, keeps: Bool) throws {
    let address = try #require(WebAddress(from))
    let target = try #require(address.joined(location))
    let decision = RedirectPolicy().decide(from: address, location: location, followed: 0)
    #expect(decision == .follow(target, keepsSecrets: keeps))
  }

  @Test(
    arguments: [
      ("https://r.org/x", "http://r.org/y?sig=1", 0, .downgrade("http://r.org/y")),
      ("https://r.org/x", nil, 0, .noAddress("")),
      ("https://r.org/x", "file:///etc", 0, .noAddress("file:///etc")),
      ("https://r.org/x", "/y", 5, .tooMany),
    ] as [(String, String?, Int, RedirectPolicy.Refusal)])
  func `bad redirects are refused`(
    from: String, location: String?, followed: Int, refusal: RedirectPolicy.Refusal
  ) throws {
    let address = try #require(WebAddress(from))
    #expect(
      RedirectPolicy().decide(from: address, location: location, followed: followed) == .refuse(refusal))
  }

  @Test func `plain http is followed where it is allowed, without secrets`() throws {
    let address = try #require(WebAddress("https://r.org/x"))
    let target = try #require(WebAddress("http://r.org:443/x"))
    let decision = RedirectPolicy(allowsDowngrade: true).decide(
      from: address, location: "http://r.org:443/x", followed: 4)
    #expect(decision == .follow(target, keepsSecrets: false))
  }

  @Test(arguments: [
    ("GET", 301, "GET"), ("HEAD", 303, "HEAD"), ("PUT", 307, "PUT"), ("PUT", 303, "GET"), ("PUT", 302, nil),
  ])
  func `a method changes only as its status allows`(method: String, status: Int, then: String?) throws {
    let address = try #require(WebAddress("https://r.org/x"))
    let request = HTTPRequest(
      method, address, headers: ["authorization": "Basic x", "Cookie": "y", "Range": "z"])
    let next = request.redirected(status, to: address, keepsSecrets: false)
    #expect(next?.method == then)
    #expect(next.map { $0.headers == ["Range": "z"] } ?? true)
  }
}
