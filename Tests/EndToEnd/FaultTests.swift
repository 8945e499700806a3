import Foundation
import Testing

/// Death and full disks at every step, by strace's injection: nothing half-made stays, and the next try works.
@Suite struct FaultTests {
  /// How often each of `calls` is made by a run, at most, in any one of its processes.
  static func counts(_ calls: [String], _ words: [String], as caller: Caller, _ folder: String) throws
    -> [String: Int]
  {
    let trace = folder + "/trace"
    _ = try strace(["-ff", "-o", trace, "-e", "trace=" + calls.joined(separator: ",")], words, as: caller)
    var counts: [String: Int] = [:]
    for name in try FileManager.default.contentsOfDirectory(atPath: folder) where name.hasPrefix("trace.") {
      let text = try String(contentsOfFile: folder + "/" + name, encoding: .utf8)
      try FileManager.default.removeItem(atPath: folder + "/" + name)
      for call in calls {
        let count = text.split(separator: "\n").count { $0.hasPrefix(call + "(") }
        counts[call] = max(counts[call] ?? 0, count)
      }
    }
    return counts
  }

  static func strace(_ options: [String], _ words: [String], as caller: Caller) throws -> Outcome {
    try Installed.execute(
      ["/usr/bin/strace", "-f", "-qq"] + options + words, as: caller, environment: ["APUS_MOUNT_LINGER": "0"])
  }

  static func inject(_ fault: String, _ words: [String], as caller: Caller) throws -> Outcome {
    try strace(
      ["-o", "/dev/null", "-e", "trace=" + fault.prefix { $0 != ":" }, "-e", "inject=" + fault], words,
      as: caller)
  }

  /// Each place up to the fourth, then about four more up to the last.
  static func places(_ count: Int) -> [Int] {
    guard count > 0 else { return [] }
    return Array(
      Set(Array(1...min(count, 4)) + stride(from: 5, through: count, by: max(1, count / 4)) + [count])
    ).sorted()
  }

  enum Target: String, CaseIterable, Sendable { case sif, sandbox }

  /// A small tree: each run of these tests copies it some dozens of times.
  static func tree(in folder: String) throws -> String {
    let tree = folder + "/tree"
    for path in ["bin", "etc/deep/er", "tmp"] {
      try FileManager.default.createDirectory(atPath: tree + "/" + path, withIntermediateDirectories: true)
    }
    for index in 0..<4 {
      try Installed.write(
        Data((0..<200_000 * index).map { _ in UInt8.random(in: 0...15) }), to: tree + "/etc/deep/\(index)")
    }
    symlink("deep/1", tree + "/etc/link")
    link(tree + "/etc/deep/2", tree + "/bin/same")
    return tree
  }

