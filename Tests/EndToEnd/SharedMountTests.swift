import Foundation
import Testing

/// One server for all containers of an image, and what happens when it goes wrong.
@Suite(.serialized) struct SharedMountTests {
  /// An image of this test alone, so that other tests' servers do not count.
  static func withImage<T>(_ body: (String) throws -> T) throws -> T {
    try Installed.withFolder { folder in
      try FileManager.default.copyItem(atPath: Installed.image("tiny.sif"), toPath: folder + "/own.sif")
      chmod(folder + "/own.sif", 0o644)
      return try body(folder + "/own.sif")
    }
  }

  static func servers(of image: String) -> [Int32] {
    let processes = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
    return processes.compactMap { Int32($0) }.filter { pid in
      guard let data = FileManager.default.contents(atPath: "/proc/\(pid)/cmdline") else { return false }
      return String(decoding: data.prefix { $0 != 0 }, as: UTF8.self) == "apus: " + image
    }
  }

  static func wait(seconds: Double, until condition: () -> Bool) -> Bool {
    let end = Date(timeIntervalSinceNow: seconds)
    while Date() < end {
      if condition() { return true }
      usleep(20_000)
    }
    return condition()
  }

  @Test func `64 first starts at once make one server`() throws {
    try Self.withImage { image in
      let script = """
        for i in $(seq 64); do \(Installed.apus) exec \(image) sleep 2 & done
        wait
        """
      let all = Mutex(0)
      let thread = Foundation.Thread {
        let outcome = try? Installed.execute(["/bin/bash", "-c", script], as: .user)
        all.set(outcome?.code == 0 && outcome?.err == "" ? 1 : 2)
      }
      thread.start()
      #expect(Self.wait(seconds: 20) { Self.servers(of: image).count == 1 })
      usleep(500_000)
      #expect(Self.servers(of: image).count == 1)
      #expect(Self.wait(seconds: 60) { all.get() != 0 })
      #expect(all.get() == 1)
    }
  }

  /// Each in a mount namespace of its own, one after the other: the kernel gives the number of the last one again.
  @Test func `a launch sees the files of its own mount namespace, whatever a server lingers from`() throws {
    try Self.withImage { image in
      let script = """
        for i in 1 2 3 4 5 6; do
          unshare --mount sh -c 'mount -t tmpfs none /mnt && echo $1 >/mnt/number && \
            exec setpriv --reuid apus-test --regid apus-test --init-groups \(Installed.apus) exec --bind /mnt \(image) \
              cat /mnt/number' sh $i
        done
        """
      let outcome = try Installed.execute(["/bin/sh", "-c", script], as: .root)
      #expect(outcome.out == "1\n2\n3\n4\n5\n6\n" && outcome.code == 0, "\(outcome)")
    }
  }

  @Test func `launches that come and go with almost no linger lose none`() throws {
    try Self.withImage { image in
      let script = """
        for j in 1 2 3 4; do (for i in $(seq 40); do \(Installed.apus) exec \(image) true || exit 1; done) & done
        for job in $(jobs -p); do wait $job || exit 1; done
        """
      let outcome = try Installed.execute(
        ["/bin/bash", "-c", script], as: .user, environment: ["APUS_MOUNT_LINGER": "0.003"])
      #expect(outcome.code == 0, "\(outcome.err)")
    }
  }

  /// What a runtime directory holds, as paths below it.
  static func contents(_ runtime: String) -> [String] {
    (FileManager.default.enumerator(atPath: runtime)?.compactMap { $0 as? String } ?? []).sorted()
  }

  static func isSocket(_ path: String) -> Bool {
    var facts = stat()
    return lstat(path, &facts) == 0 && facts.st_mode & S_IFMT == S_IFSOCK
  }

  @Test func `a server leaves after its linger and leaves no socket`() throws {
    try Self.withImage { image in
      try Installed.withRuntimeDirectory { runtime in
        let variables = ["XDG_RUNTIME_DIR": runtime, "APUS_MOUNT_LINGER": "1"]
        let outcome = try Installed.run("exec", image, "true", environment: variables)
        #expect(outcome.code == 0, "\(outcome.err)")
        let sockets = Self.contents(runtime).filter { Self.isSocket(runtime + "/" + $0) }
        #expect(sockets.count == 1 && Self.servers(of: image).count == 1, "\(Self.contents(runtime))")
        #expect(Self.wait(seconds: 5) { Self.servers(of: image).isEmpty })
        let left = Self.contents(runtime)
        #expect(left.filter { Self.isSocket(runtime + "/" + $0) } == [], "\(left)")
        // With its last server the group goes, and its lock.
        #expect(left.filter { $0.hasSuffix("/lock") } == [], "\(left)")
      }
    }
  }

