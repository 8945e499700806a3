import Foundation
import Testing

/// Who the program is and what it may do: `--fakeroot`, `--no-privs`, `--keep-privs`, `--add-caps`, `--drop-caps`,
/// `--security`.
@Suite struct RightsTests {
  static let image = Installed.image("tiny.sif")

  /// Permitted, effective, bounding and ambient set of a program, as the kernel shows them.
  static func capabilities(_ options: [String], as caller: Caller) throws -> [UInt64] {
    let outcome = try Installed.execute(
      [Installed.apus, "--quiet", "exec"] + options + [image, "grep", "^Cap[PEBA]", "/proc/self/status"],
      as: caller)
    #expect(outcome.code == 0, "\(outcome.err)")
    return outcome.line.split(separator: "\n").compactMap { line in
      line.split(separator: "\t").last.flatMap { UInt64($0, radix: 16) }
    }
  }

  static let netRaw: UInt64 = 1 << 13
  static let kill: UInt64 = 1 << 5

  @Test(
    arguments: [
      (["--no-privs"], 0), (["--no-privs", "--add-caps", "CAP_NET_RAW,kill"], netRaw | kill),
      (["--drop-caps", "all"], 0), (["--drop-caps", "all", "--add-caps", "net_raw"], 0),
      (["--security", "uid:4711,gid:4712"], 0),
      (["--security", "uid:4711", "--add-caps", "Cap_Kill"], kill),
    ] as [([String], UInt64)]) func `root has the capabilities that are left, and gets no others`(
      options: [String], left: UInt64
    ) throws
  {
    let sets = try Self.capabilities(options, as: .root)
    // Ambient ones are for another user than root.
    let isOther = options.contains("--security")
    #expect(sets == [left, left, left, isOther ? left : 0], "\(sets)")
  }

  @Test func `root keeps what is not dropped`() throws {
    let all = try Self.capabilities([], as: .root)
    #expect(all[0] & Self.netRaw != 0)
    let sets = try Self.capabilities(["--drop-caps", "cap_net_raw"], as: .root)
    #expect(sets[0] == all[0] & ~Self.netRaw && sets[2] == all[2] & ~Self.netRaw)
    #expect(try Self.capabilities(["--keep-privs"], as: .root) == all)
    let other = try Self.capabilities(["--keep-privs", "--security", "uid:4711"], as: .root)
    #expect(other[0] == all[0] && other[3] == all[0])
  }

  @Test func `root becomes the user that --security names, in its groups only`() throws {
    func who(_ security: String) throws -> String {
      let outcome = try Installed.run(
        "exec", "--security", security, Self.image, "sh", "-c", "id -u; id -g; id -G", as: .root)
      #expect(outcome.code == 0, "\(outcome.err)")
      return outcome.line
    }
    #expect(try who("uid:4711,gid:4712:4713:4714") == "4711\n4712\n4712 4713 4714")
    #expect(try who("uid:4711") == "4711\n4711\n4711")
    #expect(try who("gid:4712") == "0\n4712\n4712")
    // Files of root are out of reach.
    let outcome = try Installed.run(
      "exec", "--security", "uid:4711", "--bind", "/etc/shadow:/mnt/empty/shadow", Self.image, "cat",
      "/mnt/empty/shadow", as: .root)
    #expect(outcome.code != 0)
  }

  @Test func `with a pid namespace rights, signals and exit codes are the same`() throws {
    let outcome = try Installed.run(
      "exec", "--pid", "--security", "uid:4711", Self.image, "sh", "-c", "id -u; kill -TERM $$", as: .root)
    #expect(outcome.line == "4711" && outcome.code == 143, "\(outcome.err)")
  }

  @Test(
    arguments: [
      (["--security", "uid:ann"], "--security"), (["--security", "uid:1:2"], "--security"),
      (["--security", "gid:"], "--security"),
      (["--security", "label"], "--security"), (["--add-caps", "CAP_FLY"], "CAP_FLY"),
      (["--drop-caps", "net_rw"], "net_rw"),
      (["--security", "seccomp:/no/profile.json"], "cannot use --security seccomp:/no/profile.json"),
      (["--security", "apparmor:"], "--security"),
    ] as [([String], String)]) func `what cannot be had is refused by name`(options: [String], said: String)
    throws
  {
    for caller in Caller.allCases {
      let outcome = try Installed.execute(
        [Installed.apus, "exec"] + options + [Self.image, "true"], as: caller)
      #expect(outcome.code == 255 && outcome.err.contains(said), "\(outcome.err)")
    }
  }

