import Foundation
import Model
import Testing

/// Programs of containers that stand already.
extension InstanceTests {
  @Test(arguments: Caller.allCases)
  func `whoever enters has the namespaces and files of the instance`(caller: Caller) throws {
    try Self.withPlace(caller) { place in
      let options = [
        "--uts", "--hostname", "inner", "--ipc", "--writable-tmpfs", "--bind", "\(place.folder):/opt",
      ]
      try place.start("one", options)
      let script = "hostname; for kind in user mnt pid ipc uts; do readlink /proc/self/ns/$kind; done"
      let first = try place.exec("one", "sh", "-c", script + "; touch /kept /opt/bound")
      let second = try place.exec("one", "sh", "-c", script + "; ls /kept /opt/bound")
      #expect(first.code == 0 && first.line.hasPrefix("inner\n"), "\(first.err)")
      #expect(second.out == first.out + "/kept\n/opt/bound\n", "\(second.err)")
      let pid = try place.pid("one")
      for (line, kind) in zip(
        first.line.split(separator: "\n").dropFirst(), ["user", "mnt", "pid", "ipc", "uts"])
      {
        #expect(try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/ns/\(kind)") == line)
      }
    }
  }

  @Test func `exit codes and signals are the program's, as with exec`() throws {
    try Self.withPlace { place in
      try place.start("one")
      for (script, code) in [("exit 3", 3), ("kill -TERM $$", 143), ("kill -KILL $$", 137)]
        as [(String, Int32)]
      {
        #expect(try place.exec("one", "sh", "-c", script).code == code)
      }
      let missing = try place.exec("one", "no-such-program")
      #expect(missing.code == 127 && missing.err.hasPrefix("FATAL:   cannot run no-such-program: "))
      #expect(try place.exec("one", "/opt/not-executable").code == 126)
    }
  }

  @Test func `the environment is that of the caller, planned for the image`() throws {
    try Self.withPlace { place in
      try place.start("one", ["--env", "GIVEN=at start"])
      func variables(_ options: [String], _ environment: [String: String] = [:]) throws -> [String] {
        try place.apus(["exec"] + options + ["instance://one", "env"], environment).line
          .split(separator: "\n").map(String.init)
      }
      let plain = try variables([], ["MARK": "here"])
      for entry in ["MARK=here", "GREETING=of the image", "HOME=\(Installed.home)", "APPTAINER_INSTANCE=one"]
      {
        #expect(plain.contains(entry), "\(entry)")
      }
      #expect(!plain.contains { $0.hasPrefix("GIVEN=") })
      #expect(try !variables(["--cleanenv"], ["MARK": "here"]).contains("MARK=here"))
      #expect(try variables(["--env", "GIVEN=now"]).contains("GIVEN=now"))
      let ignored = try place.apus(["exec", "--bind", "/srv", "--pid", "instance://one", "true"])
      #expect(ignored.code == 0 && ignored.err.contains("ignoring --bind, --pid: the instance one has"))
      #expect(try place.apus(["exec", "instance://one", "true"], ["APUS_BIND": "/srv"]).err.isEmpty)
    }
  }

