import Testing

@testable import Launch

@Suite struct HostNameFilesTests {
  @Test(arguments: [
    ("127.0.0.1 localhost\n10.0.0.5 node5\n", "box", "127.0.0.1 localhost\n10.0.0.5 node5\n127.0.1.1\tbox\n"),
    ("127.0.0.1 localhost", "box", "127.0.0.1 localhost\n127.0.1.1\tbox\n"),
    ("", "box.site.org", "127.0.1.1\tbox.site.org box\n"),
    ("10.0.0.5\tnode5.site\tnode5 # here\n", "node5", "10.0.0.5\tnode5.site\tnode5 # here\n"),
    ("#10.0.0.5 box\n10.0.0.5 x # box\n", "box", "#10.0.0.5 box\n10.0.0.5 x # box\n127.0.1.1\tbox\n"),
  ])
  func `the host's lines stay, and a name that none of them has gets one`(
    text: String, name: String, result: String
  ) {
    #expect(hostsFile(text, name: name) == result)
  }

  @Test func `where the host's file is not shown localhost is known all the same`() {
    #expect(
      hostsFile(nil, name: "box")
        == "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n127.0.1.1\tbox\n")
  }
}