  @Test func `a server whose folder was removed leaves like any other`() throws {
    let runtime = "/tmp/apus-54322"
    let words = [
      "/usr/bin/setpriv", "--reuid", "54322", "--regid", "54322", "--clear-groups", Installed.apus, "exec",
    ]
    let outcome = try Installed.execute(
      words + [Installed.image("tiny.sif"), "true"], as: .root, environment: ["APUS_MOUNT_LINGER": "1"])
    #expect(outcome.code == 0, "\(outcome.err)")
    try FileManager.default.removeItem(atPath: runtime)
    var left = ""
    for _ in 0..<50 {
      left = try Installed.execute(["/usr/bin/pgrep", "-u", "54322"], as: .root).out
      if left.isEmpty { break }
      usleep(100_000)
    }
    #expect(left.isEmpty)
  }

  @Test func `a private mount has a server that goes with its program`() throws {
    try Self.withImage { image in
      let outcome = try Installed.run("exec", "--no-shared-mount", image, "true")
      #expect(outcome.code == 0, "\(outcome.err)")
      #expect(Self.wait(seconds: 5) { Self.servers(of: image).isEmpty })
    }
  }

  @Test func `a killed server is replaced by the next launch`() throws {
    try Self.withImage { image in
      _ = try Installed.run("exec", image, "true")
      for pid in Self.servers(of: image) { kill(pid, SIGKILL) }
      let next = try Installed.run("exec", image, "cat", "/etc/passwd")
      #expect(next.code == 0, "\(next.err)")
    }
  }

  @Test func `a program whose server is killed gets errors, not a hang`() throws {
    try Self.withImage { image in
      let done = Mutex<Outcome?>(nil)
      let thread = Foundation.Thread {
        done.set(
          try? Installed.run(
            "exec", image, "sh", "-c",
            "sleep 2; find /opt /etc -type f | while read f; do cat $f; done >/dev/null; ls /mnt/empty"))
      }
      thread.start()
      #expect(Self.wait(seconds: 10) { !Self.servers(of: image).isEmpty })
      usleep(700_000)
      for pid in Self.servers(of: image) { kill(pid, SIGKILL) }
      #expect(Self.wait(seconds: 10) { done.get() != nil })
      #expect(done.get()?.code != 0)
    }
  }

  @Test func `a server that does not answer is stepped around with a warning`() throws {
    try Self.withImage { image in
      _ = try Installed.run("exec", image, "true")
      let stopped = Self.servers(of: image)
      for pid in stopped { kill(pid, SIGSTOP) }
      defer { for pid in stopped { kill(pid, SIGKILL) } }
      try "mount timeout = 1\n".write(
        toFile: image + ".conf", atomically: true, encoding: .utf8)
      chmod(image + ".conf", 0o644)
      let outcome = try Installed.run("--config", image + ".conf", "exec", image, "true")
      #expect(outcome.code == 0 && outcome.err.contains("WARNING"), "\(outcome.err)")
    }
  }

  enum Change: String, CaseIterable, Sendable { case rename, renameOver, unlink, truncate }

