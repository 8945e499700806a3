import Foundation
import Testing

/// `apus doctor` on this node, whole and with things taken away.
@Suite struct DoctorTests {
  static let subjects = [
    "user namespaces", "/dev/fuse", "read-only overlay for users", "writable overlay in memory",
    "mounts by descriptor", "kernel squashfs", "subordinate ids", "cgroups", "binfmt_misc", "limits",
    "runtime directory", "AppArmor", "SELinux", "programs of other packages",
  ]

  /// The checks by name, as json has them.
  static func checks(_ json: String) throws -> [String: [String: String]] {
    let start = json.firstIndex(of: "{") ?? json.startIndex
    let object = try JSONSerialization.jsonObject(with: Data(json[start...].utf8)) as? [String: Any]
    let checks = try #require(object?["checks"] as? [[String: String]])
    return Dictionary(checks.map { ($0["name"] ?? "", $0) }) { first, _ in first }
  }

  /// What doctor says to the test's user in namespaces of its own, after lines of a root shell.
  static func doctor(after preparation: String, user: String = "apus-test", _ options: [String] = ["--json"])
    throws -> Outcome
  {
    let groups = user == "apus-test" ? "--init-groups" : "--clear-groups"
    let script = """
      set -e
      \(preparation)
      exec setpriv --reuid \(user) --regid \(user) \(groups) \(Installed.apus) doctor \(options.joined(separator: " "))
      """
    return try Installed.execute(["/usr/bin/unshare", "--mount", "/bin/sh", "-c", script], as: .root)
  }

  @Test(arguments: Caller.allCases) func `doctor has a line for each subject, in text and in json`(
    caller: Caller
  ) throws {
    let checks = try Self.checks(try Installed.run("doctor", "--json", as: caller).out)
    let lines = try Installed.run("doctor", as: caller).out.split(separator: "\n")
    for subject in Self.subjects {
      let check = try #require(checks[subject], "\(subject)")
      #expect(check["found"]?.isEmpty == false, "\(subject)")
      #expect(["ok", "missing", "FAILING"].contains(check["state"] ?? ""))
      #expect(check["state"] == "ok" || check["cost"]?.isEmpty == false, "\(subject)")
      #expect(lines.count { $0.hasPrefix(check["state"] ?? "?") && $0.contains(" \(subject): ") } == 1)
    }
    #expect(checks["user namespaces"]?["found"]?.contains("user.max_user_namespaces = ") == true)
    #expect(checks["/dev/fuse"]?["found"]?.contains("mode 0666") == true)
    #expect(checks["limits"]?["found"]?.contains("open files") == true)
    #expect(checks["cgroups"]?["found"]?.contains("version") == true)
  }

  @Test(arguments: [
    (
      "/dev/fuse", "install -m 0600 /dev/null $0.closed; mount --bind $0.closed /dev/fuse; rm -f $0.closed",
      "missing", "mode 0600", "unpacked", "chmod 0666 /dev/fuse"
    ),
    ("subordinate ids", "mount --bind /dev/null /etc/subuid", "missing", "no range", "fakeroot", "usermod"),
    ("limits", "ulimit -n 100", "missing", "100 open files", "programs", "ulimit -n 1024"),
  ])
  func `what is taken away is found, with what it costs and who can give it back`(
    subject: String, preparation: String, state: String, found: String, cost: String, remedy: String
  ) throws {
    try Installed.withFolder { folder in
      let lines = preparation.replacingOccurrences(of: "$0", with: folder + "/x")
      let outcome = try Self.doctor(after: lines)
      let check = try #require(try Self.checks(outcome.out)[subject], "\(outcome.err)")
      #expect(check["state"] == state && check["found"]?.contains(found) == true, "\(check)")
      #expect(check["cost"]?.contains(cost) == true, "\(check)")
      #expect(check["remedy"]?.contains(remedy) == true, "\(check)")
      #expect(outcome.code == 0)
      let text = try Self.doctor(after: lines, []).out
      #expect(text.contains("         costs: ") && text.contains("         remedy: "), "\(text)")
    }
  }

  @Test func `a squatted runtime directory is found, and fails the node for its user`() throws {
    let path = "/tmp/apus-54325"
    mkdir(path, 0o755)
    defer { rmdir(path) }
    let outcome = try Self.doctor(after: "true", user: "54325")
    let check = try #require(try Self.checks(outcome.out)["runtime directory"], "\(outcome.err)")
    #expect(check["state"] == "FAILING" && check["found"]?.contains("belongs to uid 0") == true, "\(check)")
    #expect(check["cost"]?.isEmpty == false && check["remedy"]?.contains("XDG_RUNTIME_DIR") == true)
    #expect(outcome.code == 255)
  }

  @Test func `user namespaces that are switched off fail the node, with the sysctl that brings them back`()
    throws
  {
    // In a user namespace of its own: the limit is its, not the machine's.
    let inside = """
      echo 0 > /proc/sys/user/max_user_namespaces || exit 9
      setpriv --reuid apus-test --regid apus-test --init-groups \(Installed.apus) doctor --json
      """
    let outside = """
      unshare --user sleep 30 & child=$!
      until [ "$(readlink /proc/$child/ns/user)" != "$(readlink /proc/self/ns/user)" ]; do :; done
      echo '0 0 65536' > /proc/$child/gid_map
      echo '0 0 65536' > /proc/$child/uid_map
      nsenter -t $child -U -S 0 -G 0 /bin/sh -c "$INSIDE"
      kill $child
      """
    let outcome = try Installed.execute(
      ["/bin/sh", "-c", outside], as: .root, environment: ["INSIDE": inside])
    let check = try #require(try Self.checks(outcome.out)["user namespaces"], "\(outcome.err)")
    #expect(check["state"] == "FAILING", "\(check)")
    #expect(check["found"]?.contains("user.max_user_namespaces = 0") == true, "\(check)")
    #expect(check["cost"]?.contains("run nothing") == true)
    #expect(check["remedy"]?.contains("the administrator sets it: sysctl user.max_user_namespaces=") == true)
  }
}
