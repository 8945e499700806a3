import Testing

@testable import CommandLine

@Suite struct NearestTests {
  @Test(
    arguments: [
      ("nv", nil), ("nvccli", nil), ("bidn", "bind"), ("ritable", "writable"), ("evn", "env"), ("p", nil),
      ("writabel-tmpfs", "writable-tmpfs"), ("containal", "containall"), ("env-fiel", "env-file"), ("", nil),
      ("overlays", "overlay"), ("boot", nil), ("rocm", nil), ("unsquahs", "unsquash"), ("sharen", "sharens"),
    ] as [(String, String?)])
  func `an option is suggested only where it is very near`(word: String, near: String?) throws {
    let names = try #require(Commands.find(["exec"])).options.map(\.name)
    #expect(Nearest.name(to: word, among: names) == near)
  }

  @Test(arguments: [
    ("", "", 0), ("a", "", 1), ("ab", "ba", 1), ("kitten", "sitting", 3), ("exec", "eexc", 1),
  ])
  func `the distance counts edits, and neighbours that changed places as one`(
    left: String, right: String, edits: Int
  ) {
    #expect(Nearest.distance(left, right) == edits)
    #expect(Nearest.distance(right, left) == edits)
  }
}