  @Test(arguments: Change.allCases)
  func `the image may be renamed, renamed over, unlinked or truncated while programs run from it`(
    change: Change
  ) throws {
    try Self.withImage { image in
      // All of the program's own text is read before the change: a page of it that comes later would be the
      // kernel's SIGBUS, on any file system.
      let script =
        "exec 5</opt/random; cat /bin/busybox >/dev/null; cat /etc/passwd >/dev/null; echo ready; read word;"
        + " cat <&5 >/tmp/\(URL(fileURLWithPath: image).deletingLastPathComponent().lastPathComponent)/copy;"
        + " echo cat $?; exit 3"
      let program = try Running(apus: "exec", image, "sh", "-c", script)
      #expect(program.line() == "ready")
      let servers = Self.servers(of: image)
      #expect(servers.count == 1)
      switch change {
      case .rename: rename(image, image + ".old")
      case .renameOver:
        try FileManager.default.copyItem(atPath: Installed.image("scripted.sif"), toPath: image + ".new")
        chmod(image + ".new", 0o644)
        rename(image + ".new", image)
        // Who comes now gets the new image, from a server of its own.
        #expect(try Installed.run("exec", image, "/bin/echo", "new").line == "new")
      case .unlink: unlink(image)
      case .truncate: truncate(image, 40_000)
      }
      program.say("go")
      let said = program.line()
      let copied = try Data(
        contentsOf: URL(fileURLWithPath: image).deletingLastPathComponent().appendingPathComponent("copy"))
      let whole = try Data(contentsOf: URL(fileURLWithPath: Installed.image("tiny") + "/opt/random"))
      #expect(whole.starts(with: copied), "other bytes than the image's")
      // The server is none the worse for it: it answers those who come.
      #expect(servers.allSatisfy { kill($0, 0) == 0 })
      let outcome = try program.finish()
      #expect(outcome.code == 3, "\(outcome.code): \(outcome.err)")
      if change == .truncate {
        #expect(said == (copied.count == whole.count ? "cat 0" : "cat 1"))
        #expect(copied.count == whole.count || outcome.err.contains("Input/output error"), "\(outcome.err)")
      } else {
        #expect(said == "cat 0" && copied.count == whole.count, "\(said) \(outcome.err)")
      }
    }
  }

  private static func listed(_ words: [String], _ image: String) throws -> [String: Any]? {
    let outcome = try Installed.execute([Installed.apus, "mounts", "--json"] + words, as: .user)
    let list = try JSONSerialization.jsonObject(with: Data(outcome.out.utf8)) as? [[String: Any]]
    return list?.first { $0["image"] as? String == image }
  }

  @Test
  func `mounts lists the servers with their programs`() throws {
    try Self.withImage { image in
      let programs = try (0..<3).map { _ in
        try Running(apus: "exec", image, "sh", "-c", "echo here; read word")
      }
      for program in programs { #expect(program.line() == "here") }
      let pid = try #require(Self.servers(of: image).first)
      let state = try #require(try Self.listed([], image))
      #expect(state["pid"] as? Int == Int(pid))
      #expect(state["programs"] as? Int == 3)
      let memory = try #require(state["memoryBytes"] as? Int)
      #expect(memory > 100_000 && memory < 1 << 27)
      #expect(state["cacheBytes"] as? Int != nil)
      #expect(try (0...60).contains(#require(state["ageSeconds"] as? Int)))
      #expect(state["lingerSeconds"] as? Double == 5)
      let table = try Installed.run("mounts").out.split(separator: "\n").map {
        $0.split(separator: " ").map(String.init)
      }
      #expect(table.first == ["PID", "PROGRAMS", "MEMORY", "AGE", "IMAGE"])
      let row = try #require(table.first { $0.last == image })
      #expect(row.count == 7 && row[0] == "\(pid)" && row[1] == "3" && row[3] == "KiB" && row[5] == "s")
      #expect(Int(row[2]) ?? 0 > 100 && (0...60).contains(Int(row[4]) ?? -1), "\(row)")
      let ps = try Installed.execute(["/usr/bin/ps", "-o", "args=", "-p", "\(pid)"], as: .root)
      #expect(ps.line == "apus: " + image)
      for program in programs { _ = try program.finish() }
      #expect(Self.wait(seconds: 3) { (try? Self.listed([], image))?["programs"] as? Int == 0 })
    }
  }

  @Test
  func `mounts lists those of other jobs and sessions with --all`() throws {
    try Self.withImage { image in
      let program = try Running(
        [Installed.apus, "exec", image, "sh", "-c", "echo here; read word"],
        environment: ["SLURM_JOB_ID": "77", "SLURM_STEP_ID": "0"])
      #expect(program.line() == "here")
      #expect(try Self.listed([], image) == nil)
      #expect(try Self.listed(["--all"], image)?["programs"] as? Int == 1)
      _ = try program.finish()
    }
  }

  @Test func `somebody else's file under our runtime path is refused by name`() throws {
    let uid = try Installed.execute(["/usr/bin/id", "-u"], as: .user).line
    let path = "/tmp/apus-\(uid)"
    let aside = path + ".aside"
    rename(path, aside)
    defer {
      rmdir(path)
      rename(aside, path)
    }
    mkdir(path, 0o755)
    let outcome = try Installed.run("exec", Installed.image("tiny.sif"), "true")
    #expect(outcome.code == 255 && outcome.err.contains(path), "\(outcome.err)")
  }
}
