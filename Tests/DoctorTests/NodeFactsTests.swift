import Testing

@testable import Doctor

@Suite struct NodeFactsTests {
  @Test(
    arguments: [
      ("ann:100000:65536\nbob:1:2\n", [100000...165535]), ("1000:5:1\n", [5...5]),
      ("ann:1:2\n1000:10:5\n", [1...2, 10...14]), ("", []), ("ann\nann:x:1\nann:1:0\nann:1\n:1:1\n", []),
      ("ann:4294967295:2\n", []), ("ann:0:4294967295\n", [0...4_294_967_294]), ("annie:1:1\n", []),
    ] as [(String, [ClosedRange<UInt32>])])
  func `ranges of ids are the user's own`(text: String, ranges: [ClosedRange<UInt32>]) {
    #expect(NodeFacts.ranges(in: text, name: "ann", uid: 1000) == ranges)
  }

  @Test func `a user without a name has the ranges of the number`() {
    #expect(NodeFacts.ranges(in: ":1:1\n7:3:1\n", name: "", uid: 7) == [3...3])
  }

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
