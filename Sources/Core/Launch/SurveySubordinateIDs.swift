internal import Glibc
internal import Linux

/// Looks for subordinate ids and for the programs that map them.
public func surveySubordinateIDs() -> SubordinateIDs {
  func text(_ path: String) -> String? {
    (try? File.readAll(path, limit: 16 << 20)).map { String(decoding: $0, as: UTF8.self) }
  }
  func program(_ name: String) -> String? {
    // The last: NixOS.
    ["/usr/bin/", "/bin/", "/usr/local/bin/", "/run/wrappers/bin/"].map { $0 + name }
      .first { path in unsafe access(path, X_OK) == 0 }
  }
  return SubordinateIDs(
    users: text("/etc/subuid"), groups: text("/etc/subgid"), userProgram: program("newuidmap"),
    groupProgram: program("newgidmap"), forbidsNewPrivileges: Process.forbidsNewPrivileges)
}
