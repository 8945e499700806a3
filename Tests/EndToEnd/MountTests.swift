import Foundation
import Testing

/// Binds, home, working directory, and the flags that change what is shown.
@Suite struct MountTests {
  static let image = Installed.image("tiny.sif")

  @Test(arguments: Caller.allCases) func `a bind shows the source at its target`(caller: Caller) throws {
    try Installed.withFolder { folder in
      try "content".write(toFile: folder + "/file", atomically: true, encoding: .utf8)
      for target in ["/mnt/empty", "/new/place", "/opt"] {
        let outcome = try Installed.run(
          "exec", "--bind", "\(folder):\(target)", Self.image, "cat", target + "/file", as: caller)
        #expect(outcome.line == "content", "\(target): \(outcome.err)")
      }
    }
  }

  @Test func `a read-only bind refuses writes and a writable one takes them`() throws {
    try Installed.withFolder { folder in
      let refused = try Installed.run(
        "exec", "--bind", "\(folder):/mnt/empty:ro", Self.image, "touch", "/mnt/empty/a")
      #expect(refused.err.contains("Read-only"))
      let taken = try Installed.run(
        "exec", "--bind", "\(folder):/mnt/empty", Self.image, "touch", "/mnt/empty/b")
      #expect(taken.code == 0 && FileManager.default.fileExists(atPath: folder + "/b"), "\(taken.err)")
    }
  }

  @Test func `a file is bound over a file`() throws {
    try Installed.withFolder { folder in
      try "mine\n".write(toFile: folder + "/file", atomically: true, encoding: .utf8)
      let outcome = try Installed.run(
        "exec", "-B", folder + "/file:/etc/hosts", Self.image, "cat", "/etc/hosts")
      #expect(outcome.line == "mine", "\(outcome.err)")
    }
  }

  @Test func `mount fields mean the same as a bind`() throws {
    try Installed.withFolder { folder in
      try "content".write(toFile: folder + "/file", atomically: true, encoding: .utf8)
      let outcome = try Installed.run(
        "exec", "--mount", "type=bind,source=\(folder),target=/data,ro", Self.image, "sh", "-c",
        "cat /data/file; touch /data/x")
      #expect(outcome.out == "content")
      #expect(outcome.err.contains("Read-only"))
    }
  }

  @Test func `binds of the environment are added to those of the command line`() throws {
    try Installed.withFolder { folder in
      for variable in ["APUS_BIND", "APPTAINER_BIND", "SINGULARITY_BINDPATH"] {
        let outcome = try Installed.run(
          "exec", "--bind", "\(folder):/one", Self.image, "ls", "-d", "/one", "/two",
          environment: [variable: "\(folder):/two"])
        #expect(outcome.line == "/one\n/two", "\(variable): \(outcome.err)")
      }
    }
  }

  @Test func `a bind of what does not exist is refused by name`() throws {
    let outcome = try Installed.run("exec", "--bind", "/no/such/source", Self.image, "true")
    #expect(outcome.code == 255)
    #expect(outcome.err.contains("/no/such/source") && outcome.err.hasPrefix("FATAL:"))
  }

  @Test func `a target behind a link of the image stays in the container`() throws {
    try Installed.withFolder { folder in
      let before = try FileManager.default.contentsOfDirectory(atPath: "/etc").sorted()
      _ = try Installed.run(
        "exec", "--bind", "\(folder):/mnt/outside/apus-test-target", Self.image, "true", as: .root)
      #expect(try FileManager.default.contentsOfDirectory(atPath: "/etc").sorted() == before)
    }
  }

  @Test func `home is shown, and left out on request`() throws {
    let shown = try Installed.run("exec", Self.image, "sh", "-c", "cd; pwd; touch here && ls")
    #expect(shown.line.hasPrefix(Installed.home) && shown.line.contains("here"), "\(shown.err)")
    let hidden = try Installed.run("exec", "--no-home", Self.image, "ls", Installed.home + "/here")
    #expect(hidden.code != 0)
  }

  @Test func `another directory serves as home`() throws {
    try Installed.withFolder { folder in
      let outcome = try Installed.run(
        "exec", "--home", "\(folder):/home/other", Self.image, "sh", "-c", "echo $HOME; touch ~/x")
      #expect(outcome.line == "/home/other", "\(outcome.err)")
      #expect(FileManager.default.fileExists(atPath: folder + "/x"))
    }
  }

  @Test func `the working directory is the caller's, and --cwd chooses another`() throws {
    try Installed.withFolder { folder in
      let outcome = try Installed.run("exec", Self.image, "pwd", directory: folder)
      #expect(outcome.line == folder)
    }
    for flag in ["--cwd", "--pwd"] {
      #expect(try Installed.run("exec", flag, "/opt", Self.image, "pwd").line == "/opt")
    }
    #expect(try Installed.run("exec", "--cwd", "/no/such", Self.image, "pwd").code == 255)
  }

