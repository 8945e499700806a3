internal import Glibc
public import Linux
internal import Model

/// Looks for subordinate ids of a user, and for the programs that map them. Where the node has them from elsewhere than
/// files (LDAP, by a line `subid:` of nsswitch.conf), getsubids(1) is asked for the user's.
public func surveySubordinateIDs(of user: User) -> SubordinateIDs {
  func text(_ path: String) -> String? {
    (try? File.readAll(path, limit: 16 << 20)).map { String(decoding: $0, as: UTF8.self) }
  }
  let name = user.entry?.name
  let asksOthers = name != nil && SubordinateIDs.haveOtherSource(text("/etc/nsswitch.conf") ?? "")
  func ranges(_ path: String, _ words: [String]) -> String? {
    guard asksOthers, let name, !name.hasPrefix("-") else { return text(path) }
    let said = try? Process.output(
      of: "/usr/bin/getsubids", words + [name], environment: ["PATH=/usr/bin:/bin"], input: [], limit: 65536,
      seconds: 2)
    return said.map { SubordinateIDs.lines(ofGetsubids: String(decoding: $0.bytes, as: UTF8.self)) }
  }
  func program(_ name: String) -> String? {
    // The last: NixOS.
    ["/usr/bin/", "/bin/", "/usr/local/bin/", "/run/wrappers/bin/"].map { $0 + name }
      .first { path in unsafe access(path, X_OK) == 0 }
  }
  return SubordinateIDs(
    users: ranges("/etc/subuid", []), groups: ranges("/etc/subgid", ["-g"]),
    userProgram: program("newuidmap"),
    groupProgram: program("newgidmap"), forbidsNewPrivileges: Process.forbidsNewPrivileges)
}
