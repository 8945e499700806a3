import Foundation
import Testing

/// `--fakeroot` with ranges of /etc/subuid and /etc/subgid: many users in the container. newuidmap is set-uid, which the
/// filter that imitates an old kernel does not allow.
@Suite(.enabled(if: !Installed.isOldKernel, "set-uid programs have no effect behind the filter"))
struct FakerootTests {
  static let image = Installed.image("people.sif")

  /// The first subordinate id of the test's user.
  static func first() throws -> Int {
    let text = try String(contentsOfFile: "/etc/subuid", encoding: .utf8)
    let line = try #require(text.split(separator: "\n").first { $0.hasPrefix("apus-test:") })
    return try #require(Int(line.split(separator: ":")[1]))
  }

  /// Runs `apus` for the test's user where /etc/subuid and /etc/subgid hold other lines, after lines of a root shell.
  static func run(ranges: String, _ words: [String], after preparation: String = "true") throws -> Outcome {
    try Installed.withFolder { folder in
      try Installed.write(Data(ranges.utf8), to: folder + "/ranges")
      let quoted = words.map { "'\($0)'" }.joined(separator: " ")
      let script = """
        set -e
        for file in subuid subgid; do mount --bind \(folder)/ranges /etc/$file; done
        \(preparation)
        exec setpriv $MORE --reuid apus-test --regid apus-test --init-groups \(Installed.apus) \(quoted)
        """
      return try Installed.execute(["/usr/bin/unshare", "--mount", "/bin/sh", "-c", script], as: .root)
    }
  }