  @Test(arguments: 3...20) func `a descriptor of ours leads to no directory of the host`(number: Int) throws {
    let outcome = try Installed.run(
      "exec", "--cwd", "/proc/self/fd/\(number)", Self.image, "sh", "-c", "ls -d /boot ../boot 2>&1; pwd")
    #expect(
      outcome.code == 255 || (outcome.line.hasSuffix("/") && !outcome.out.contains("\n/boot")),
      "\(outcome.out)")
  }

  @Test func `contain gives an empty home and tmp and a minimal dev`() throws {
    try Installed.withFolder { folder in
      let outcome = try Installed.run(
        "exec", "--contain", Self.image, "sh", "-c", "ls -A /tmp ~ ; ls /dev; touch /tmp/a ~/b && pwd",
        directory: folder)
      #expect(!outcome.out.contains(folder.split(separator: "/").last ?? "?"))
      #expect(outcome.out.contains("urandom") && !outcome.out.contains("mem\n"))
      #expect(outcome.line.hasSuffix(Installed.home), "\(outcome.err)")
    }
  }

  @Test func `scratch is empty and writable, and workdir keeps it`() throws {
    let fresh = try Installed.run(
      "exec", "--scratch", "/scratch/here", Self.image, "touch", "/scratch/here/a")
    #expect(fresh.code == 0, "\(fresh.err)")
    try Installed.withFolder { folder in
      let kept = try Installed.run("exec", "-S", "/scr", "-W", folder, Self.image, "touch", "/scr/a")
      #expect(
        kept.code == 0 && FileManager.default.fileExists(atPath: folder + "/scratch/scr/a"), "\(kept.err)")
    }
  }

  @Test(arguments: ["tiny.sif", "tiny", "tiny.sqfs"]) func `writable-tmpfs takes changes and forgets them`(
    form: String
  ) throws {
    let outcome = try Installed.run(
      "exec", "--writable-tmpfs", Installed.image(form), "sh", "-c",
      "echo x > /new && cat /new; mkdir /etc/dir || exit 4")
    #expect(outcome.line == "x", "\(outcome.err)")
    #expect(try Installed.run("exec", Installed.image(form), "ls", "/new").code != 0)
  }

  @Test func `an overlay directory keeps changes, and is read with :ro`() throws {
    try Installed.withFolder { folder in
      let written = try Installed.run("exec", "--overlay", folder, Self.image, "sh", "-c", "echo kept > /new")
      #expect(written.code == 0, "\(written.err)")
      #expect(try Installed.run("exec", "--overlay", folder, Self.image, "cat", "/new").line == "kept")
      let read = try Installed.run(
        "exec", "--overlay", folder + ":ro", Self.image, "sh", "-c", "cat /new; touch /other")
      #expect(read.out == "kept\n" && read.err.contains("Read-only"), "\(read.err)")
      _ = try Installed.execute(["/bin/rm", "-rf", folder + "/upper", folder + "/work"], as: .root)
    }
  }

  @Test(arguments: Caller.allCases)
  func `mount points are made in an overlay, and not where links in it lead on the host`(caller: Caller)
    throws
  {
    try Installed.withFolder { folder in
      _ = try Installed.execute(["/bin/cp", "-a", Installed.image("tiny"), folder + "/box"], as: .root)
      let script = """
        rm -rf box/home; ln -s /a/b box/home; mkdir -p changes/upper changes/work; mkdir -m 0777 outside
        ln -s "$PWD/outside" changes/upper/a; mkdir -p "changes/upper$PWD/outside"
        chown -R apus-test box changes
        """
      #expect(
        try Installed.execute(["/bin/sh", "-ec", script], as: .root, directory: folder).code == 0)
      _ = try Installed.run(
        "exec", "--overlay", folder + "/changes", "--bind", "/usr:/a/c/usr", folder + "/box", "true",
        as: caller)
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder + "/outside").isEmpty)
      let mode = try FileManager.default.attributesOfItem(atPath: folder + "/outside")[.posixPermissions]
      #expect(mode as? Int == 0o777)
      _ = try Installed.execute(["/bin/rm", "-rf", folder + "/changes"], as: .root)
    }
  }

  @Test func `a second writer of an overlay is refused while the first lives`() throws {
    try Installed.withFolder { folder in
      let holder = try Running(
        apus: "exec", "--overlay", folder, Self.image, "sh", "-c", "echo here; exec sleep 1000")
      #expect(holder.line() == "here")
      let refused = try Installed.run("exec", "--overlay", folder, Self.image, "true")
      #expect(refused.code == 255 && refused.err.contains("writing to it"), "\(refused.err)")
      kill(holder.pid, SIGTERM)
      #expect(try holder.finish().code == 143)
      var after = try Installed.run("exec", "--overlay", folder, Self.image, "true")
      for _ in 0..<20 where after.code != 0 {
        usleep(100_000)
        after = try Installed.run("exec", "--overlay", folder, Self.image, "true")
      }
      #expect(after.code == 0, "\(after.err)")
      _ = try Installed.execute(["/bin/rm", "-rf", folder + "/upper", folder + "/work"], as: .root)
    }
  }

  @Test func `writable changes a sandbox and refuses an image file`() throws {
    let refused = try Installed.run("exec", "--writable", Self.image, "true")
    #expect(refused.code == 255 && refused.err.contains("read-only"))
    try Installed.withFolder { folder in
      _ = try Installed.execute(["/bin/cp", "-a", Installed.image("tiny"), folder + "/box"], as: .root)
      let outcome = try Installed.run("exec", "--writable", folder + "/box", "touch", "/written", as: .root)
      #expect(
        outcome.code == 0 && FileManager.default.fileExists(atPath: folder + "/box/written"), "\(outcome.err)"
      )
    }
  }

  /// A sandbox of the ordinary user's, without `names`.
  static func withSandbox<T>(without names: [String], _ body: (String) throws -> T) throws -> T {
    try Installed.withFolder { folder in
      _ = try Installed.execute(["/bin/cp", "-a", Installed.image("tiny"), folder + "/box"], as: .root)
      for name in names { rmdir(folder + "/box/" + name) }
      _ = try Installed.execute(["/bin/chown", "-R", "apus-test", folder + "/box"], as: .root)
      return try body(folder)
    }
  }

  @Test(arguments: [[], ["--contain"], ["--contain", "--pid"]])
  func `a sandbox is written to by its owner, without what has no place in it`(flags: [String]) throws {
    try Self.withSandbox(without: ["sys"]) { folder in
      let outcome = try Installed.execute(
        [Installed.apus, "exec", "--writable"] + flags + [folder + "/box", "touch", "/written"], as: .user)
      #expect(outcome.code == 0, "\(outcome.err)")
      #expect(FileManager.default.fileExists(atPath: folder + "/box/written"))
      // The home directory of the test's user and /sys; one line for both.
      let lines = outcome.err.split(separator: "\n")
      #expect(lines.count == 1 && lines[0].hasPrefix("WARNING: ") && lines[0].contains("--writable"))
      #expect(lines.first?.contains("/sys, \(Installed.home)") == true, "\(outcome.err)")
      #expect(!FileManager.default.fileExists(atPath: folder + "/box/sys"), "nothing is made in it")
    }
  }

  @Test(arguments: [
    ["--bind", "/opt:/notthere"], ["--scratch", "/notthere"], ["--home", "/opt:/notthere"],
  ])
  func `what is asked for in a sandbox that has no place for it is refused with what to do`(flags: [String])
    throws
  {
    try Self.withSandbox(without: []) { folder in
      let words = [Installed.apus, "exec", "--writable"] + flags + [folder + "/box", "true"]
      let refused = try Installed.execute(words, as: .user)
      #expect(refused.code == 255 && refused.err.hasPrefix("FATAL:"), "\(refused.err)")
      #expect(refused.err.contains("the sandbox has no /notthere, and with --writable nothing is made in it"))
      #expect(refused.err.contains("make it: mkdir -p \(folder)/box/notthere"))
      mkdir(folder + "/box/notthere", 0o755)
      #expect(try Installed.execute(words, as: .user).code == 0)
    }
  }

  @Test func `no-mount leaves out what it names`() throws {
    #expect(
      try Installed.run("exec", "--no-mount", "tmp", Self.image, "sh", "-c", "ls -A /tmp | wc -l").line == "0"
    )
    #expect(
      try Installed.run("exec", "--no-mount", "sys", Self.image, "sh", "-c", "ls /sys | wc -l").line == "0")
    let unknown = try Installed.run("exec", "--no-mount", "nonsense", Self.image, "true")
    #expect(unknown.code == 0 && unknown.err.contains("WARNING"))
  }

  @Test func `ipc, uts and hostname are the container's own`() throws {
    #expect(try Installed.run("exec", "--hostname", "box", Self.image, "hostname").line == "box")
    let host = try Installed.execute(["/usr/bin/readlink", "/proc/self/ns/ipc"], as: .user).line
    #expect(try Installed.run("exec", Self.image, "readlink", "/proc/self/ns/ipc").line == host)
    #expect(try Installed.run("exec", "--ipc", Self.image, "readlink", "/proc/self/ns/ipc").line != host)
  }

  @Test(arguments: [[], ["--contain"]]) func `a host name of its own is written where programs look it up`(
    flags: [String]
  ) throws {
    let outcome = try Installed.execute(
      [Installed.apus, "exec", "--hostname", "box"] + flags
        + [Self.image, "sh", "-c", "cat /etc/hostname; hostname; cat /etc/hosts"], as: .user)
    #expect(
      outcome.out.hasPrefix("box\nbox\n") && outcome.out.hasSuffix("127.0.1.1\tbox\n"), "\(outcome.err)")
    #expect(outcome.out.contains("localhost"))
    if flags.isEmpty {
      #expect(outcome.out.contains(try String(contentsOfFile: "/etc/hosts", encoding: .utf8)))
    }
    let plain = try Installed.execute(
      [Installed.apus, "exec"] + flags + [Self.image, "cat", "/etc/hosts"], as: .user)
    #expect(!plain.out.contains("127.0.1.1\tbox"))
  }

  @Test(arguments: [":rw", "", ":ro"]) func `a SIF without an overlay partition is no overlay`(mode: String)
    throws
  {
    let outcome = try Installed.run("exec", "--overlay", Self.image + mode, Self.image, "true")
    #expect(outcome.code == 255 && outcome.err.contains("has no overlay partition"), "\(outcome.err)")
    try Installed.withFolder { folder in
      let taken = try Installed.run("exec", "--overlay", folder + ":rw", Self.image, "touch", "/new")
      #expect(
        taken.code == 0 && FileManager.default.fileExists(atPath: folder + "/upper/new"), "\(taken.err)")
      _ = try Installed.execute(["/bin/rm", "-rf", folder + "/upper", folder + "/work"], as: .root)
    }
  }

  @Test func `a bind beneath another whose target is missing says that the target is`() throws {
    try Installed.withFolder { folder in
      let outcome = try Installed.run(
        "exec", "-B", folder + ":/mnt/empty", "-B", "/etc/passwd:/mnt/empty/x", Self.image, "true")
      #expect(outcome.code == 255, "\(outcome.err)")
      #expect(outcome.err.contains("the target /mnt/empty/x does not exist in \(folder)"), "\(outcome.err)")
      try Data().write(to: URL(fileURLWithPath: folder + "/x"))
      let made = try Installed.run(
        "exec", "-B", folder + ":/mnt/empty", "-B", "/etc/passwd:/mnt/empty/x", Self.image, "cat",
        "/mnt/empty/x")
      #expect(made.code == 0 && made.out.contains("root:"), "\(made.err)")
    }
  }

  @Test(arguments: [(["--contain"], "/dev/console"), ([], "/dev/pts/")])
  func `a program on a terminal can ask which`(flags: [String], name: String) throws {
    let words = ([Installed.apus, "exec"] + flags + [Self.image, "busybox", "tty"]).joined(separator: " ")
    let outcome = try Installed.execute(["/usr/bin/script", "-qec", words, "/dev/null"], as: .user)
    #expect(outcome.out.hasPrefix(name), "\(outcome.out)\(outcome.err)")
  }

  @Test(arguments: Caller.allCases, ["--compat", "--containall"])
  func `contained programs do not see what tells of the machine`(caller: Caller, flag: String) throws {
    let script = """
      for f in /proc/kcore /proc/keys /proc/timer_list /proc/sched_debug; do
        [ -e $f ] && [ $(head -c 10 $f | wc -c) != 0 ] && echo $f is there
      done
      for d in /proc/acpi /proc/scsi /sys/firmware /sys/devices/virtual/powercap; do ls -A $d; done
      touch /sys/firmware/x /proc/acpi/x
      (echo 1 > /proc/sys/kernel/panic) || echo kept
      """
    let outcome = try Installed.execute(
      [Installed.apus, "exec", flag, Self.image, "sh", "-c", script], as: caller)
    #expect(outcome.out == "kept\n", "\(outcome.out)\(outcome.err)")
    #expect(!outcome.err.contains("WARNING"), "\(outcome.err)")
  }

  @Test func `umask is the caller's, or 0022`() throws {
    let words = ["umask 0077; \(Installed.apus) exec", Self.image, "sh -c umask"]
    #expect(try Installed.execute(["/bin/sh", "-c", words.joined(separator: " ")], as: .user).line == "0077")
    let fixed = ["umask 0077; \(Installed.apus) exec --no-umask", Self.image, "sh -c umask"]
    #expect(try Installed.execute(["/bin/sh", "-c", fixed.joined(separator: " ")], as: .user).line == "0022")
  }

  @Test func `compat is the sum of its parts`() throws {
    let outcome = try Installed.run(
      "exec", "--compat", Self.image, "sh", "-c", "echo $$; touch /new && umask; env | grep -c ^MARK || true",
      environment: ["MARK": "1"])
    #expect(outcome.line == "1\n0022\n0", "\(outcome.err)")
  }
}
