import Testing

@testable import Containers

@Suite struct ContainerIDTests {
  @Test(arguments: ["a", "n1.1000.42.0.3", "_x", "node-1.cluster.example.1000.7.4294967291.0", "a@b:c+d"])
  func `accepts`(text: String) throws {
    #expect(try ContainerID(text).text == text)
  }

  @Test(
    arguments: [
      "", ".", "..", "../x", "a/b", "/", "a\nb", "a b", "-force", ".hidden", "a\u{0}b", "ä", "a'b", "a\\b",
      String(repeating: "x", count: 201), String(repeating: "x", count: 4096),
    ])
  func `refuses`(text: String) {
    #expect(throws: ContainerFault.self) { try ContainerID(text) }
  }

  @Test(
    arguments: [
      ("n1.1000.42.0.3", 1000), ("n1.cluster.example.1000.42.0.3", 1000), ("n1.0.1.2.3", 0), ("one", nil),
      ("1.2.3.4", nil), ("n1.ann.42.0.3", nil), ("n1.-1.42.0.3", nil),
    ] as [(String, UInt32?)])
  func `an ID of Slurm's carries its user`(text: String, user: UInt32?) throws {
    #expect(try ContainerID(text).user == user)
  }

  @Test(
    arguments: [
      ("n1.1000.42.7.3", "42 7"), ("n1.a.b.ann.lee.42.4294967291.0", "42 4294967291"),
      ("n1.1000.42.x.0", nil),
      ("one", nil),
    ] as [(String, String?)])
  func `an ID of Slurm's carries its step`(text: String, step: String?) throws {
    #expect(try ContainerID(text).step.map { $0.job + " " + $0.step } == step)
  }
}
