import Testing

@testable import Doctor

@Suite struct NodeFactsTests {
  @Test(
    arguments: [
      ("enabled\ninterpreter /usr/bin/qemu\nflags: F\noffset 0\n", true, "/usr/bin/qemu"),
      ("disabled\ninterpreter /a b\n", false, "/a b"),
    ])
  func `an entry of binfmt_misc says its interpreter`(text: String, isEnabled: Bool, path: String) {
    #expect(NodeFacts.interpreter("x", text) == .init(name: "x", path: path, isEnabled: isEnabled))
  }

  @Test(arguments: ["", "enabled\n", "\n\n"]) func `what is no entry is none`(text: String) {
    #expect(NodeFacts.interpreter("x", text) == nil)
  }
}
