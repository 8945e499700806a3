import Foundation
import Testing

/// `apus-image slurm-helper start` as the launcher starts it, with a script in the launcher's place that says what it was
/// handed: the copy of an image on the node, by processes that are killed, without rights, and without room.
@Suite(.serialized) struct NodeStagingTests {
  /// An installation whose launcher tells, an image, and a node's cache.
  private final class Node {
    let path: String
    var image: String { path + "/image.sif" }
    var cache: String { path + "/cache" }

    init(bytes: Int) throws {
      path = "/tmp/apus-test-" + UUID().uuidString
      let script = """
        #!/bin/sh
        for word; do last=$word; done
        number=${last#descriptor:}
        echo "$@"
        stat -Lc %a /proc/self/fd/${number%%:*}
        cmp -s /proc/self/fd/${number%%:*} \(path)/image.sif && echo same
        """
      let outcome = try Installed.execute(
        [
          "/bin/sh", "-c",
          """
          mkdir -p \(path)/bin \(path)/libexec/apus \(path)/cache && chmod 1777 \(path)/cache &&
          cp \(Installed.folder("APUS_TREE"))/libexec/apus/apus-image \(path)/libexec/apus/ &&
          head -c \(bytes) /dev/urandom >\(path)/image.sif && cat >\(path)/bin/apus && chmod 0755 \(path)/bin/apus
          """,
        ], as: .root, input: script)
      #expect(outcome.code == 0, "\(outcome.err)")
    }

    deinit {
      _ = try? Installed.execute(
        ["/bin/sh", "-c", "umount \(path)/cache 2>/dev/null; rm -rf \(path)"], as: .root)
    }

    func words(_ more: [String] = [], command: String = "start", copies: Bool = true) -> [String] {
      [
        path + "/libexec/apus/apus-image", "slurm-helper", command, "--option", "container-image=image.sif",
        "--site", "cache_dir=" + cache, "--node", "n7", "--nodeid", "0", "--batch", "/spool/script", "--fd",
        "9", "--source",
        image,
      ] + (copies ? ["--cache-dir", cache] : []) + more
    }

    func run(
      _ more: String..., as caller: Caller = .user, rate: Int? = nil, copies: Bool = true
    ) throws -> Outcome {
      try Installed.execute(words(more, copies: copies), as: caller, environment: environment(rate, job: "1"))
    }

    func environment(_ rate: Int?, job: String) -> [String: String] {
      var environment = ["SLURM_JOB_ID": job]
      if let rate { environment["APUS_STAGE_RATE"] = "\(rate)" }
      return environment
    }

