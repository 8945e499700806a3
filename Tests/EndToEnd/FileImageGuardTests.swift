import Foundation
import Testing

/// Who may use an image file at a time, and what is told when it goes wrong.
extension FileImageTests {
  @Test(arguments: Caller.allCases)
  func `one writes and is named, several read`(caller: Caller) throws {
    try Installed.withFolder { folder in
      let overlay = folder + "/changes.img"
      _ = try Installed.run("overlay", "create", overlay, as: caller)
      let first = try Running(
        [
          Installed.apus, "exec", "--overlay", overlay, Self.image, "sh", "-c", "echo ready; read word; true",
        ],
        as: caller)
      #expect(first.line() == "ready")
      for spec in [overlay, overlay + ":ro"] {
        let second = try Installed.run("exec", "--overlay", spec, Self.image, "true", as: caller)
        #expect(second.code == 255 && second.err.contains("by process "), "\(second)")
        let number = second.err.split(separator: " ").drop { $0 != "process" }.dropFirst().first
        let pid = number.flatMap { Int32($0.prefix { $0.isNumber }) }
        #expect(pid.map { kill($0, 0) == 0 } == true, "\(second.err)")
      }
      #expect(try first.finish().code == 0)
      let readers = try (0..<2).map { _ in
        try Running(
          [
            Installed.apus, "exec", "--overlay", overlay + ":ro", Self.image, "sh", "-c",
            "echo ready; read word; true",
          ],
          as: caller)
      }
      for reader in readers { #expect(reader.line() == "ready") }
      let writer = try Installed.run("exec", "--overlay", overlay, Self.image, "true", as: caller)
      #expect(writer.code == 255 && writer.err.contains(":ro"), "\(writer)")
      for reader in readers { #expect(try reader.finish().code == 0) }
    }
  }

  @Test(arguments: Caller.allCases)
  func `who waits for a writer finds the image as that has left it`(caller: Caller) throws {
    try Installed.withFolder { folder in
      let overlay = folder + "/changes.img"
      _ = try Installed.run("overlay", "create", overlay, as: caller)
      for spec in [overlay, overlay + ":ro"] {
        let first = try Running(
          [
            Installed.apus, "exec", "--overlay", overlay, Self.image, "sh", "-c",
            "echo x >>/new; echo ready; sleep 1",
          ], as: caller)
        #expect(first.line() == "ready")
        let second = try Installed.run("exec", "--overlay", spec, Self.image, "cat", "/new", as: caller)
        #expect(second.code == 0 && second.err.isEmpty, "\(second)")
        #expect(try first.finish().code == 0)
      }
    }
  }

  @Test(arguments: Caller.allCases)
  func `who can only read an image keeps nobody from it`(caller: Caller) throws {
    try Installed.withFolder { folder in
      let overlay = folder + "/changes.img"
      _ = try Installed.run("overlay", "create", overlay, as: caller)
      // It opens the file for reading.
      let other = try Running(
        ["/usr/bin/flock", "-x", overlay, "sh", "-c", "echo ready; read word; true"], as: .root)
      #expect(other.line() == "ready")
      for spec in [overlay, overlay + ":ro"] {
        let outcome = try Installed.run("exec", "--overlay", spec, Self.image, "true", as: caller)
        #expect(outcome.code == 0, "\(outcome)")
      }
      #expect(try other.finish(input: "\n").code == 0)
    }
  }

  @Test func `a program that is missing is named with its package`() throws {
    try Self.withImages { folder in
      for (program, words) in [
        ("fuse2fs", ["--bind", "\(folder)/data.img:/mnt:image-src=/"]),
        ("fuse-overlayfs", ["--overlay", "\(folder)/data.img"]),
      ] {
        let outcome = try Installed.execute(
          [
            "/usr/bin/unshare", "-m", "sh", "-c",
            "mount --bind /dev/null /usr/bin/\(program); exec setpriv --reuid apus-test --regid apus-test --init-groups \"$@\"",
            "sh", Installed.apus, "exec",
          ] + words + [Self.image, "true"], as: .root)
        #expect(outcome.code == 255 && outcome.err.contains("\(program) is not installed"), "\(outcome)")
        #expect(outcome.err.contains("the package \(program)"))
      }
    }
  }

  @Test func `a program that nobody waits for any more ends, and lets go of the file`() throws {
    try Self.withImages { folder in
      try Self.host("mkdir", "bin", directory: folder)
      try Installed.write(
        Data("#!/bin/sh\nwhile :; do sleep 0.1; done\n".utf8), to: folder + "/bin/fuse2fs")
      chmod(folder + "/bin/fuse2fs", 0o755)
      let words = [
        Installed.apus, "exec", "--bind", "\(folder)/data.img:/mnt:rw,image-src=/", Self.image,
        "true",
      ]
      let launch = try Running(
        words, as: .user, environment: ["PATH": "\(folder)/bin:/usr/sbin:/usr/bin:/sbin:/bin"])
      func isThere() -> Bool {
        (try? Self.programs(of: folder).contains { $0.contains(folder + "/bin/fuse2fs") }) == true
      }
      #expect(SharedMountTests.wait(seconds: 20) { isThere() })
      kill(launch.pid, SIGKILL)
      #expect(SharedMountTests.wait(seconds: 10) { (try? Self.programs(of: folder).isEmpty) == true })
      _ = try launch.finish()
      let next = try Installed.execute(words, as: .user)
      #expect(next.code == 0, "\(next)")
    }
  }

  @Test func `changes that a program could not write down are told of`() throws {
    try Self.withImages { folder in
      let launch = try Running([
        Installed.apus, "exec", "--bind", "\(folder)/data.img:/mnt:rw,image-src=/", Self.image, "sh", "-c",
        "echo ready; read word; true",
      ])
      #expect(launch.line() == "ready")
      // Its keeper has the file open as well, and another title.
      let lines = try Installed.execute(["/bin/ps", "-eo", "pid,args"], as: .root).out.split(separator: "\n")
      var killed = 0
      for line in lines where line.contains("fuse2fs") && line.contains("/sys/mount") {
        let pid = try #require(Int32(line.split(separator: " ")[0]))
        let folderOfLinks = "/proc/\(pid)/fd"
        let links = (try? FileManager.default.contentsOfDirectory(atPath: folderOfLinks)) ?? []
        let isOurs = links.contains { name in
          (try? FileManager.default.destinationOfSymbolicLink(atPath: folderOfLinks + "/" + name))
            == folder + "/data.img"
        }
        guard isOurs else { continue }
        kill(pid, SIGKILL)
        killed += 1
      }
      #expect(killed == 1)
      let outcome = try launch.finish(input: "\n")
      #expect(outcome.code == 0, "\(outcome)")
      #expect(outcome.err.contains("WARNING: ") && outcome.err.contains("may be lost"), "\(outcome)")
    }
  }

  @Test func `an image that was not closed is not read without its journal`() throws {
    try Self.withImages { folder in
      try Self.host("debugfs", "-w", "-R", "feature needs_recovery", "data.img", directory: folder)
      let read = try Installed.run(
        "exec", "--bind", "\(folder)/data.img:/mnt:image-src=/", Self.image, "true")
      #expect(read.code == 255 && read.err.contains("e2fsck"), "\(read)")
    }
  }

  static let astray: [(name: String, commands: String)] = [
    ("work", "rmdir /work\nsymlink /work OUTSIDE\n"), ("work/work", "symlink /work/work OUTSIDE\n"),
    ("upper", "rmdir /upper\nsymlink /upper OUTSIDE\n"),
  ]

  @Test(arguments: astray, Caller.allCases)
  func `an overlay whose places are links is refused, and what they lead to stays`(
    row: (name: String, commands: String), caller: Caller
  ) throws {
    try Installed.withFolder { folder in
      let overlay = folder + "/changes.img"
      _ = try Installed.run("overlay", "create", overlay, as: caller)
      try Self.host("sh", "-c", "mkdir -m 0777 outside; echo kept >outside/file", directory: folder)
      try row.commands.replacingOccurrences(of: "OUTSIDE", with: folder + "/outside")
        .write(toFile: folder + "/commands", atomically: true, encoding: .utf8)
      chmod(folder + "/commands", 0o644)
      try Self.host("debugfs", "-w", "-f", folder + "/commands", overlay, as: caller)
      let outcome = try Installed.run("exec", "--overlay", overlay, Self.image, "true", as: caller)
      // The kernel makes a new directory of its own below `work`, whatever has that name.
      if row.name != "work/work" || caller == .user {
        #expect(
          outcome.code == 255 && outcome.err.contains("\(row.name) in it is no directory"), "\(outcome)")
      }
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder + "/outside") == ["file"])
    }
  }
}
