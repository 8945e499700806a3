import Testing

@testable import Engine

@Suite struct UserNetworkStartTests {
  static let all = ["/run/user", "/mnt", "/tmp", "/var/tmp"]

  @Test(
    arguments: [
      (["/usr/bin/pasta"], all, "/run/user"), (["/usr/bin/pasta"], ["/mnt", "/tmp"], "/mnt"),
      (["/mnt/sw/bin/pasta"], ["/mnt", "/tmp"], "/tmp"),
      (["/usr/local/bin/pasta", "/mnt/sw/pasta"], ["/mnt", "/tmp"], "/tmp"),
      (["/mntx/pasta"], ["/mnt", "/tmp"], "/mnt"), (["/tmp/pasta"], ["/tmp", "/var/tmp"], "/var/tmp"),
      (["/usr/bin/pasta"], [], "/tmp"),
    ] as [([String], [String], String)])
  func `the place of the namespace hides no program`(programs: [String], directories: [String], place: String)
  {
    #expect(UserNetworkStart.place(sparing: programs) { directories.contains($0) } == place)
  }
}
