import Foundation
import Model
import Testing

/// Containers in the background, by name. One test at a time: `--all` means all of a user.
@Suite(.serialized) struct InstanceTests {
  static let image = Installed.image("server.sif")

  /// A folder for logs, and the commands with it.
  struct Place {
    let folder: String
    let caller: Caller

    func apus(_ words: [String], _ environment: [String: String] = [:]) throws -> Outcome {
      try Installed.execute(
        [Installed.apus] + words, as: caller,
        environment: environment.merging(["APUS_CONFIGDIR": folder + "/logs-\(caller)"]) { $1 })
    }

    func start(_ name: String, _ options: [String] = [], _ arguments: [String] = []) throws {
      let outcome = try apus(["instance", "start"] + options + [InstanceTests.image, name] + arguments)
      try #require(outcome.code == 0, "\(outcome.err)")
      #expect(outcome.out.isEmpty && outcome.err == "INFO:    instance started successfully\n")
    }

    func exec(_ name: String, _ words: String...) throws -> Outcome {
      try apus(["exec", "instance://" + name] + words)
    }

    func stop(_ words: String...) throws -> Outcome { try apus(["instance", "stop"] + words) }

    /// What `list --json` knows.
    func list(_ words: String...) throws -> [JSON] {
      let outcome = try apus(["instance", "list", "--json"] + words)
      #expect(outcome.code == 0, "\(outcome.err)")
      guard case .array(let items)? = try JSON(parsing: Array(outcome.out.utf8))["instances"] else {
        return []
      }
      return items
    }

    func pid(_ name: String) throws -> Int32 {
      guard case .integer(let pid)? = try list(name).first?["pid"] else { return -1 }
      return Int32(pid)
    }

    /// What went into a log.
    func log(_ name: String, _ kind: String = "out") throws -> String {
      let path = try #require(try list(name).first?[kind == "out" ? "logOutPath" : "logErrPath"]?.text)
      #expect(path.hasSuffix("/\(name).\(kind)"))
      return try String(contentsOfFile: path, encoding: .utf8)
    }

    /// Waits until a log holds a text.
    func awaits(_ text: String, in name: String, _ kind: String = "out") -> Bool {
      SharedMountTests.wait(seconds: 5) { (try? log(name, kind))?.contains(text) ?? false }
    }

    var uid: UInt32 { caller == .root ? 0 : getpwnam("apus-test").pointee.pw_uid }
    var directory: String { "/tmp/apus-\(uid)/instances" }
  }

  static func withPlace(_ caller: Caller = .user, _ body: (Place) throws -> Void) throws {
    try Installed.withFolder { folder in
      let place = Place(folder: folder, caller: caller)
      defer { _ = try? place.stop("--all", "--force") }
      try body(place)
      #expect(try place.stop("--all", "--force").code == 0)
      #expect(!FileManager.default.fileExists(atPath: place.directory))
    }
  }

