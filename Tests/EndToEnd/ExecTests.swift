import Foundation
import Testing

/// `exec` and its relatives on every form of image, as an ordinary user and as root.
@Suite struct ExecTests {
  static let forms = ["tiny.sif", "tiny.sqfs", "tiny", "debian.sif"]

  @Test(arguments: forms, Caller.allCases)
  func `a program runs in every form of image as who its caller is`(form: String, caller: Caller) throws {
    let outcome = try Installed.run("exec", Installed.image(form), "id", "-u", as: caller)
    #expect(outcome.code == 0, "\(outcome.err)")
    let uid = try Installed.execute(["/usr/bin/id", "-u"], as: caller).line
    #expect(outcome.line == uid)
  }

  @Test func `a user whom the host does not know gets a name made of the number, asked for once a day`()
    throws
  {
    let runtime = "/tmp/apus-54321"
    defer { try? FileManager.default.removeItem(atPath: runtime) }
    let words = [
      "/usr/bin/setpriv", "--reuid", "54321", "--regid", "54321", "--clear-groups", Installed.apus, "exec",
    ]
    for _ in 0..<2 {
      let outcome = try Installed.execute(words + [Installed.image("tiny.sif"), "id", "-un"], as: .root)
      #expect(outcome.line == "user54321", "\(outcome.err)")
    }
    // An empty file: it is known that there is no such user.
    #expect(try Data(contentsOf: URL(fileURLWithPath: runtime + "/user")).isEmpty)
  }

  @Test func `a launch with a limit on its address space shares its server with nobody`() throws {
    try Installed.withFolder { folder in
      let image = folder + "/limited.sif"
      try FileManager.default.copyItem(atPath: Installed.image("tiny.sif"), toPath: image)
      chmod(image, 0o644)
      for (limit, servers) in [("ulimit -v 4000000;", "0"), ("", "1")] {
        let script =
          "(\(limit) exec \(Installed.apus) exec \(image) sleep 2) & sleep 1;"
          + " \(Installed.apus) mounts --all | grep -c limited.sif; wait"
        let outcome = try Installed.execute(["/bin/sh", "-c", script], as: .user)
        #expect(outcome.line == servers, "\(outcome.err)")
      }
    }
  }

  @Test(
    arguments: [
      (["true"], 0), (["false"], 1), (["sh", "-c", "exit 77"], 77), (["no-such-program"], 127),
      (["/bin/no-such"], 127),
      (["/opt/not-executable"], 126), (["/opt/no-interpreter"], 126), (["/opt"], 126),
      (["sh", "-c", "kill -9 $$"], 137),
      (["sh", "-c", "kill -15 $$"], 143),
    ] as [([String], Int32)])
  func `the exit code is the program's, or says why it did not start`(words: [String], code: Int32) throws {
    let outcome = try Installed.execute(
      [Installed.apus, "exec", Installed.image("tiny.sif")] + words, as: .user)
    #expect(outcome.code == code, "\(outcome.err)")
    if code == 127 || code == 126 {
      #expect(outcome.err.hasPrefix("FATAL:   "))
      #expect(outcome.err.split(separator: "\n").count <= 2)
    }
  }

  @Test func `with a pid namespace the exit code and signals come through as well`() throws {
    for (script, code) in [("exit 5", 5), ("kill -9 $$", 137)] as [(String, Int32)] {
      #expect(
        try Installed.run("exec", "--pid", Installed.image("tiny.sif"), "sh", "-c", script).code == code)
    }
    #expect(
      try Installed.run("exec", "--pid", "--no-init", Installed.image("tiny.sif"), "sh", "-c", "exit 6").code
        == 6)
    #expect(try Installed.run("exec", "--pid", Installed.image("tiny.sif"), "nothing-here").code == 127)
  }

  @Test func `with a pid namespace the program sees only its own`() throws {
    let outcome = try Installed.run(
      "exec", "--pid", Installed.image("tiny.sif"), "sh", "-c", "echo $$; ls -d /proc/[0-9]* | wc -l")
    let lines = outcome.line.split(separator: "\n")
    #expect(lines.first == "2", "init is process 1")
    #expect(Int(lines.last ?? "") ?? 99 <= 4)
  }

  @Test func `the launcher becomes the program and leaves no child`() throws {
    // The first starts the server, the second finds it running; the third has one of its own.
    for options in [[], [], ["--no-shared-mount"]] {
      let program = try Running(
        [Installed.apus, "exec"] + options
          + [Installed.image("tiny.sif"), "sh", "-c", "echo $$ $PPID; read word; exit 9"])
      #expect(program.line() == "\(program.pid) \(getpid())")
      let path = "/proc/\(program.pid)/exe"
      #expect(try FileManager.default.destinationOfSymbolicLink(atPath: path).hasSuffix("/bin/busybox"))
      let threads = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(program.pid)/task")
      #expect(threads == ["\(program.pid)"])
      let children = try String(
        contentsOfFile: "/proc/\(program.pid)/task/\(program.pid)/children", encoding: .utf8)
      #expect(children == "")
      program.say("end")
      #expect(try program.finish().code == 9)
    }
  }

  @Test func `no descriptor of ours reaches the program`() throws {
    let outcome = try Installed.run("exec", Installed.image("tiny.sif"), "ls", "/proc/self/fd")
    #expect(
      outcome.line.split(separator: "\n").map(String.init).filter { Int($0) ?? 0 > 3 } == [], "\(outcome.out)"
    )
  }

  @Test func `the program has no capability and can get none`() throws {
    let outcome = try Installed.run(
      "exec", Installed.image("tiny.sif"), "grep", "-E", "^(Cap(Eff|Inh|Prm|Amb)|NoNewPrivs)",
      "/proc/self/status")
    for line in outcome.line.split(separator: "\n") {
      let value = line.split(separator: "\t").last ?? ""
      #expect(line.hasPrefix("NoNewPrivs") ? value == "1" : Int(value, radix: 16) == 0, "\(line)")
    }
  }

  @Test func `an image is executed directly through its first line`() throws {
    let path = Installed.folder("APUS_TREE") + "/bin:/usr/bin:/bin"
    let outcome = try Installed.execute(
      [Installed.image("scripted.sif"), "one"], as: .user, environment: ["PATH": path])
    #expect(outcome.line == "point one", "\(outcome.err)")
  }

  @Test(arguments: [([], "point from command"), (["one", "two"], "point one two")] as [([String], String)])
  func `run follows entry point and command of the image`(words: [String], line: String) throws {
    let outcome = try Installed.execute(
      [Installed.apus, "run", Installed.image("scripted.sif")] + words, as: .user)
    #expect(outcome.line == line, "\(outcome.err)")
  }

  @Test func `shell reads commands from its input`() throws {
    let outcome = try Installed.run("shell", Installed.image("tiny.sif"), input: "id -u; exit 3\n")
    #expect(outcome.code == 3)
  }

  @Test func `test of an image without a test is no failure`() throws {
    let outcome = try Installed.run("test", Installed.image("tiny.sqfs"))
    #expect(outcome.code == 0)
  }

  @Test func `a device node of the image cannot be opened`() throws {
    #expect(try Installed.run("exec", Installed.image("tiny.sqfs"), "cat", "/opt/null").code != 0)
  }

  @Test func `the image is read-only`() throws {
    let outcome = try Installed.run("exec", Installed.image("tiny.sif"), "touch", "/opt/new")
    #expect(outcome.code != 0)
    #expect(outcome.err.contains("Read-only"))
  }
}
