import Testing

@testable import Launch

@Suite struct BindGrammarTests {
  @Test(arguments: [
    ("type=bind,source=/a,target=/b", true), ("type=bind,src=/a,dst=/b,ro", false),
    ("type=bind,src=/a,destination=/b,readonly=true", false), ("target=/b,source=/a,ro=false", true),
  ])
  func `fields of a mount have several names`(text: String, isWritable: Bool) throws {
    let bind = try BindGrammar.parse(mount: text, from: "/")
    #expect(bind.source == "/a" && bind.target == "/b" && bind.isWritable == isWritable)
  }

  @Test(arguments: [
    ("source=/a,source=/b,target=/c", "source"), ("source=/a,src=/b,target=/c", "source"),
    ("source=/a,target=/b,dst=/c", "target"), ("source=/a,target=/b,ro,readonly", "ro"),
    ("type=bind,type=bind,source=/a,target=/b", "type"),
  ])
  func `a field given twice is refused`(text: String, field: String) {
    #expect(throws: LaunchFault.mountSyntax(spec: text, why: "it has \(field) twice")) {
      try BindGrammar.parse(mount: text, from: "/")
    }
  }
}
