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

  @Test(
    arguments: [
      ("0::/user.slice/x\n", "/user.slice/x"), ("12:cpu:/a\n0::/\n", "/"), ("12:cpu:/a\n", nil), ("", nil),
    ] as [(String, String?)])
  func `the cgroup is that of the second version`(text: String, path: String?) {
    #expect(NodeFacts.cgroupPath(in: text) == path)
  }
}