  @Test func `owners of the image are seen as they are, and root becomes any of its users`() throws {
    let outcome = try Installed.run(
      "exec", "--fakeroot", Self.image, "sh", "-c",
      """
      stat -c '%u %g' /home/ann /home/ann/secret /opt/high /bin; id -u; echo ~
      su ann -c 'id -u; id -g; cat /home/ann/secret; wc -l /proc/self/uid_map; umask 0; : >/bin/x' 2>&1
      su bob -c 'cat /home/ann/secret' 2>&1
      """)
    let lines = outcome.line.split(separator: "\n").map(String.init)
    #expect(lines.prefix(6) == ["1000 1000", "1000 1000", "0 0", "0 0", "0", "/root"], "\(outcome.err)")
    #expect(lines.dropFirst(6).prefix(3) == ["1000", "1000", "hers"], "\(lines)")
    #expect(
      lines.filter { $0.contains("/bin/x") }.count == 1 && lines.last?.contains("denied") == true, "\(lines)")
    #expect(outcome.err.isEmpty)
  }

  @Test func `files are given to users of the container, in memory and in an overlay`() throws {
    let script = """
      touch /etc/given && chown 1000:1001 /etc/given && stat -c '%u %g' /etc/given
      chown 1001 /home/ann/secret && su bob -c 'cat /home/ann/secret' 2>&1 | wc -l
      su ann -c 'touch /home/ann/new && stat -c %u /home/ann/new'
      """
    let memory = try Installed.run("exec", "-f", "--writable-tmpfs", Self.image, "sh", "-c", script)
    #expect(memory.line == "1000 1001\n1\n1000" && memory.err.isEmpty, "\(memory.out) \(memory.err)")
    try Installed.withFolder { folder in
      _ = try Installed.execute(["/bin/mkdir", folder + "/layer"], as: .user)
      let overlay = try Installed.run(
        "exec", "-f", "--overlay", folder + "/layer", Self.image, "sh", "-c", script)
      #expect(overlay.line == "1000 1001\n1\n1000" && overlay.err.isEmpty, "\(overlay.out) \(overlay.err)")
      let first = try Self.first()
      let outside = try Installed.execute(
        [
          "/usr/bin/stat", "-c", "%u", folder + "/layer/upper/etc/given",
          folder + "/layer/upper/home/ann/new",
        ],
        as: .root)
      #expect(outside.line == "\(first + 999)\n\(first + 999)")
      let again = try Installed.run(
        "exec", "-f", "--overlay", folder + "/layer", Self.image, "stat", "-c", "%u", "/etc/given")
      #expect(again.line == "1000", "\(again.err)")
    }
  }

  @Test func `a writable sandbox gets files of subordinate ids`() throws {
    try Installed.withFolder { folder in
      let sandbox = folder + "/root"
      #expect(try Installed.run("--quiet", "build", "--sandbox", sandbox, Self.image).code == 0)
      let outcome = try Installed.run(
        "--quiet", "exec", "-f", "--writable", sandbox, "sh", "-c",
        "touch /etc/own /etc/given && chown 1000:1000 /etc/given && stat -c %u /etc/own /etc/given")
      #expect(outcome.line == "0\n1000", "\(outcome.err)")
      let outside = try Installed.execute(
        ["/usr/bin/stat", "-c", "%U %u", sandbox + "/etc/own", sandbox + "/etc/given"], as: .root)
      let lines = outside.line.split(separator: "\n")
      #expect(lines.first?.hasPrefix("apus-test ") == true)
      #expect(try lines.last?.hasSuffix(" \(Self.first() + 999)") == true, "\(outside.line)")
      // What belongs to others outside is in reach in the container.
      let removed = try Installed.run(
        "--quiet", "exec", "-f", "--writable", sandbox, "sh", "-c", "/bin/busybox rm /etc/given")
      #expect(removed.code == 0, "\(removed.err)")
    }
  }

  @Test func `apt's own user reads the root, which with root alone it cannot`() throws {
    try Installed.withFolder { folder in
      mkdir(folder + "/repository", 0o755)
      try Installed.write(Data(), to: folder + "/repository/Packages")
      try Installed.write(
        Data("deb [trusted=yes] file:\(folder)/repository ./\n".utf8), to: folder + "/sources.list")
      func update(_ options: [String]) throws -> Outcome {
        try Installed.execute(
          [Installed.apus, "--quiet", "exec", "-f", "--writable-tmpfs"] + options + [
            Installed.image("debian.sif"), "apt-get", "-o", "Dir::Etc::SourceList=\(folder)/sources.list",
            "-o",
            "Dir::Etc::SourceParts=/dev/null", "-o", "APT::Sandbox::User=_apt", "update",
          ], as: .user)
      }
      let works = try update([])
      #expect(works.code == 0 && !works.err.contains("setgroups"), "\(works.out) \(works.err)")
      let fails = try update(["--ignore-subuid"])
      #expect(fails.code != 0 && fails.err.contains("setgroups"), "\(fails.out) \(fails.err)")
      let python = try Installed.run(
        "--quiet", "exec", "-f", Installed.image("debian.sif"), "python3", "-c",
        """
        import os
        os.setgroups([]); os.setresgid(65534, 65534, 65534); os.setresuid(42, 42, 42)
        print(os.getresuid(), os.getgroups(), len(open('/etc/debian_version').read()) > 1)
        """)
      #expect(python.line == "(42, 42, 42) [] True", "\(python.err)")
    }
  }

  static let whole = "apus-test:300000:65536\n"

  @Test(
    arguments: [
      ("by name", whole, "true", 2, ""),
      ("by number", "UID:300000:65536\n", "true", 2, ""),
      ("several lines", "bob:1:2\napus-test:300000:1000\napus-test:500000:70000\n", "true", 3, ""),
      ("none", "bob:1:2\n", "true", 1, "INFO:    --fakeroot: the container knows root"),
      (
        "malformed", "apus-test:many:2\n", "true", 1,
        "WARNING: --fakeroot: line 1 of /etc/subuid is not NAME:FIRST:COUNT"
      ),
      (
        "overlapping", "apus-test:300000:65536\napus-test:300001:5\n", "true", 2,
        "WARNING: --fakeroot: line 2 of /etc/subuid"
      ),
      (
        "refused", whole, "mount --bind /bin/false /usr/bin/newuidmap", 1,
        "WARNING: --fakeroot: /usr/bin/newuidmap failed; going on with root as the only user"
      ),
      (
        "half refused", whole, "mount --bind /bin/false /usr/bin/newgidmap", 1,
        "WARNING: --fakeroot: /usr/bin/newgidmap failed"
      ),
      (
        "no new privileges", whole, "MORE=--no-new-privs", 1,
        "because newuidmap has no effect in a process without new"
      ),
    ] as [(String, String, String, Int, String)])
  func `what the files say is mapped, and what cannot be is told of`(
    what: String, ranges: String, preparation: String, lines: Int, said: String
  ) throws {
    let uid = try Installed.execute(["/usr/bin/id", "-u"], as: .user).line
    let outcome = try Self.run(
      ranges: ranges.replacingOccurrences(of: "UID", with: uid),
      // Shared with nobody: the number of a mount namespace that is gone may be another's soon.
      [
        "exec", "--fakeroot", "--no-shared-mount", Self.image, "sh", "-c",
        "cat /proc/self/uid_map | wc -l; id -u",
      ],
      after: preparation)
    #expect(outcome.code == 0 && outcome.line == "\(lines)\n0", "\(what): \(outcome.out) \(outcome.err)")
    #expect(said.isEmpty ? outcome.err.isEmpty : outcome.err.contains(said), "\(what): \(outcome.err)")
  }

  @Test func `a small range is used, and said with -v`() throws {
    let words = ["exec", "--fakeroot", "--no-shared-mount", Self.image, "stat", "-c", "%u", "/home/ann"]
    let outcome = try Self.run(ranges: "apus-test:300000:500\n", ["--verbose"] + words)
    #expect(outcome.code == 0 && outcome.line == "0")
    #expect(outcome.err.contains("VERBOSE: --fakeroot: /etc/subuid gives you 500 ids"), "\(outcome.err)")
    #expect(try Self.run(ranges: "apus-test:300000:500\n", words).err.isEmpty)
  }

  @Test func `without a range no other program is started`() throws {
    try Installed.withFolder { folder in
      let trace = folder + "/trace"
      for options in [["--fakeroot", "--ignore-subuid"], ["--fakeroot"]] {
        let outcome = try Installed.execute(
          [
            "/usr/bin/strace", "-f", "-o", trace, "-e", "trace=execve", Installed.apus, "exec",
            "--no-shared-mount",
          ] + options + [Self.image, "true"], as: .user)
        #expect(outcome.code == 0, "\(outcome.err)")
        let calls = try String(contentsOfFile: trace, encoding: .utf8)
        // Behind strace newuidmap is not set-uid: it fails, and the launch goes on.
        #expect(calls.contains("newuidmap") == (options.count == 1), "\(calls)")
      }
    }
  }

  @Test func `launches with the same users share a server, and others have another`() throws {
    try Installed.withFolder { folder in
      try FileManager.default.copyItem(atPath: Self.image, toPath: folder + "/own.sif")
      chmod(folder + "/own.sif", 0o644)
      let image = folder + "/own.sif"
      let programs = try [["-f"], ["-f"], []].map { options in
        try Running([Installed.apus, "exec"] + options + [image, "sh", "-c", "echo here; read word"])
      }
      for program in programs { #expect(program.line() == "here") }
      #expect(SharedMountTests.servers(of: image).count == 2)
      #expect(try Installed.run("mounts").out.components(separatedBy: image).count == 3)
      for program in programs { _ = try program.finish() }
      #expect(SharedMountTests.wait(seconds: 15) { SharedMountTests.servers(of: image).isEmpty })
    }
  }

  @Test func `root mounts inside, and changes nothing of what is mounted there already`() throws {
    for option in ["--fakeroot", "--ignore-subuid"] {
      let outcome = try Installed.run(
        "--quiet", "exec", "--fakeroot", option, Self.image, "sh", "-c",
        """
        mount -t tmpfs none /mnt && : >/mnt/made && mount -o bind /bin /opt && ls /mnt && test -x /opt/sh && echo shown
        mount -o remount,rw,bind / 2>/dev/null && : >/never; ls -d /never 2>/dev/null
        /bin/busybox umount /proc 2>/dev/null; test -e /proc/self && echo kept
        """)
      #expect(outcome.line == "made\nshown\nkept", "\(option): \(outcome.out) \(outcome.err)")
    }
    let mounts = try String(contentsOfFile: "/proc/self/mountinfo", encoding: .utf8)
    #expect(!mounts.split(separator: "\n").contains { $0.contains(" /mnt ") && $0.contains("tmpfs none") })
  }

  @Test func `--security chooses one of the users, without capabilities`() throws {
    let outcome = try Installed.run(
      "exec", "-f", "--security", "uid:1000,gid:1000:50", Self.image, "sh", "-c",
      "id -u; id -G; cat /home/ann/secret; grep -c 'Cap[IPEBA][a-z]*:.0000000000000000' /proc/self/status")
    #expect(outcome.line == "1000\n1000 50\nhers\n5", "\(outcome.out) \(outcome.err)")
    let beyond = try Installed.run("exec", "-f", "--security", "uid:4000000000", Self.image, "id")
    #expect(beyond.code == 255 && beyond.err.contains("counted from 0"), "\(beyond.err)")
  }

  @Test func `explain and doctor say which users there are, and why`() throws {
    let first = try Self.first()
    let text = try Installed.run("explain", "exec", "-f", Self.image, "true").out
    #expect(text.contains("you outside (--fakeroot; your ranges in /etc/subuid and /etc/subgid)"), "\(text)")
    #expect(text.contains("1 to 65536 are \(first) to \(first + 65535)"), "\(text)")
    let alone = try Installed.run("explain", "exec", "-f", "--ignore-subuid", Self.image, "true").out
    #expect(alone.contains("(--fakeroot; --ignore-subuid says so)"))
    let doctor = try Installed.run("doctor").out
    #expect(doctor.contains("--fakeroot has 65537 users: your ranges"), "\(doctor)")
  }

  @Test func `root gives users ranges, switches them off and on, and takes them away`() throws {
    let script = """
      set -e
      mount -t overlay -o lowerdir=/etc,upperdir=$0/upper,workdir=$0/work overlay /etc
      : >/etc/subuid; : >/etc/subgid
      \(Installed.apus) config fakeroot --add apus-test
      cat /etc/subuid /etc/subgid
      setpriv --reuid apus-test --regid apus-test --init-groups \(Installed.apus) exec -f \(Self.image) su ann -c 'id -u'
      \(Installed.apus) config fakeroot --disable apus-test; cat /etc/subgid
      \(Installed.apus) config fakeroot --enable apus-test; cat /etc/subgid
      \(Installed.apus) config fakeroot --add apus-test 2>/dev/null || echo refused
      \(Installed.apus) config fakeroot --remove apus-test; cat /etc/subuid /etc/subgid; ls /etc | grep -c 'sub.*apus' || true
      """
    try Installed.withFolder { folder in
      // An overlay wants a file system for its upper layer that is none itself.
      let outcome = try Installed.execute(
        [
          "/usr/bin/unshare", "--mount", "/bin/sh", "-c",
          "mount -t tmpfs none $0 && mkdir $0/upper $0/work && chmod 755 $0 $0/upper && " + script, folder,
        ], as: .root)
      let line = "apus-test:4294836224:65536"
      #expect(
        outcome.line.split(separator: "\n").map(String.init)
          == [line, line, "1000", "!" + line, line, "refused", "0"], "\(outcome.out) \(outcome.err)")
    }
    let user = try Installed.run("config", "fakeroot", "--add", "apus-test")
    #expect(user.code == 255 && user.err.contains("requires root privileges"))
    let unknown = try Installed.run("config", "fakeroot", "--add", "apus-nobody-such", as: .root)
    #expect(unknown.code == 255 && unknown.err.contains("no such user"))
    #expect(try Installed.run("config", "fakeroot", "apus-test", as: .root).code == 1)
  }
}