  @Test(arguments: Target.allCases, [false, true])
  func `a build that dies anywhere leaves the target as it was, and the next one works`(
    target: Target, replaces: Bool
  ) throws {
    try Installed.withFolder { folder in
      let tree = try Self.tree(in: folder)
      let old = folder + "/old.sif"
      #expect(try Installed.run("build", old, tree, as: .root).code == 0)
      let reference = folder + "/reference"
      #expect(try Installed.run("build", "--sandbox", reference, old, as: .root).code == 0)
      let place = folder + "/place"
      try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: false)
      let out = place + "/out"
      let words =
        [Installed.apus, "--quiet", "build"] + (replaces ? ["-F"] : [])
        + (target == .sif ? [out, tree] : ["--sandbox", out, old])
      /// What is at the target: nothing, the old, or the new; anything else is half-made.
      func isWhole() throws -> Bool {
        guard FileManager.default.fileExists(atPath: out) else { return !replaces }
        if target == .sandbox {
          return try Installed.execute(["/usr/bin/diff", "-r", reference, out], as: .root).code == 0
        }
        return FileManager.default.contentsEqual(atPath: out, andPath: old)
      }
      func prepare() throws {
        try? FileManager.default.removeItem(atPath: out)
        guard replaces else { return }
        try FileManager.default.copyItem(atPath: target == .sif ? old : reference, toPath: out)
      }
      let calls = [
        "pwrite64", "fsync", "linkat", "renameat", "renameat2", "unlinkat", "mkdirat", "symlinkat",
        "fchownat",
      ]
      try prepare()
      let counts = try Self.counts(calls, words, as: .root, folder)
      #expect(counts.values.reduce(0, +) > 4)
      for (call, count) in counts {
        for number in Self.places(count) {
          try prepare()
          _ = try Self.inject("\(call):signal=KILL:when=\(number)", words, as: .root)
          #expect(try isWhole(), "\(call) \(number): something half-made is at the target")
          let next = try Installed.execute(words, as: .root)
          #expect(next.code == 0 || !replaces, "\(call) \(number): \(next.err)")
          #expect(try isWhole())
          let names = try FileManager.default.contentsOfDirectory(atPath: place)
          #expect(names == ["out"], "\(call) \(number) left \(names)")
        }
      }
    }
  }

  @Test(arguments: Target.allCases, [false, true])
  func `a full disk at any write is one clear failure and leaves nothing`(target: Target, replaces: Bool)
    throws
  {
    try Installed.withFolder { folder in
      let tree = try Self.tree(in: folder)
      let old = folder + "/old.sif"
      #expect(try Installed.run("build", old, tree, as: .root).code == 0)
      let place = folder + "/place"
      try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: false)
      let out = place + "/out"
      let words =
        [Installed.apus, "build"] + (replaces ? ["-F"] : [])
        + (target == .sif ? [out, tree] : ["--sandbox", out, old])
      /// What the build is to replace, which is nothing it could make itself.
      func prepare() throws {
        try? FileManager.default.removeItem(atPath: out)
        guard replaces else { return }
        if target == .sandbox {
          try FileManager.default.createDirectory(atPath: out, withIntermediateDirectories: false)
        }
        try Installed.write(Data("mine".utf8), to: target == .sif ? out : out + "/mine")
      }
      func isUntouched() throws -> Bool {
        let names = try FileManager.default.subpathsOfDirectory(atPath: place).sorted()
        guard replaces else { return names == [] }
        let file = target == .sif ? out : out + "/mine"
        return names == (target == .sif ? ["out"] : ["out", "out/mine"])
          && FileManager.default.contents(atPath: file) == Data("mine".utf8)
      }
      let calls = ["pwrite64", "fsync", "linkat", "renameat", "renameat2", "mkdirat", "symlinkat"]
      try prepare()
      let counts = try Self.counts(calls, words, as: .root, folder)
      #expect(counts.values.reduce(0, +) > 2)
      for (call, count) in counts {
        for number in Self.places(count) {
          try prepare()
          let outcome = try Self.inject("\(call):error=ENOSPC:when=\(number)+", words, as: .root)
          if outcome.code == 0 {
            // Threads share the writes anew each time: this one had fewer than when they were counted.
            #expect(number > 1)
            continue
          }
          #expect(outcome.code == 255, "\(call) \(number): \(outcome.code)")
          #expect(
            outcome.err.split(separator: "\n").count { $0.hasPrefix("FATAL:   ") } == 1
              && outcome.err.lowercased().contains("no space"), "\(call) \(number): \(outcome.err)")
          let names = try FileManager.default.subpathsOfDirectory(atPath: place)
          #expect(try isUntouched(), "\(call) \(number) left \(names)")
        }
      }
    }
  }

  /// Mounts of the host and loop devices that have to do with an image.
  static func traces(of image: String) throws -> [String] {
    let mounts = try String(contentsOfFile: "/proc/self/mountinfo", encoding: .utf8).split(separator: "\n")
    let loops = try Installed.execute(
      ["/usr/sbin/losetup", "-l", "-n", "-O", "NAME,BACK-FILE"], as: .root
    ).out.split(separator: "\n")
    return mounts.filter { $0.contains(image) || $0.contains(" fuse.apus ") || $0.contains(" apus ") }
      .map(String.init) + loops.filter { $0.contains(image) }.map(String.init)
  }

  @Test(
    arguments: [
      (["--no-shared-mount"], .user), ([], .user), (["--pid"], .user), (["--writable-tmpfs"], .user),
      (["--overlay"], .user), ([], .root),
    ] as [([String], Caller)])
  func `a launch that dies anywhere leaves no process, mount, socket or loop device, and the next one works`(
    options: [String], caller: Caller
  ) throws {
    try Installed.withFolder { folder in
      try Installed.withRuntimeDirectory(owner: caller == .user ? "apus-test" : "root") { runtime in
        let image = folder + "/image.sif"
        try FileManager.default.copyItem(atPath: Installed.image("tiny.sif"), toPath: image)
        let changes = folder + "/changes"
        try FileManager.default.createDirectory(
          atPath: changes, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o777])
        chmod(changes, 0o777)
        // As strace leaves the environment alone: one runtime directory for all of them.
        let words =
          ["/usr/bin/env", "XDG_RUNTIME_DIR=" + runtime, Installed.apus, "exec"] + options
          + (options == ["--overlay"] ? [changes] : []) + [image, "true"]
        let calls = [
          "unshare", "setns", "mount", "fsmount", "move_mount", "open_tree", "pivot_root", "umount2",
          "sendmsg", "recvmsg", "clone", "execve", "mkdirat", "ioctl", "bind",
        ]
        let counts = try Self.counts(calls, words, as: caller, folder)
        #expect((counts["pivot_root"] ?? 0) > 0)
        for (call, count) in counts {
          for number in Set([1, 2, count]).sorted() where number <= count {
            _ = try Self.inject("\(call):signal=KILL:when=\(number)", words, as: caller)
            let next = try Installed.execute(words, as: caller, environment: ["APUS_MOUNT_LINGER": "0"])
            #expect(next.code == 0, "after \(call) \(number): \(next.err)")
          }
        }
        var left = ""
        var traces: [String] = []
        for _ in 0..<60 {
          left = try Installed.execute(["/usr/bin/pgrep", "-a", "-f", image], as: .root).out
          traces = try Self.traces(of: image)
          if left.isEmpty, traces.isEmpty { break }
          usleep(100_000)
        }
        #expect(left.isEmpty, "left: \(left)")
        #expect(traces == [])
        // Folders, the lock of each group, and the user's entry; "image" is the old interface's empty place.
        let files = SharedMountTests.contents(runtime).filter { name in
          var isFolder: ObjCBool = false
          return FileManager.default.fileExists(atPath: runtime + "/" + name, isDirectory: &isFolder)
            ? !isFolder.boolValue : true
        }
        #expect(files.filter { !$0.hasSuffix("/lock") && $0 != "apus/user" } == [], "\(files)")
      }
    }
  }
}