    /// The copies and records that lie in the user's folder; locks of killed processes are no copies.
    var names: [String] {
      let folder = cache + "/\(getpwnam("apus-test").pointee.pw_uid)"
      return ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [])
        .filter { !$0.hasSuffix(".lock") }
    }
  }

  @Test func `the launcher gets its words back and the copy as an open file`() throws {
    let node = try Node(bytes: 3_000_000)
    for _ in 0..<2 {
      let outcome = try node.run()
      #expect(outcome.code == 0, "\(outcome.err)")
      let lines = outcome.out.split(separator: "\n").map(String.init)
      try #require(lines.count == 3, "\(outcome.out)")
      #expect(
        lines[0].hasPrefix(
          "slurm-helper start --option container-image=image.sif --site cache_dir=\(node.cache) --node n7 "
            + "--nodeid 0 --batch /spool/script --fd 9 --handed descriptor:"))
      #expect(lines[0].hasSuffix(":" + node.image))
      #expect(lines[1...] == ["400", "same"])
    }
    #expect(node.names.count == 2)
  }

  @Test func `a copy can be made before the step, and there it must be made`() throws {
    let node = try Node(bytes: 100_000)
    let before = try Installed.execute(node.words(command: "stage"), as: .user)
    #expect(before.code == 0 && before.out.isEmpty, "\(before.err)")
    #expect(node.names.count == 2)
    let small = try Node(bytes: 100_000)
    let failed = try Installed.execute(
      small.words(["--cache-max", "1k"], command: "stage"), as: .user)
    #expect(failed.code == 125)
  }

  @Test func `in place nothing is copied`() throws {
    let node = try Node(bytes: 100_000)
    let outcome = try node.run(copies: false)
    #expect(outcome.out.hasSuffix("\n644\nsame\n"))
    #expect(node.names.isEmpty)
  }

  @Test func `a killed copy leaves nothing, and who waited goes on to copy`() throws {
    let node = try Node(bytes: 8_000_000)
    let first = try Running(node.words(), environment: node.environment(2_000_000, job: "41"))
    usleep(700_000)
    let second = try Running(node.words(), environment: node.environment(nil, job: "42"))
    usleep(1_500_000)
    #expect(node.names.isEmpty)
    kill(first.pid, SIGKILL)
    #expect(second.line().contains("--handed descriptor:"))
    #expect(second.line() == "400")
    #expect(second.line() == "same")
    #expect(node.names.count == 2)
  }

  @Test(arguments: [SIGTERM, SIGKILL]) func `a copy that is ended leaves nothing`(signal: Int32) throws {
    let node = try Node(bytes: 4_000_000)
    let copy = try Running(node.words(), environment: node.environment(1_000_000, job: "1"))
    usleep(800_000)
    kill(copy.pid, signal)
    #expect(copy.line().isEmpty)
    #expect(node.names.isEmpty)
    #expect(try node.run().out.hasSuffix("\n400\nsame\n"))
  }

  @Test func `without room the image is used in place, or the step fails on its node`() throws {
    let node = try Node(bytes: 3_000_000)
    let mounted = try Installed.execute(
      ["/usr/bin/mount", "-t", "tmpfs", "-o", "size=2m,mode=1777", "tmpfs", node.cache], as: .root)
    #expect(mounted.code == 0, "\(mounted.err)")
    let direct = try node.run()
    #expect(direct.code == 0)
    #expect(direct.out.hasSuffix("\n644\nsame\n"))
    #expect(direct.err.contains("WARNING: n7: cannot stage") && direct.err.contains("No space left"))
    let failed = try node.run("--on-full", "fail")
    #expect(failed.code == 125)
    #expect(failed.err.contains("FATAL:   n7: cannot stage") && failed.err.contains("No space left"))
    #expect(node.names.isEmpty)
  }

  @Test func `an image that the user cannot read is refused, whoever else could`() throws {
    let node = try Node(bytes: 1000)
    chmod(node.image, 0o600)
    let outcome = try node.run()
    #expect(outcome.code == 125)
    #expect(outcome.err.contains("FATAL:   n7: cannot read the image \(node.image): Permission denied"))
    #expect(node.names.isEmpty)
  }

  @Test func `a folder that somebody else made is not used`() throws {
    let node = try Node(bytes: 1000)
    let uid = getpwnam("apus-test").pointee.pw_uid
    mkdir(node.cache + "/\(uid)", 0o777)
    chmod(node.cache + "/\(uid)", 0o777)
    let outcome = try node.run("--on-full", "fail")
    #expect(outcome.code == 125)
    #expect(outcome.err.contains("it must belong to uid \(uid) with mode 0700"))
    #expect(node.names.isEmpty)
  }

  @Test func `nothing is told of a copy where the user or the site wants quiet`() throws {
    let node = try Node(bytes: 2_600_000)
    let told = try node.run(rate: 1_000_000)
    #expect(told.err.contains("apus: n7: staging image.sif"))
    #expect(told.err.contains("apus: n7: staged image.sif"))
    let fresh = try Node(bytes: 2_600_000)
    #expect(try !fresh.run("--quiet", "on", rate: 1_000_000).err.contains("apus: n7"))
  }

  @Test(.enabled(if: MemoryGroup.canBeMade, "needs a memory controller"))
  func `a job with 40 MB of memory copies an image of 274 MB`() throws {
    let node = try Node(bytes: 274_000_000)
    let group = try MemoryGroup("stage", limit: 40 << 20)
    defer { group.remove() }
    let outcome = try Installed.execute(
      ["/bin/sh", "-c", "echo $$ >\(group.processes) && exec \(node.words().joined(separator: " "))"],
      as: .root)
    #expect(outcome.code == 0, "\(outcome.err)")
    #expect(outcome.out.hasSuffix("\n400\nsame\n"))
  }

  @Test func `the cache of a node is listed and cleaned, but for what is in use`() throws {
    let node = try Node(bytes: 1_000_000)
    #expect(try node.run().code == 0)
    let list = try Installed.run("slurm", "cache", "--node-cache", node.cache, "--json")
    #expect(list.out.contains("\"source\": \"\(node.image)\""), "\(list.err)")
    #expect(list.out.contains("\"inUse\": false"))
    let uid = getpwnam("apus-test").pointee.pw_uid
    let copy = try #require(node.names.first { $0.hasSuffix(".sif") })
    let user = try Running(
      ["/usr/bin/flock", "-s", "\(node.cache)/\(uid)/\(copy)", "sh", "-c", "echo held; read x"])
    #expect(user.line() == "held")
    let kept = try Installed.run("slurm", "cache", "clean", "--node-cache", node.cache)
    #expect(kept.err.contains("0 removed, 0 MiB; 1 in use"))
    #expect(node.names.count == 2)
    user.say("")
    while !user.line().isEmpty {}
    #expect(try Installed.run("slurm", "cache", "clean", "--node-cache", node.cache).code == 0)
    #expect(node.names.isEmpty)
  }
}
