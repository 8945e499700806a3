import Foundation
import Testing

/// Images of the daemon's, through a unix socket that answers as Docker does (Tests/Support/registry/daemon.py).
@Suite(.enabled(if: Registry.isTested, "its images are made by scripts/test"))
struct DaemonTests {
  static let reference = "docker-daemon:test/image:latest"

  /// A folder of the user's for what has no name.
  static func scratch(in folder: String) throws -> String {
    let scratch = folder + "/scratch"
    _ = try Installed.execute(
      ["/usr/bin/install", "-d", "-m", "0755", "-o", "apus-test", scratch], as: .root)
    return scratch
  }

  enum Naming: String, CaseIterable, Sendable { case option, variable, ownVariable, path }

  @Test(arguments: Naming.allCases)
  func `an image of the daemon is the one of the archive that it sends`(naming: Naming) throws {
    try Registry.withDaemon("docker.tar") { socket in
      try Installed.withFolder { folder in
        let scratch = try Self.scratch(in: folder)
        let (options, variables): ([String], [String: String]) =
          switch naming {
          case .option: (["--docker-host", "unix://" + socket], [:])
          case .variable: ([], ["DOCKER_HOST": "unix://" + socket])
          case .ownVariable: ([], ["APUS_DOCKER_HOST": "unix://" + socket, "DOCKER_HOST": "unix:///none"])
          case .path: (["--docker-host", socket], [:])
          }
        let made = try ArchiveTests.build(
          Self.reference, folder, options: options + ["--tmpdir", scratch], variables: variables)
        let image = try ArchiveTests.image("docker-archive:" + Registry.archive("docker.tar"), folder)
        #expect(made.image == image, "\(made.outcome.err)")
        #expect(try FileManager.default.contentsOfDirectory(atPath: scratch) == [])
      }
    }
  }

  @Test(arguments: [
    ("missing", ["no image of that name", "docker://test/image:latest"]),
    ("refused", ["status 500", "the disk of the daemon is full"]),
    ("broken", ["connection broke"]), ("truncated", ["ends inside it"]),
  ])
  func `a daemon that fails is one failure, and nothing of what it sent stays`(mode: String, words: [String])
    throws
  {
    try Registry.withDaemon("docker.tar", mode: mode) { socket in
      try Installed.withFolder { folder in
        let scratch = try Self.scratch(in: folder)
        let outcome = try ArchiveTests.build(
          Self.reference, folder, options: ["--docker-host", "unix://" + socket, "--tmpdir", scratch]
        ).outcome
        #expect(outcome.code == 255)
        #expect(outcome.err.split(separator: "\n").count { $0.hasPrefix("FATAL:   ") } == 1)
        for word in words { #expect(outcome.err.contains(word), "\(word): \(outcome.err)") }
        #expect(try FileManager.default.contentsOfDirectory(atPath: scratch) == [])
        // For its version, and for the image: nothing lies between us and it that may pass by itself.
        // It notes them after it has answered, and not where nobody waited for the end of the answer.
        func requests() throws -> [Substring] {
          try String(contentsOfFile: Registry.requestLog(of: socket), encoding: .utf8).split(separator: "\n")
        }
        for _ in 0..<25 where try requests().count < 2 { usleep(20_000) }
        usleep(100_000)
        let asked = try requests()
        #expect((1...2).contains(asked.count), "\(asked)")
      }
    }
  }

  @Test(arguments: [
    ("unix:///nonexistent/docker.sock", "/nonexistent/docker.sock does not exist"),
    ("ssh://host", "only unix sockets"), ("tcp://127.0.0.1:2375", "only unix sockets"),
  ])
  func `a daemon that cannot be spoken to is refused with the way to it`(host: String, words: String) throws {
    try Installed.withFolder { folder in
      for (options, variables) in [(["--docker-host", host], [:]), ([], ["DOCKER_HOST": host])] {
        let outcome = try ArchiveTests.build(
          Self.reference, folder, options: options, variables: variables
        ).outcome
        #expect(outcome.code == 255 && outcome.err.contains(words), "\(outcome.err)")
        #expect(outcome.err.contains("--docker-host"), "\(outcome.err)")
      }
    }
  }

  @Test func `a socket without the right to it names the group`() throws {
    try Registry.withDaemon("docker.tar") { socket in
      try Installed.withFolder { folder in
        chmod(socket, 0o600)
        let outcome = try ArchiveTests.build(
          Self.reference, folder, options: ["--docker-host", "unix://" + socket]
        ).outcome
        #expect(outcome.code == 255 && outcome.err.contains("permission denied"), "\(outcome.err)")
        #expect(outcome.err.contains("docker"), "\(outcome.err)")
      }
    }
  }

  @Test func `a name without a tag is refused before anybody is asked`() throws {
    try Installed.withFolder { folder in
      let outcome = try ArchiveTests.build("docker-daemon:test/image", folder).outcome
      #expect(outcome.code != 0 && outcome.err.contains("docker-daemon:test/image:latest"), "\(outcome.err)")
    }
  }

  @Test func `a program runs from an image of the daemon`() throws {
    try Registry.withDaemon("docker.tar") { socket in
      try Installed.withFolder { folder in
        let outcome = try Installed.run(
          "exec", "--docker-host", socket, Self.reference, "cat", "/opt/version",
          environment: ["APUS_CACHEDIR": folder + "/cache", "APUS_MOUNT_LINGER": "0"])
        #expect(outcome.out == "second\n", "\(outcome.err)")
      }
    }
  }
}
