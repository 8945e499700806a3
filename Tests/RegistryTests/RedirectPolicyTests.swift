import Testing

@testable import Registry

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

  @Test(
    arguments: [
      ("https://r.org", "https://auth.r.org/token", nil), ("https://r.org", "https://r.org:8443/token", nil),
      ("https://r.org", "http://auth.r.org/token", "which speaks plain http"),
      ("http://r.org", "http://auth.r.org/token", nil),
      ("https://r.org", "https://169.254.169.254/", "which is an address of an inner network"),
      ("https://r.org", "https://2852039166/", "which is an address of an inner network"),
      ("https://r.org", "https://0xa9.254.0251.254/", "which is an address of an inner network"),
      ("https://r.org", "https://10.1.2.3/", "which is an address of an inner network"),
      ("https://r.org", "https://172.16.0.1/", "which is an address of an inner network"),
      ("https://r.org", "https://172.32.0.1/", nil),
      ("https://r.org", "https://192.168.0.1./", "which is an address of an inner network"),
      ("https://r.org", "https://[fe80::1]/", "which is an address of an inner network"),
      ("https://r.org", "https://[fd00::1]/", "which is an address of an inner network"),
      ("https://r.org", "https://[::ffff:10.0.0.1]/", "which is an address of an inner network"),
      ("https://r.org", "https://[2001:db8::1]/", nil), ("https://r.org", "https://8.8.8.8/", nil),
      ("https://r.org", "https://localhost/", "which is this machine"),
      ("https://r.org", "https://[::1]/", "which is this machine"),
      ("https://r.org", "https://127.1/", "which is this machine"),
      ("https://10.0.0.5", "https://10.0.0.5:5001/token", nil),
      ("https://10.0.0.5", "https://10.0.0.6/token", "which is an address of an inner network"),
      ("http://localhost:5000", "http://127.0.0.1:5001/token", nil),
    ] as [(String, String, String?)])
  func `credentials go to token servers that may have them`(registry: String, realm: String, why: String?)
    throws
  {
    let policy = RealmPolicy(registry: try #require(WebAddress(registry)), isInsecure: false)
    let realm = try #require(WebAddress(realm))
    #expect(policy.objection(to: realm) == why)
    #expect(RealmPolicy(registry: policy.registry, isInsecure: true).objection(to: realm) == nil)
  }
}
