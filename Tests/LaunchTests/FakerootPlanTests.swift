import Linux
import Model
import Testing

@testable import Launch

/// Which users the container of `--fakeroot` has.
@Suite struct FakerootPlanTests {
  static let user = Facts.user

  static func host(_ users: String?, _ groups: String? = nil) -> SubordinateIDs {
    SubordinateIDs(
      users: users, groups: groups ?? users, userProgram: "/usr/bin/newuidmap",
      groupProgram: "/usr/bin/newgidmap")
  }

  static func ranges(_ text: String, own: UInt32 = 1000, user: User = user) -> SubordinateRanges {
    SubordinateRanges(text, path: "/etc/subuid", user: user, own: own)
  }

  @Test(
    arguments: [
      ("ann:100000:65536\nbob:1:2\n", [100000...165535]), ("1000:5:1\n", [5...5]),
      ("ann:1:2\n1000:10:5\n", [1...2, 10...14]), ("", []), ("ann\nann:x:1\nann:1:0\nann:1\n:1:1\n", []),
      ("ann:4294967295:2\n", []), ("ann:2000:4294965000\n", [2000...4_294_966_999]), ("annie:1:1\n", []),
      ("ann:7:2\n1000:7:2\n", [7...8]), ("ann:7:2\nann:8:2\n", [7...8]), ("ann:900:200\nann:7:1\n", [7...7]),
    ] as [(String, [ClosedRange<UInt32>])])
  func `ranges are the user's own, by name or by number, each id once`(
    text: String, ranges: [ClosedRange<UInt32>]
  ) {
    #expect(Self.ranges(text).ranges == ranges)
  }

  @Test func `a user without a name has the ranges of the number`() {
    let user = User(uid: 7, gid: 7, groups: [], entry: nil)
    #expect(Self.ranges(":1:1\n7:3:1\n", own: 7, user: user).ranges == [3...3])
  }

  @Test func `lines that cannot be used are named by their numbers, those of others not`() {
    let found = Self.ranges("\nbob:x:y\nann:x:1\nann:990:20\nann:5:5\nann:9:2\nbob:8:100\n")
    #expect(
      found.faults == [
        "line 3 of /etc/subuid is not NAME:FIRST:COUNT",
        "line 4 of /etc/subuid overlaps with your own id, 1000",
        "line 6 of /etc/subuid overlaps with another line of yours",
      ])
    #expect(found.shared == ["line 7 of /etc/subuid gives bob the same ids"])
  }

  @Test func `ranges come from elsewhere where the node says so`() {
    #expect(SubordinateIDs.haveOtherSource("passwd: files\nsubid: files sss\n"))
    #expect(
      !SubordinateIDs.haveOtherSource("subid:   files\n") && !SubordinateIDs.haveOtherSource("passwd: sss\n"))
    let said = "0: ann 100000 65536\n1: ann 200000 5\nno ranges\n"
    #expect(SubordinateIDs.lines(ofGetsubids: said) == "ann:100000:65536\nann:200000:5\n")
  }

  @Test func `with ranges the users are the caller and all of them`() {
    let plan = planFakeroot(
      user: Self.user, host: Self.host("ann:100000:65536\nann:200000:10\n", "ann:300000:65536\n"))
    #expect(
      plan.ids
        == IDMap(
          users: [
            .init(inside: 0, outside: 1000, count: 1), .init(inside: 1, outside: 100000, count: 65536),
            .init(inside: 65537, outside: 200000, count: 10),
          ],
          groups: [
            .init(inside: 0, outside: 1000, count: 1), .init(inside: 1, outside: 300000, count: 65536),
          ]))
    #expect(plan.allNotices.isEmpty)
    #expect(plan.mappers == IDMappers(users: "/usr/bin/newuidmap", groups: "/usr/bin/newgidmap"))
  }

  @Test func `without one root is alone, and one line says why`() {
    func why(_ host: SubordinateIDs, user: User = Self.user, ignoresRanges: Bool = false) -> String {
      let plan = planFakeroot(user: user, host: host, ignoresRanges: ignoresRanges)
      #expect(plan.ids == nil)
      let told = plan.allNotices.filter { $0.level == .info }
      #expect(told.count == 1 && told[0].text.contains("because " + plan.reason))
      return plan.reason
    }
    let whole = "ann:100000:65536\n"
    #expect(why(Self.host(nil)) == "/etc/subuid and /etc/subgid have no range for you")
    #expect(why(Self.host(whole, "bob:1:5\n")) == "/etc/subgid has no range for you")
    #expect(why(Self.host(whole), ignoresRanges: true) == "--ignore-subuid says so")
    var host = Self.host(whole)
    host.groupProgram = nil
    #expect(why(host).contains("newgidmap is not installed"))
    host = Self.host(whole)
    host.forbidsNewPrivileges = true
    #expect(why(host).contains("no_new_privs"))
    let unknown = User(uid: 1000, gid: 1000, groups: [], entry: nil)
    #expect(why(Self.host("1000:5:5\n"), user: unknown) == "the user database does not know you")
  }

  @Test func `a small range is used and told of with -v, a wrong line is a warning`() {
    let small = planFakeroot(user: Self.user, host: Self.host("ann:100000:1000\n"))
    #expect(small.ids?.userCount == 1001)
    #expect(small.allNotices.map(\.level) == [.verbose, .verbose])
    #expect(small.allNotices[0].text.contains("/etc/subuid gives you 1000 ids"))
    let wrong = planFakeroot(user: Self.user, host: Self.host("ann:1x:2\n"))
    #expect(wrong.allNotices.map(\.level) == [.warning, .warning, .info])
    #expect(wrong.allNotices[0].text.contains("line 1 of /etc/subuid") && wrong.ids == nil)
  }

  @Test func `a map that is refused leaves root alone with a warning`() {
    let plan = planFakeroot(user: Self.user, host: Self.host("ann:100000:65536\n"))
      .withoutRanges(because: "/usr/bin/newuidmap failed (no)")
    #expect(plan.ids == nil && plan.allNotices.map(\.level) == [.warning, .info])
    #expect(plan.allNotices[0].text.contains("/usr/bin/newuidmap failed (no)"))
    #expect(plan.allNotices[0].text.contains("/etc/subuid"))
  }

  @Test func `the plan has the users, and root can become one of them`() throws {
    var host = Facts.node()
    host.fakeroot = planFakeroot(user: Self.user, host: Self.host("ann:100000:100\n"))
    let other = try Facts.plan(host: host) {
      $0.fakeroot = true
      $0.security = ["uid:100", "gid:5:6"]
    }
    #expect(other.program.rights.identity == RightsPlan.Identity(uid: 100, gid: 5, groups: [6]))
    #expect(other.program.rights.capabilities == 0 && other.program.rights.ids?.userCount == 101)
    #expect(throws: LaunchFault.self) {
      try Facts.plan(host: host) {
        $0.fakeroot = true
        $0.security = ["uid:101", "gid:5"]
      }
    }
    host.fakeroot = FakerootPlan(reason: "of a test")
    #expect(throws: LaunchFault.isolation(.rootOnly(option: "--security"))) {
      try Facts.plan(host: host) {
        $0.fakeroot = true
        $0.security = ["uid:0"]
      }
    }
  }
}