  /// Nobody is there to be told when an instance ends: its log of errors is.
  @Test(
    .enabled(if: !Installed.isOldKernel, "file systems of programs need the mount interface of Linux 5.2"))
  func `changes that did not reach an overlay are told in the instance's log`() throws {
    try Self.withPlace { place in
      let overlay = place.folder + "/overlay.img"
      try #require(try place.apus(["overlay", "create", "--size", "64", overlay]).code == 0)
      try place.start("one", ["--overlay", overlay])
      let log = try #require(try place.list("one").first?["logErrPath"]?.text)
      let killed = try Installed.execute(
        [
          "/bin/sh", "-c",
          #"for p in $(pgrep -u apus-test -x fuse2fs); do ls -l /proc/$p/fd | grep -qF "$1" && kill -KILL $p && echo $p; done"#,
          "sh", overlay,
        ], as: .root)
      #expect(!killed.out.isEmpty, "no fuse2fs has \(overlay) open")
      _ = try place.stop("one")
      #expect(
        SharedMountTests.wait(seconds: 10) {
          (try? String(contentsOfFile: log, encoding: .utf8))?.contains("changes to \(overlay) may be lost")
            == true
        })
    }
  }

  // MARK: start, list, stop

  @Test(arguments: Caller.allCases)
  func `an instance starts its script, is listed, is entered and stops`(caller: Caller) throws {
    try Self.withPlace(caller) { place in
      try place.start("one", [], ["a b", "c"])
      #expect(place.awaits("starts with 2 words: a b c (one, of the image)\n", in: "one"))
      #expect(place.awaits("complains\n", in: "one", "err"))
      let pid = try place.pid("one")
      #expect(
        try place.apus(["instance", "list"]).out
          == "INSTANCE NAME    PID\(String(repeating: " ", count: "\(pid)".count + 1))IP    IMAGE\n"
          + "one              \(pid)          \(Self.image)\n")
      let logs = try place.apus(["instance", "list", "-l", "o*"]).line.split(separator: "\n")
      #expect(logs.count == 3 && logs[1].hasSuffix("/one.err") && logs[2].hasSuffix("/one.out"))
      let inside = try place.exec("one", "sh", "-c", "echo $APUS_INSTANCE $GREETING; id -u; cat /proc/1/comm")
      #expect(inside.line == "one of the image\n\(place.uid)\napus-init", "\(inside.err)")
      let stop = try place.stop("one")
      #expect(stop.code == 0 && stop.out.isEmpty)
      #expect(
        stop.err == "INFO:    stopping one, an instance of \(Self.image) (process \(pid))\n", "\(stop.err)")
      #expect(!OCITests.isAlive(pid))
      #expect(try place.apus(["instance", "list"]).out == "INSTANCE NAME    PID    IP    IMAGE\n")
      let log = try String(
        contentsOfFile: String(decoding: Array(logs[2].drop { $0 == " " }.utf8), as: UTF8.self),
        encoding: .utf8)
      #expect(log.hasSuffix("ends by TERM\n"))
    }
  }

  @Test(arguments: Caller.allCases)
  func `fifty starts and stops, by night a thousand, leave nothing behind`(caller: Caller) throws {
    try Self.withPlace(caller) { place in
      func processes() throws -> Int {
        try Installed.execute(
          [
            "/bin/sh", "-c",
            "grep -lz '[a]pus: instance many\\|[f]irst process of an' /proc/[0-9]*/cmdline | wc -l",
          ],
          as: .root
        ).line.split(separator: " ").first.flatMap { Int($0) } ?? -1
      }
      let before = try processes()
      let isNightly = ProcessInfo.processInfo.environment["APUS_NIGHTLY"] != nil
      for round in 0..<(isNightly ? 1000 : 50) {
        try place.start("many\(round % 5)")
        let outcome = try place.stop("many*")
        #expect(outcome.code == 0, "\(outcome.err)")
      }
      #expect(try place.list().isEmpty)
      #expect(SharedMountTests.wait(seconds: 5) { (try? processes()) == before })
      #expect(!FileManager.default.fileExists(atPath: place.directory))
    }
  }

  @Test func `a name is given once, and refused where it is none`() throws {
    try Self.withPlace { place in
      try place.start("one")
      let again = try place.apus(["instance", "start", Self.image, "one"])
      let pid = try place.pid("one")
      #expect(again.code == 255)
      #expect(
        again.err.hasPrefix(
          "FATAL:   cannot start the instance one: one of that name is running (process \(pid))\n"))
      for name in ["", "..", "a/b", "a b", "-x"] {
        let outcome = try place.apus(["instance", "start", Self.image, name])
        #expect(outcome.code == 1 && outcome.err.hasPrefix("FATAL:   cannot name an instance"), "\(name)")
      }
      for words in [["exec", "instance://two", "true"], ["instance", "stats", "two"]] {
        let outcome = try place.apus(words)
        #expect(outcome.code == 255 && outcome.err.hasPrefix("FATAL:   cannot find the instance two: "))
      }
      let none = try place.stop("two*")
      #expect(none.code == 255 && none.err.hasPrefix("FATAL:   cannot stop two*: "))
      let nothing = try place.stop()
      #expect(nothing.code == 1 && nothing.err.contains("give --all"))
    }
  }

  @Test func `an instance stays when its script has ended, and one without a script is there too`() throws {
    try Self.withPlace { place in
      try place.start("brief", [], ["brief"])
      #expect(place.awaits("starts with 1 words", in: "brief"))
      let bare = try place.apus(["instance", "start", Installed.image("tiny.sqfs"), "bare"])
      #expect(bare.code == 0, "\(bare.err)")
      for name in ["brief", "bare"] {
        #expect(try place.exec(name, "sh", "-c", "exit 7").code == 7)
        let start = Date()
        #expect(try place.stop(name).code == 0)
        #expect(Date().timeIntervalSince(start) < 3)
      }
    }
  }

  @Test func `what does not end by the signal is killed after the time, or at once`() throws {
    try Self.withPlace { place in
      try place.start("stubborn", [], ["stubborn"])
      #expect(place.awaits("starts", in: "stubborn"))
      let start = Date()
      let outcome = try place.stop("-t", "1", "stubborn")
      #expect(outcome.code == 0 && outcome.err.contains("killing stubborn: it did not end within the time"))
      #expect((1..<5).contains(Date().timeIntervalSince(start)))
      try place.start("forced", [], ["stubborn"])
      #expect(try place.stop("-F", "forced").code == 0)
      #expect(Date().timeIntervalSince(start) < 8)
      for words in [["-s", "BOGUS"], ["-t", "soon"]] {
        #expect(try place.apus(["instance", "stop", "forced"] + words).code == 1)
      }
    }
  }

  @Test func `a signal reaches the script, and only a stop ends the instance`() throws {
    try Self.withPlace { place in
      try place.start("one")
      #expect(place.awaits("starts", in: "one"))
      kill(try place.pid("one"), SIGUSR1)
      #expect(place.awaits("has USR1\n", in: "one"))
      #expect(try place.exec("one", "true").code == 0)
      // As the end of a job does.
      let pid = try place.pid("one")
      kill(pid, SIGTERM)
      #expect(SharedMountTests.wait(seconds: 5) { !OCITests.isAlive(pid) })
      #expect(SharedMountTests.wait(seconds: 5) { !FileManager.default.fileExists(atPath: place.directory) })
    }
  }

  @Test func `all of a user are stopped, and root can ask for a user's`() throws {
    try Self.withPlace(.root) { root in
      try root.start("of-root")
      try Self.withPlace { place in
        try place.start("one")
        try place.start("two")
        let listed = try root.list("--user", "apus-test")
        #expect(listed.compactMap { $0["instance"]?.text } == ["one", "two"])
        #expect(try place.apus(["instance", "list", "--user", "root"]).code == 255)
        #expect(try place.stop("--all").code == 0)
        #expect(try place.list().isEmpty)
        #expect(try place.stop("--all").code == 0)
      }
      #expect(try root.list().count == 1)
    }
  }

  @Test(arguments: ["keeper", "first"])
  func `one that was killed is gone from the list, and its name is free`(process: String) throws {
    try Self.withPlace { place in
      try place.start("one")
      let pid = try place.pid("one")
      let stat = try String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)
      let keeper = try #require(
        stat.split(separator: ")").last?.split(separator: " ").dropFirst().first.flatMap { Int32($0) })
      kill(process == "first" ? pid : keeper, SIGKILL)
      #expect(SharedMountTests.wait(seconds: 5) { !OCITests.isAlive(pid) && !OCITests.isAlive(keeper) })
      #expect(try place.list().isEmpty)
      try place.start("one")
    }
  }

  @Test func `a start that fails says why and leaves nothing`() throws {
    try Self.withPlace { place in
      for (options, words) in [
        (["--bind", "/no/such"], "cannot bind /no/such"),
        (["--cwd", "/no/such"], "cannot enter the working"),
        (["--app", "none"], "none"),
      ] {
        let outcome = try place.apus(["instance", "start"] + options + [Self.image, "one"])
        #expect(outcome.code != 0 && outcome.err.contains(words), "\(outcome.err)")
        #expect(!FileManager.default.fileExists(atPath: place.directory))
      }
      let missing = try place.apus(["instance", "start", "/no/such.sif", "one"])
      #expect(missing.code == 255 && missing.err.hasPrefix("FATAL:   "))
      let unwritable = try Installed.run(
        "instance", "start", Self.image, "one", environment: ["APUS_CONFIGDIR": "/proc/none"])
      #expect(unwritable.code == 255 && unwritable.err.contains("APUS_CONFIGDIR"))
    }
  }

  @Test func `the number of its first process goes into a file`() throws {
    try Self.withPlace { place in
      let path = place.folder + "/pid"
      try place.start("one", ["--pid-file", path])
      let pid = try place.pid("one")
      #expect(try String(contentsOfFile: path, encoding: .utf8) == "\(pid)\n")
      let outcome = try place.apus(["instance", "start", "--pid-file", "/no/such/file", Self.image, "two"])
      #expect(outcome.code == 0 && outcome.err.contains("WARNING: cannot write the number"))
    }
  }
}
