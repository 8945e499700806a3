import Foundation
import Model
import Testing

/// `apus oci create`, `start`, `state`, `kill` and `delete`.
extension OCITests {
  @Test func `a container goes through its states, and leaves nothing`() throws {
    try Self.withPlace { folder, environment in
      let bundle = try Self.bundle(
        """
        {"ociVersion": "1.0.2", "root": {"path": "\(Self.image)"}, "annotations": {"a": "b=c"},
         "process": {"args": ["sh", "-c", "echo started >\(folder)/said; exec sleep 1000"]}}
        """, in: folder)
      let created = try Self.oci(["create", "--bundle", bundle, "one"], environment)
      #expect(created.code == 0 && created.out.isEmpty && created.err.isEmpty, "\(created.err)")
      let state = try #require(try Self.state("one", environment))
      #expect(state["id"]?.text == "one" && state["status"]?.text == "created")
      #expect(state["ociVersion"]?.text == "1.0.2" && state["bundle"]?.text == bundle)
      #expect(state["annotations"]?["a"]?.text == "b=c")
      guard case .integer(let number) = state["pid"] else {
        Issue.record("no pid")
        return
      }
      let pid = Int32(number)
      #expect(Self.isAlive(pid))
      #expect(!FileManager.default.fileExists(atPath: folder + "/said"))
      // An ID is taken, and what is not started cannot be started twice.
      let second = try Self.oci(["create", "--bundle", bundle, "one"], environment)
      #expect(second.code == 255 && second.err.contains("there is one of that ID"))
      let started = try Self.oci(["start", "one"], environment)
      #expect(started.code == 0 && started.out.isEmpty, "\(started.err)")
      #expect(try Self.state("one", environment)?["status"]?.text == "running")
      #expect(
        SharedMountTests.wait(seconds: 5) { FileManager.default.fileExists(atPath: folder + "/said") })
      #expect(try Self.oci(["start", "one"], environment).code == 255)
      #expect(try Self.oci(["delete", "one"], environment).err.contains("it is running"))
      #expect(try Self.oci(["kill", "one", "KILL"], environment).code == 0)
      #expect(SharedMountTests.wait(seconds: 5) { !Self.isAlive(pid) })
      let stopped = try Self.state("one", environment)
      #expect(stopped?["status"]?.text == "stopped" && stopped?["pid"] == nil)
      #expect(try Self.oci(["kill", "one"], environment).code == 255)
      #expect(try Self.oci(["kill", "--force", "one"], environment).code == 0)
      #expect(try Self.oci(["delete", "one"], environment).code == 0)
      #expect(try Self.state("one", environment) == nil)
      let runtime = try #require(environment["XDG_RUNTIME_DIR"])
      #expect(!FileManager.default.fileExists(atPath: runtime + "/apus/oci"))
    }
  }

  @Test func `create ends while its container waits, and holds none of its streams`() throws {
    try Self.withPlace { folder, environment in
      // The outcome is there only when both pipes have ended.
      let outcome = try Self.oci(["create", "-b", Self.image, "waits", "sleep", "1000"], environment)
      #expect(outcome.code == 0, "\(outcome.err)")
      #expect(try Self.state("waits", environment)?["status"]?.text == "created")
      #expect(try Self.oci(["delete", "waits"], environment).code == 0)
      // A file is kept as the output: nobody waits for its end.
      let script =
        "exec \(Installed.apus) oci create -b \(Self.image) says sh -c 'cat; echo said' >\(folder)/out"
      _ = try Installed.execute(
        ["/bin/sh", "-c", script], as: .user, environment: environment, input: "not the container's\n")
      #expect(try Self.oci(["start", "says"], environment).code == 0)
      #expect(
        SharedMountTests.wait(seconds: 5) {
          (try? String(contentsOfFile: folder + "/out", encoding: .utf8)) == "said\n"
        })
      #expect(try Self.oci(["delete", "--force", "says"], environment).code == 0)
    }
  }

  @Test func `start does not wait for the parent that a container has with processes of its own`() throws {
    try Self.withPlace { folder, environment in
      let file = try OCITests.variables(["APUS_PID=1"], in: folder)
      let words = ["create", "-b", Self.image, "--env-file", file, "--id", "own", "--"]
      let made = try Self.oci(
        words + ["sh", "-c", "readlink /proc/self/ns/pid >\(folder)/pid; sleep 1000"], environment)
      #expect(made.code == 0, "\(made.err)")
      let started = try Installed.execute(
        ["/usr/bin/timeout", "20", Installed.apus, "oci", "start", "own"], as: .user, environment: environment
      )
      #expect(started.code == 0, "\(started)")
      #expect(
        SharedMountTests.wait(seconds: 5) {
          let inside = try? String(contentsOfFile: folder + "/pid", encoding: .utf8)
          let own = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/ns/pid")
          return inside?.hasPrefix("pid:") == true && inside != own.map { $0 + "\n" }
        })
      #expect(try Self.oci(["delete", "--force", "own"], environment).code == 0)
    }
  }

  @Test func `a number goes to the file that was asked for, and delete --force ends what runs`() throws {
    try Self.withPlace { folder, environment in
      let file = folder + "/pid"
      let words = ["create", "-b", Self.image, "--pid-file", file, "--id", "runs", "--"]
      #expect(try Self.oci(words + ["sh", "-c", "sleep 1000 & wait"], environment).code == 0)
      #expect(try Self.oci(["start", "--id", "runs"], environment).code == 0)
      let pid = try #require(Int32(try String(contentsOfFile: file, encoding: .utf8)))
      #expect(try Self.state("runs", environment)?["pid"] == .integer(Int(pid)))
      #expect(try Self.oci(["delete", "--force", "runs"], environment).code == 0)
      #expect(!Self.isAlive(pid))
      let children = ["/usr/bin/pgrep", "--runstates", "D,R,S,T", "-g", "\(pid)"]
      #expect(
        SharedMountTests.wait(seconds: 5) {
          (try? Installed.execute(children, as: .root))?.out.isEmpty ?? false
        })
    }
  }

  @Test func `start says why the program could not be executed`() throws {
    try Self.withPlace { _, environment in
      #expect(try Self.oci(["create", "-b", Self.image, "x", "/bin/none"], environment).code == 0)
      let outcome = try Self.oci(["start", "x"], environment)
      #expect(outcome.code == 255)
      #expect(outcome.err.contains("cannot run /bin/none"), "\(outcome.err)")
      #expect(
        SharedMountTests.wait(seconds: 2) {
          (try? Self.state("x", environment))??["status"]?.text == "stopped"
        })
      #expect(try Self.oci(["delete", "x"], environment).code == 0)
    }
  }

  @Test func `create that fails says why, and leaves nothing`() throws {
    try Self.withPlace { _, environment in
      let runtime = try #require(environment["XDG_RUNTIME_DIR"])
      for words in [
        ["-b", "/none.sif"], ["-b", Self.image, "-B", "/none"], ["-b", Self.image, "--pid-file", "/none/x"],
      ] {
        let outcome = try Self.oci(["create"] + words + ["x", "true"], environment)
        #expect(outcome.code == 255 && outcome.err.hasPrefix("FATAL:   "), "\(outcome.err)")
        #expect(!FileManager.default.fileExists(atPath: runtime + "/apus/oci"))
      }
    }
  }

  @Test func `a killed create leaves no process, and its ID can be used again`() throws {
    try Self.withPlace { _, environment in
      for delay in stride(from: 0, to: 60, by: 5) {
        let creating = try Running(
          [Installed.apus, "oci", "create", "-b", Self.image, "x", "sleep", "1000"], environment: environment)
        usleep(UInt32(delay) * 1000)
        kill(creating.pid, SIGKILL)
        let outcome = try creating.finish()
        let state = try Self.state("x", environment)
        if outcome.code == 0 {
          #expect(state?["status"]?.text == "created")
          #expect(try Self.oci(["delete", "x"], environment).code == 0)
          continue
        }
        // Killed between its last act and its end, it has done all.
        if state != nil { _ = try Self.oci(["delete", "--force", "x"], environment) }
        let again = try Self.oci(["create", "-b", Self.image, "x", "sleep", "1000"], environment)
        #expect(again.code == 0, "\(again.err)")
        #expect(try Self.oci(["delete", "x"], environment).code == 0)
      }
      #expect(
        SharedMountTests.wait(seconds: 5) {
          (try? Installed.execute(
            ["/usr/bin/pgrep", "-u", "apus-test", "-f", "oci create -b .* x sleep 1000"], as: .root))?.out
            == ""
        })
    }
  }

  @Test(arguments: ["state", "start", "kill", "delete"])
  func `an ID that is not known fails, with nothing on standard output`(command: String) throws {
    try Self.withPlace { _, environment in
      let outcome = try Self.oci([command, "unknown"], environment)
      #expect(outcome.code == 255 && outcome.out.isEmpty)
      #expect(outcome.err.hasPrefix("FATAL:   cannot find the container unknown"), "\(outcome.err)")
      if command == "kill" || command == "delete" {
        let forced = try Self.oci([command, "--force", "unknown"], environment)
        #expect(forced.code == 0 && forced.out.isEmpty && forced.err.isEmpty, "\(forced.err)")
      }
    }
  }

  @Test func `a container that oci run became is stopped for who asks with --force`() throws {
    let outcome = try Self.oci(["state", "--slurm", "--force", "--id", "n1.1.2.3.4"])
    #expect(outcome.code == 0 && outcome.err.isEmpty, "\(outcome.err)")
    let state = try JSON(parsing: Array(outcome.out.utf8))
    #expect(state["status"]?.text == "stopped" && state["pid"] == nil)
  }

  @Test func `the file of variables goes when it is to be taken, also by way of a bundle`() throws {
    try Self.withPlace { folder, environment in
      let bundle = try Self.bundle(#"{"root": {"path": "\#(Self.image)"}}"#, in: folder)
      // The user's own, as those of Slurm are.
      let script = """
        for place in \(Self.image) \(bundle); do
          printf 'A=of the job\\0' >\(folder)/own
          \(Installed.apus) oci run --slurm -b $place --env-file \(folder)/own --take-env-file --id x -- \
            sh -c 'echo $A; [ -e \(folder)/own ] || echo gone'
        done
        """
      let outcome = try Installed.execute(["/bin/sh", "-c", script], as: .user, environment: environment)
      #expect(outcome.line == "of the job\ngone\nof the job\ngone", "\(outcome.err)")
    }
  }

  @Test(
    arguments: ["../one", "a/b", "..", ".", "", "a\nb", "-x", "a b", String(repeating: "x", count: 4096)])
  func `refuses a hostile ID`(id: String) throws {
    try Self.withPlace { folder, environment in
      for command in ["run", "create", "state", "start", "kill", "delete"] {
        let bundle = ["run", "create"].contains(command) ? ["--bundle", Self.image] : []
        let outcome = try Self.oci([command] + bundle + ["--id", id], environment)
        #expect(outcome.code == 255 && outcome.out.isEmpty)
        #expect(outcome.err.hasPrefix("FATAL:   cannot use this ID"), "\(outcome.err)")
      }
      let runtime = try #require(environment["XDG_RUNTIME_DIR"])
      #expect(try FileManager.default.contentsOfDirectory(atPath: runtime) == [])
    }
  }

  @Test func `root finds a user's container by the name, the number, or the ID`() throws {
    let uid = try Installed.execute(["/usr/bin/id", "-u"], as: .user).line
    let id = "n1.\(uid).42.0.0"
    // Where every process of the user would look: root knows no environment of theirs.
    #expect(try Self.oci(["create", "-b", Self.image, id, "sleep", "1000"]).code == 0)
    defer { _ = try? Self.oci(["delete", "--force", id]) }
    for words in [["--user", "apus-test"], ["--user", uid], []] {
      let outcome = try Self.oci(["state"] + words + ["--id", id], as: .root)
      #expect(outcome.out.contains("\"created\""), "\(words): \(outcome.err)")
    }
    #expect(try Self.oci(["state", "--user", "0", "--id", id]).err.contains("only root"))
    #expect(try Self.oci(["state", "--user", "no-such-user", "--id", id], as: .root).code == 255)
    #expect(try Self.oci(["start", "--slurm", "--id", id], as: .root).code == 0)
    #expect(try Self.oci(["kill", "--slurm", "--id", id, "SIGKILL"], as: .root).code == 0)
    #expect(
      SharedMountTests.wait(seconds: 5) {
        (try? Self.oci(["state", "--id", id], as: .root))?.out.contains("stopped") ?? false
      })
    // Once, and once more: Slurm may ask again.
    for _ in 0..<2 {
      #expect(try Self.oci(["delete", "--slurm", "--force", "--id", id], as: .root).code == 0)
      #expect(try Self.oci(["kill", "--slurm", "--id", id, "SIGTERM"], as: .root).code == 0)
    }
  }

  @Test func `a process is killed by its number where nothing is kept, with the user's rights alone`() throws
  {
    let uid = try Installed.execute(["/usr/bin/id", "-u"], as: .user).line
    let words = ["kill", "--slurm", "--id", "n1.\(uid).43.0.0", "--pid"]
    // It says so once it is the user's: before, it is on its way from root.
    let mine = try Running(["/bin/sh", "-c", "echo ready; exec sleep 1000"])
    #expect(mine.line() == "ready")
    #expect(try Self.oci(words + ["\(mine.pid)", "SIGTERM"], as: .root).code == 0)
    #expect(try mine.finish().code == 143)
    // Another's is out of reach, also for root who asks on behalf of the user.
    let others = try Running(["/bin/sh", "-c", "echo ready; exec cat"], as: .root)
    #expect(others.line() == "ready")
    #expect(try Self.oci(words + ["\(others.pid)", "SIGKILL"], as: .root).code == 125)
    #expect(try others.finish().code == 0)
    #expect(try Self.oci(words + ["0", "SIGKILL"], as: .root).code == 0)
    #expect(try Self.oci(words + ["-1", "SIGKILL"], as: .root).code == 1)
  }

  // MARK: slurm bundle

  @Test func `an image has a bundle that stands for it, made once`() throws {
    try Self.withPlace { folder, environment in
      func make(_ words: [String]) throws -> Outcome {
        try Installed.execute(
          [Installed.apus, "slurm", "bundle"] + words, as: .user, environment: environment)
      }
      let first = try make([Self.image])
      #expect(first.code == 0 && first.err.isEmpty, "\(first.err)")
      #expect(try make([Self.image]).line == first.line)
      #expect(try FileManager.default.contentsOfDirectory(atPath: first.line) == ["config.json"])
      let document = try JSON(
        parsing: Array(Data(contentsOf: URL(fileURLWithPath: first.line + "/config.json"))))
      #expect(document["root"]?["path"]?.text == Self.image)
      #expect(document["annotations"]?["org.apus.image"]?.text == Self.image)
      let outcome = try Self.oci(["run", "--bundle", first.line, "--id", "x", "--", "id", "-u"], environment)
      #expect(outcome.code == 0, "\(outcome.err)")
      // Where all nodes see it.
      let shared = try make(["--dir", folder, Self.image])
      #expect(shared.line.hasPrefix(folder + "/"), "\(shared.err)")
      for words in [["/none.sif"], ["docker://debian"], ["/etc/passwd"]] {
        let refused = try make(words)
        #expect(refused.code == 255 && refused.out.isEmpty)
      }
    }
  }

  @Test func `what an administrator of Slurm installs comes along`() throws {
    for name in ["oci.conf", "oci-22.05.conf", "cli_filter.lua"] {
      let path = Installed.folder("APUS_TREE") + "/etc/apus/slurm/" + name
      let text = try String(contentsOfFile: path, encoding: .utf8)
      // Of the prefix that it was installed with.
      #expect(text.contains("/opt/bin/apus") && !text.contains("/usr/bin/apus"))
    }
  }
}