/// One at a time with all other tests of instances.
extension InstanceTests {
  @Test(.enabled(if: !Installed.isOldKernel, "set-uid programs have no effect behind the filter"))
  func `an instance has its users, and so has whoever enters it`() throws {
    try Installed.withFolder { folder in
      let environment = ["APUS_CONFIGDIR": folder + "/logs"]
      func apus(_ words: String...) throws -> Outcome {
        try Installed.execute([Installed.apus] + words, as: .user, environment: environment)
      }
      let started = try apus("instance", "start", "--fakeroot", FakerootTests.image, "people")
      try #require(started.code == 0, "\(started.err)")
      defer { _ = try? apus("instance", "stop", "people") }
      let outcome = try apus(
        "exec", "instance://people", "sh", "-c", "id -u; su ann -c 'id -u; cat /home/ann/secret'; echo ~")
      #expect(outcome.line == "0\n1000\nhers\n/root", "\(outcome.err)")
      let mounting = try apus(
        "exec", "instance://people", "sh", "-c", "mount -t tmpfs none /mnt && : >/mnt/made")
      #expect(mounting.code == 0, "\(mounting.err)")
      #expect(try apus("exec", "instance://people", "ls", "/mnt").line == "made")
      let less = try apus(
        "exec", "--no-privs", "instance://people", "sh", "-c",
        "grep CapEff /proc/self/status; su ann -c 'id -u' || true")
      #expect(less.line == "CapEff:\t0000000000000000", "\(less.out) \(less.err)")
      let ann = try apus(
        "exec", "--security", "uid:1000", "instance://people", "sh", "-c", "id -u; cat /home/ann/secret")
      #expect(ann.line == "1000\nhers", "\(ann.err)")
    }
  }
}
