import Testing

@testable import Launch

@Suite struct BindSpecTests {
  static func shown(_ binds: [BindSpec]) -> [String] {
    binds.map { "\($0.source) \($0.target) \($0.isWritable ? "rw" : "ro")" }
  }

  @Test(
    arguments: [
      ("/a", ["/a /a rw"]), ("/a:/b", ["/a /b rw"]), ("/a:/b:ro", ["/a /b ro"]), ("/a:/b:rw", ["/a /b rw"]),
      ("/a:ro", ["/a /a ro"]), ("/a,/b:/c:ro,/d", ["/a /a rw", "/b /c ro", "/d /d rw"]),
      ("/a:/b,ro", ["/a /b ro"]), ("/a,ro,/b", ["/a /a ro", "/b /b rw"]), (":/x", ["/x /x rw"]), ("", []),
      ("rel", ["/cwd/rel /cwd/rel rw"]), ("../up/./x:/y", ["/up/x /y rw"]), ("/a/:/b//c/", ["/a /b/c rw"]),
      ("/a\\:b:/c\\,d", ["/a:b /c,d rw"]), ("/a:/b/../c", ["/a /c rw"]), ("/a,", ["/a /a rw"]),
    ] as [(String, [String])])
  func `the grammar of --bind`(text: String, binds: [String]) throws {
    #expect(Self.shown(try BindGrammar.parse(bind: text, from: "/cwd")) == binds)
  }

  @Test(arguments: ["/a:/b:/c", "/a:/b:nope", "/a:rel", "/a:/", "/", "/a:/b:ro:x", ":"])
  func `refuses as --bind`(text: String) {
    #expect(throws: LaunchFault.self) { try BindGrammar.parse(bind: text, from: "/cwd") }
  }

  @Test(arguments: [
    ("type=bind,source=/a,target=/b", "/a /b rw"), ("src=/a,dst=/b,ro", "/a /b ro"),
    ("src=/a,destination=/b,readonly=true", "/a /b ro"), ("src=/a,dst=/b,ro=false", "/a /b rw"),
    ("\"source=/a,b\",dst=/c", "/a,b /c rw"), ("\"src=/a\"\"q\",dst=/c", "/a\"q /c rw"),
    ("src=rel,dst=/c,nonested", "/cwd/rel /c rw"), ("src=/a=b,dst=/c", "/a=b /c rw"),
  ])
  func `the grammar of --mount`(text: String, bind: String) throws {
    #expect(Self.shown([try BindGrammar.parse(mount: text, from: "/cwd")]) == [bind])
  }

  @Test(arguments: [
    "type=tmpfs,dst=/a", "src=/a", "dst=/a", "src=/a,dst=rel", "src=/a,dst=/", "src=/a,dst=/b,ro=maybe",
    "src=/a,dst=/b,bind-propagation=shared", "\"src=/a,dst=/b", "src=\"/a\",dst=/b", "",
  ])
  func `refuses as --mount`(text: String) {
    #expect(throws: LaunchFault.self) { try BindGrammar.parse(mount: text, from: "/cwd") }
  }
}