  @Test func `an ordinary user keeps what is theirs, and is told what root could do`() throws {
    for options in [["--keep-privs"], ["--security", "uid:0"]] {
      let outcome = try Installed.execute(
        [Installed.apus, "exec"] + options + [Self.image, "true"], as: .user)
      #expect(outcome.code == 255 && outcome.err.contains("requires root privileges"), "\(outcome.err)")
    }
    let warned = try Installed.run("exec", "--add-caps", "CAP_NET_RAW", Self.image, "true")
    #expect(warned.code == 0 && warned.err.contains("WARNING: not adding capabilities (CAP_NET_RAW)"))
    for options in [[], ["--no-privs"], ["--drop-caps", "all"]] {
      let sets = try Self.capabilities(options, as: .user)
      #expect(sets[0] == 0 && sets[1] == 0 && sets[3] == 0)
    }
  }

  @Test func `fakeroot is root inside and the caller outside`() throws {
    try Installed.withFolder { folder in
      let outcome = try Installed.run(
        "exec", "--fakeroot", "--ignore-subuid", Self.image, "sh", "-c",
        "id -u; id -g; cd; pwd; echo $HOME; touch \(folder)/made ~/made; id -un", directory: "/tmp")
      #expect(outcome.line == "0\n0\n/root\n/root\nroot", "\(outcome.err)")
      #expect(outcome.code == 0 && outcome.err.contains("INFO:    --fakeroot"))
      #expect(outcome.err.split(separator: "\n").count == 1)
      let owner = try Installed.execute(
        ["/usr/bin/stat", "-c", "%U", folder + "/made", Installed.home + "/made"], as: .root)
      #expect(owner.line == "apus-test\napus-test")
      try? FileManager.default.removeItem(atPath: Installed.home + "/made")
    }
  }

  @Test func `fakeroot writes to the root as root, and nobody else is there`() throws {
    let outcome = try Installed.run(
      "--quiet", "exec", "-f", "--ignore-subuid", "--writable-tmpfs", Self.image, "sh", "-c",
      "touch /etc/new && stat -c %u /etc/new /bin; cat /etc/shadow; /bin/busybox chown 12 /etc/new")
    #expect(outcome.line.hasPrefix("0\n") && outcome.code != 0, "\(outcome.out) \(outcome.err)")
    let contained = try Installed.run(
      "--quiet", "exec", "-f", "--containall", Self.image, "sh", "-c", "echo ~; id -u")
    #expect(contained.line == "/root\n0", "\(contained.err)")
    let chosen = try Installed.run(
      "--quiet", "exec", "-f", "--home", "/tmp:/here", Self.image, "sh", "-c", "echo ~")
    #expect(chosen.line == "/here", "\(chosen.err)")
  }

  @Test func `capabilities are dropped under fakeroot too`() throws {
    let all = try Self.capabilities(["--fakeroot"], as: .user)
    #expect(all[0] & Self.netRaw != 0)
    #expect(try Self.capabilities(["--fakeroot", "--no-privs"], as: .user) == [0, 0, 0, 0])
  }

  @Test func `root has nothing to fake`() throws {
    let outcome = try Installed.run("exec", "--fakeroot", Self.image, "id", "-u", as: .root)
    #expect(outcome.line == "0" && outcome.err.isEmpty)
  }

  @Test func `explain shows user and capabilities with the options that chose them`() throws {
    let root = try Installed.run(
      "explain", "exec", "--no-privs", "--security", "uid:4711,gid:7", Self.image, "true", as: .root)
    #expect(root.out.contains("user: uid 4711, groups 7 (--security --no-privs)"))
    #expect(root.out.contains("capabilities: none (--security --no-privs)"))
    let user = try Installed.run("explain", "exec", "--fakeroot", Self.image, "true")
    #expect(user.out.contains("user: root inside, and you outside (--fakeroot; "))
  }
}
