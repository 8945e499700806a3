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

  @Test func `a server leaves after its linger and leaves no socket`() throws {
    try Self.withImage { image in
      _ = try Installed.run("exec", image, "true", environment: ["APUS_MOUNT_LINGER": "0.2"])
      #expect(Self.wait(seconds: 5) { Self.servers(of: image).isEmpty })
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

  @Test func `the image may be renamed, unlinked or truncated while programs run from it`() throws {
    for change in ["rename", "unlink", "truncate"] {
      try Self.withImage { image in
        let done = Mutex<Outcome?>(nil)
        let thread = Foundation.Thread {
          done.set(try? Installed.run("exec", image, "sh", "-c", "sleep 1; cat /opt/random | wc -c"))
        }
        thread.start()
        #expect(Self.wait(seconds: 10) { !Self.servers(of: image).isEmpty })
        usleep(300_000)
        switch change {
        case "rename": rename(image, image + ".old")
        case "unlink": unlink(image)
        default: truncate(image, 40_000)
        }
        #expect(Self.wait(seconds: 15) { done.get() != nil }, "\(change)")
        if change != "truncate" { #expect(done.get()?.line == "3000000", "\(done.get()?.err ?? "")") }
      }
    }
  }

  @Test func `mounts lists the servers with their programs`() throws {
    try Self.withImage { image in
      _ = try Installed.run("exec", image, "true")
      let outcome = try Installed.run("mounts", "--json")
      #expect(outcome.out.contains(image), "\(outcome.out)")
      let table = try Installed.run("mounts")
      #expect(table.out.contains(image))
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
