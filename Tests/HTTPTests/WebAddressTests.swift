import Testing

@testable import HTTP

@Suite struct WebAddressTests {
  @Test(arguments: [
    ("https://Example.org", "https://example.org/"),
    ("http://example.org:80/a", "http://example.org/a"),
    ("https://example.org:80/a?b=c#d", "https://example.org:80/a?b=c"),
    ("https://[::1]:5000/v2/", "https://[::1]:5000/v2/"),
    ("https://h/a b\"é", "https://h/a%20b%22%C3%A9"),
    ("https://h/a/../../b/./c", "https://h/b/c"),
    ("https://h?x", "https://h/?x"),
    ("https://h:/x", "https://h/x"),
  ]) func `an address is understood`(text: String, written: String) {
    #expect(WebAddress(text)?.text == written)
  }

  @Test(arguments: [
    "", "example.org", "/v2/", "ftp://h/", "file:///etc/passwd", "https://", "https:///x", "https://user@h/",
    "https://user:word@h/", "https://h:0/", "https://h:65536/", "https://h:8x/", "https://h h/",
    "https://h\r\nx/",
    "https://[::1/", "https://[::1]x/", "https://[v1.x]/", "https://é.org/", "https://h\\@evil/", "https:h",
    "https://h/\u{0}",
  ]) func `what is no plain http address is refused`(text: String) {
    #expect(WebAddress(text) == nil)
  }

  /// RFC 3986, section 5.4, without the rows that are about other schemes.
  @Test(arguments: [
    ("g", "http://a/b/c/g"), ("./g", "http://a/b/c/g"), ("g/", "http://a/b/c/g/"), ("/g", "http://a/g"),
    ("//g", "http://g/"), ("?y", "http://a/b/c/d;p?y"), ("g?y", "http://a/b/c/g?y"),
    ("#s", "http://a/b/c/d;p?q"), ("g#s", "http://a/b/c/g"), (";x", "http://a/b/c/;x"),
    ("", "http://a/b/c/d;p?q"), (".", "http://a/b/c/"), ("./", "http://a/b/c/"), ("..", "http://a/b/"),
    ("../g", "http://a/b/g"), ("../..", "http://a/"), ("../../g", "http://a/g"), ("../../../g", "http://a/g"),
    ("/./g", "http://a/g"), ("/../g", "http://a/g"), ("g.", "http://a/b/c/g."), ("..g", "http://a/b/c/..g"),
    ("./g/.", "http://a/b/c/g/"), ("g;x=1/../y", "http://a/b/c/y"), ("g?y/../x", "http://a/b/c/g?y/../x"),
    ("https://h:5/x", "https://h:5/x"),
  ]) func `a reference is joined as RFC 3986 says`(reference: String, joined: String) throws {
    let base = try #require(WebAddress("http://a/b/c/d;p?q"))
    #expect(base.joined(reference)?.text == joined)
  }

  @Test(arguments: ["mailto:x", "ftp://h/", "//user@h/", "http://", "x\ny"])
  func `a reference to something else is refused`(reference: String) throws {
    let base = try #require(WebAddress("http://a/b/c/d;p?q"))
    #expect(base.joined(reference) == nil)
  }

  @Test func `more of a query is encoded and added`() throws {
    let address = try #require(WebAddress("https://h/up?state=a%2Fb"))
    #expect(address.adding("digest", "sha256:0&1").text == "https://h/up?state=a%2Fb&digest=sha256%3A0%261")
    #expect(WebAddress("https://h/up")?.adding("a", "b").text == "https://h/up?a=b")
  }
}
