public import Linux
public import Model

/// Which users the container of `--fakeroot` has, and why.
///
/// Two kinds: a map of the caller's subordinate ids, where root can become others and give files to them; and one of a
/// single user, which everybody can make.
public struct FakerootPlan: Equatable, Sendable {
  /// nil: root alone, who is the caller.
  public var ids: IDMap?
  public var mappers: IDMappers
  /// Why it is not more than one user, or whence the ids are.
  public var reason: String
  public var notices: [Notice]

  /// Fewer cannot hold all ids that images use: Debian's nobody is 65534.
  static let usualCount = 65536

  public init(
    ids: IDMap? = nil, mappers: IDMappers = IDMappers(users: "", groups: ""), reason: String,
    notices: [Notice] = []
  ) {
    self.ids = ids
    self.mappers = mappers
    self.reason = reason
    self.notices = notices
  }

  /// The same for a caller whose map was refused when it was made.
  public func withoutRanges(because why: String) -> FakerootPlan {
    FakerootPlan(
      reason: "the map of your ranges was refused",
      notices: notices + [
        Notice(
          .warning,
          "--fakeroot: \(why); going on with root as the only user; the administrator sees to your lines in /etc/subuid"
            + " and /etc/subgid, and to newuidmap and newgidmap being set-uid (package uidmap); --ignore-subuid does"
            + " without")
      ])
  }

  /// What the user is told of it.
  var allNotices: [Notice] {
    guard ids == nil else { return notices }
    return notices + [
      Notice(
        .info,
        "--fakeroot: the container knows root, who is you, and nobody else, because \(reason); giving files to other"
          + " users and becoming one (chown, su, apt's _apt) does not work")
    ]
  }
}

/// Decides what `--fakeroot` maps. `ignoresRanges`: `--ignore-subuid`.
public func planFakeroot(user: User, host: SubordinateIDs, ignoresRanges: Bool = false) -> FakerootPlan {
  if ignoresRanges { return FakerootPlan(reason: "--ignore-subuid says so") }
  let users = SubordinateRanges(host.users ?? "", path: "/etc/subuid", user: user, own: user.uid)
  let groups = SubordinateRanges(host.groups ?? "", path: "/etc/subgid", user: user, own: user.gid)
  var notices = (users.faults + groups.faults).map { fault in
    Notice(
      .warning,
      "--fakeroot: \(fault), and is not used; the administrator mends it: usermod --add-subuids"
        + " FIRST-LAST --add-subgids FIRST-LAST USER writes lines that are right")
  }
  let lacking = [("/etc/subuid", users), ("/etc/subgid", groups)].filter { $0.1.ranges.isEmpty }.map { $0.0 }
  if !lacking.isEmpty {
    let files = lacking.connected(by: " and ")
    return FakerootPlan(
      reason: "\(files) \(lacking.count == 1 ? "has" : "have") no range for you", notices: notices)
  }
  guard user.entry != nil else {
    return FakerootPlan(reason: "the user database does not know you", notices: notices)
  }
  guard let userProgram = host.userProgram, let groupProgram = host.groupProgram else {
    let name = host.userProgram == nil ? "newuidmap" : "newgidmap"
    return FakerootPlan(
      reason: "\(name) is not installed (package uidmap), which maps your range of /etc/subuid",
      notices: notices)
  }
  guard !host.forbidsNewPrivileges else {
    return FakerootPlan(
      reason: "newuidmap has no effect in a process without new privileges (no_new_privs)", notices: notices)
  }
  notices += (users.shared + groups.shared).map { Notice(.verbose, "--fakeroot: \($0)") }
  for (path, ranges) in [("/etc/subuid", users), ("/etc/subgid", groups)]
  where ranges.count < FakerootPlan.usualCount {
    notices.append(
      Notice(
        .verbose,
        "--fakeroot: \(path) gives you \(ranges.count) ids, images may use up to \(FakerootPlan.usualCount): files of"
          + " users beyond them are shown as root's"))
  }
  return FakerootPlan(
    ids: IDMap(uid: user.uid, gid: user.gid, users: users.ranges, groups: groups.ranges),
    mappers: IDMappers(users: userProgram, groups: groupProgram),
    reason: "your ranges in /etc/subuid and /etc/subgid",
    notices: notices)
}