  @Test func `whoever enters as root has the user and the capabilities that were asked for`() throws {
    try Self.withPlace(.root) { place in
      try place.start("one")
      func capabilities(_ options: [String]) throws -> [UInt64] {
        let outcome = try place.apus(
          ["exec"] + options + ["instance://one", "grep", "^Cap[PEB]", "/proc/self/status"])
        #expect(outcome.code == 0 && outcome.err.isEmpty, "\(outcome.err)")
        return outcome.line.split(separator: "\n").compactMap { line in
          line.split(separator: "\t").last.flatMap { UInt64($0, radix: 16) }
        }
      }
      let all = try capabilities([])
      #expect(all.count == 3 && all[0] & RightsTests.netRaw != 0)
      #expect(try capabilities(["--no-privs"]) == [0, 0, 0])
      let without = try capabilities(["--drop-caps", "net_raw"])
      #expect(without == all.map { $0 & ~RightsTests.netRaw })
      let some = RightsTests.kill
      #expect(
        try capabilities(["--security", "uid:4711", "--add-caps", "kill"]) == [some, some, some])
      let who = try place.apus(
        ["exec", "--security", "uid:4711,gid:4712:4713", "instance://one", "sh", "-c", "id -u; id -G"])
      #expect(who.line == "4711\n4712 4713", "\(who.err)")
      let ignored = try place.apus(
        ["exec", "--no-privs", "--memory", "1G", "--fakeroot", "--net", "instance://one", "true"])
      #expect(ignored.code == 0 && ignored.err.contains("ignoring --net, --fakeroot, --memory: the instance"))
    }
  }

  @Test(arguments: Caller.allCases)
  func `a caller that ignores the ends of its children hangs neither instances nor programs`(caller: Caller)
    throws
  {
    try Self.withPlace(caller) { place in
      let ignoring =
        "import os, signal, sys; signal.signal(signal.SIGCHLD, signal.SIG_IGN); os.execv(sys.argv[1], sys.argv[1:])"
      func apus(_ words: String...) throws -> Outcome {
        try Installed.execute(
          ["/usr/bin/timeout", "30", "/usr/bin/python3", "-c", ignoring, Installed.apus] + words, as: caller,
          environment: ["APUS_CONFIGDIR": place.folder + "/logs-\(caller)"])
      }
      let image = Self.image
      #expect(try apus("exec", "--pid", image, "sh", "-c", "exit 3").code == 3)
      // Programs of ours and of others that a launch waits for.
      try Installed.write(Data(#"{"defaultAction": "SCMP_ACT_ALLOW"}"#.utf8), to: place.folder + "/all.json")
      let overlay = place.folder + "/overlay"
      _ = try Installed.execute(["/bin/mkdir", overlay], as: caller)
      for options in [
        ["--security", "seccomp:\(place.folder)/all.json"], ["--overlay", overlay], ["--unsquash"],
      ] {
        let outcome = try Installed.execute(
          ["/usr/bin/timeout", "30", "/usr/bin/python3", "-c", ignoring, Installed.apus, "exec"] + options
            + [image, "sh", "-c", "exit 5"], as: caller, environment: ["APUS_TMPDIR": place.folder])
        #expect(outcome.code == 5, "\(options): \(outcome)")
      }
      let start = try apus("instance", "start", image, "one", "brief")
      #expect(start.code == 0, "\(start.err)")
      #expect(place.awaits("starts with 1 words", in: "one"))
      #expect(try apus("exec", "instance://one", "sh", "-c", "exit 4").code == 4)
      #expect(try place.stop("one").code == 0)
      #expect(SharedMountTests.wait(seconds: 5) { !FileManager.default.fileExists(atPath: place.directory) })
    }
  }

  @Test func `run, shell and test are done in an instance, and instance run is the run script`() throws {
    try Self.withPlace { place in
      let outcome = try place.apus(["instance", "run", Self.image, "one", "a", "b"])
      #expect(outcome.code == 0, "\(outcome.err)")
      #expect(place.awaits("runs with a b\n", in: "one"))
      let test = try place.apus(["test", "instance://one", "x"])
      #expect(test.code == 4 && test.line == "tests x")
      let shell = try Installed.execute(
        [Installed.apus, "shell", "instance://one"], as: .user, input: "echo in $APUS_INSTANCE; exit 5\n")
      #expect(shell.code == 5 && shell.line.hasSuffix("in one"), "\(shell.out) \(shell.err)")
      let run = try Running(apus: "run", "instance://one", "c")
      #expect(run.line() == "runs with c")
      // It goes with the instance.
      #expect(try place.stop("one").code == 0)
      #expect(try run.finish().code == 137)
    }
  }

  @Test func `where the caller is is where a program starts, if the instance shows it`() throws {
    try Self.withPlace { place in
      try place.start("one")
      try place.start("apart", ["--containall"])
      func directory(_ name: String) throws -> Outcome {
        try Installed.run("exec", "instance://" + name, "pwd", directory: place.folder)
      }
      #expect(try directory("one").line == place.folder)
      let apart = try directory("apart")
      #expect(apart.line == Installed.home && apart.err.isEmpty, "\(apart.err)")
      #expect(try place.apus(["exec", "--cwd", "/opt", "instance://one", "pwd"]).line == "/opt")
    }
  }

  @Test func `without processes of its own an instance stops all the same`() throws {
    try Self.withPlace { place in
      try place.start("one", ["--no-pid"])
      #expect(place.awaits("starts", in: "one"))
      let inside = try place.exec("one", "readlink", "/proc/self/ns/pid")
      #expect(inside.line == (try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/ns/pid")))
      #expect(try place.stop("one").code == 0)
      try place.start("two", ["--no-pid"], ["stubborn"])
      #expect(place.awaits("starts", in: "two"))
      #expect(try place.stop("--timeout", "0.5", "two").code == 0)
      // Killed together with the first process, whose end is waited for.
      #expect(
        SharedMountTests.wait(seconds: 5) {
          (try? Installed.execute(
            ["/bin/sh", "-c", "grep -lz '[s]tubborn' /proc/[0-9]*/cmdline"], as: .root))?.out.isEmpty ?? false
        })
    }
  }

  @Test(arguments: ["daemon", "deaf"])
  func `without processes of its own what has left its group ends with it, too`(kind: String) throws {
    try Self.withPlace { place in
      let mark = "31.\(UInt32.random(in: 1...999_999))"
      func remains() -> Bool {
        (try? Installed.execute(["/usr/bin/pgrep", "-f", "sleep \(mark)"], as: .root).code) == 0
      }
      try place.start("one", ["--no-pid"], [kind, mark])
      #expect(SharedMountTests.wait(seconds: 5) { remains() })
      let stopped = try place.stop("--timeout", kind == "deaf" ? "0.5" : "10", "one")
      #expect(stopped.code == 0 && stopped.err.contains("killing") == (kind == "deaf"), "\(stopped.err)")
      #expect(SharedMountTests.wait(seconds: 5) { !remains() })
    }
  }

  @Test func `stats add up what the processes use`() throws {
    try Self.withPlace { place in
      try place.start("one")
      #expect(place.awaits("starts", in: "one"))
      let outcome = try place.apus(["instance", "stats", "--json", "one"])
      let json = try JSON(parsing: Array(outcome.out.utf8))
      guard case .integer(let count)? = json["processes"], case .integer(let memory)? = json["memoryBytes"]
      else {
        Issue.record("\(outcome.out) \(outcome.err)")
        return
      }
      #expect(count >= 2 && memory > 4096)
      let text = try place.apus(["instance", "stats", "one"]).line.split(separator: "\n")
      #expect(text.count == 2 && text[0].hasPrefix("INSTANCE NAME    CPU USAGE    MEM USAGE / LIMIT"))
      #expect(text[1].hasPrefix("one ") && text[1].contains("%"))
    }
  }

  @Test func `an instance is no image`() throws {
    for words in [
      ["explain", "exec", "instance://one", "true"], ["instance", "start", "instance://one", "two"],
    ] {
      let outcome = try Installed.execute([Installed.apus] + words, as: .user)
      #expect(outcome.code == 255 && outcome.err.contains("it names an instance"), "\(outcome.err)")
    }
  }
}
