import Foundation
import Testing

/// Flags that change what a container has of its own, alone and together.
@Suite struct IsolationTests {
  static let image = Installed.image("tiny.sif")

  /// The namespaces of a program in a container that are not the host's.
  static func own(_ options: [String], _ environment: [String: String] = [:]) throws -> Set<String> {
    let names = ["ipc", "uts", "pid", "net"]
    let paths = names.map { "/proc/self/ns/" + $0 }
    let host = try paths.map { try FileManager.default.destinationOfSymbolicLink(atPath: $0) }
    let script = "for path in \(paths.joined(separator: " ")); do readlink $path; done"
    let outcome = try Installed.execute(
      [Installed.apus, "exec"] + options + [image, "sh", "-c", script], as: .user, environment: environment)
    let inside = outcome.line.split(separator: "\n").map(String.init)
    #expect(inside.count == names.count, "\(outcome.err)")
    return Set(zip(names, zip(host, inside)).filter { $0.1.0 != $0.1.1 }.map(\.0))
  }

  @Test(
    arguments: [
      ([], []), (["--uts"], ["uts"]), (["--ipc"], ["ipc"]), (["--pid"], ["pid"]),
      (["--hostname", "box"], ["uts"]), (["--contain"], []), (["--containall"], ["ipc", "pid"]),
      (["--containall", "--no-pid"], ["ipc"]), (["--pid", "--no-pid"], []), (["--compat"], ["ipc", "pid"]),
    ] as [([String], Set<String>)])
  func `a flag gives the namespaces it names, and no others`(options: [String], namespaces: Set<String>)
    throws
  {
    #expect(try Self.own(options) == namespaces)
  }

  @Test func `variables give the same namespaces`() throws {
    #expect(try Self.own([], ["APUS_UTS": "1"]) == ["uts"])
    #expect(try Self.own([], ["APPTAINER_CONTAINALL": "1", "APUS_NO_PID": "1"]) == ["ipc"])
  }

  @Test func `with --uts alone the name is the host's until it is changed`() throws {
    let host = try Installed.execute(["/usr/bin/uname", "-n"], as: .root).line
    #expect(try Installed.run("exec", "--uts", Self.image, "hostname").line == host)
  }

  @Test func `containall shows nothing of the caller's files, variables and processes`() throws {
    try Installed.withFolder { folder in
      let outcome = try Installed.run(
        "exec", "--containall", Self.image, "sh", "-c",
        "ls -A /tmp /var/tmp ~ | grep -v -e : -e '^$'; env | grep MARK; ls -d /proc/[0-9]* | wc -l; ls -d /dev/mem",
        environment: ["MARK": "1"], directory: folder)
      let lines = outcome.line.split(separator: "\n")
      #expect(lines.count == 1 && Int(lines[0]) ?? 99 <= 6, "\(outcome.out) \(outcome.err)")
    }
  }

  @Test func `with --workdir what --contain would forget is kept`() throws {
    try Installed.withFolder { folder in
      for _ in 0..<2 {
        let outcome = try Installed.run(
          "exec", "--contain", "--workdir", folder, Self.image, "sh", "-c",
          "ls /tmp /var/tmp ~ | grep -c kept; touch /tmp/kept /var/tmp/kept ~/kept")
        #expect(outcome.code == 0, "\(outcome.err)")
      }
      for path in ["tmp/kept", "var_tmp/kept", "home/kept"] {
        #expect(FileManager.default.fileExists(atPath: folder + "/" + path), "\(path)")
      }
      let again = try Installed.run(
        "exec", "--contain", "--workdir", folder, Self.image, "sh", "-c", "ls /tmp /var/tmp ~ | grep -c kept")
      #expect(again.line == "3", "\(again.err)")
    }
  }

  @Test func `groups of the caller beyond the first keep their rights`() throws {
    try Installed.withFolder { folder in
      try Installed.write(Data("for the group".utf8), to: folder + "/file")
      chown(folder + "/file", 0, 30039)
      chmod(folder + "/file", 0o040)
      let uid = try Installed.execute(["/usr/bin/id", "-u"], as: .user).line
      func read(groups: Range<Int>) throws -> Outcome {
        try Installed.execute(
          [
            "/usr/bin/setpriv", "--reuid", uid, "--regid", uid, "--groups",
            groups.map { "\($0)" }.joined(separator: ","), Installed.apus, "exec", Self.image, "sh", "-c",
            "cat \(folder)/file && id -G | wc -w",
          ], as: .root)
      }
      let member = try read(groups: 30000..<30040)
      #expect(member.code == 0 && member.line.hasPrefix("for the group"), "\(member.err)")
      let stranger = try read(groups: 30000..<30039)
      #expect(stranger.code == 1 && stranger.err.contains("Permission denied"), "\(stranger.err)")
    }
  }

  @Test func `APUS_NO_SHARED_MOUNT gives each launch a server of its own, in no list`() throws {
    try SharedMountTests.withImage { image in
      let programs = try (0..<2).map { _ in
        try Running(
          apus: "exec", image, "sh", "-c", "echo here; read word", environment: ["APUS_NO_SHARED_MOUNT": "1"])
      }
      for program in programs { #expect(program.line() == "here") }
      #expect(SharedMountTests.servers(of: image).count == 2)
      #expect(try !Installed.run("mounts", "--all").out.contains(image))
      for program in programs { _ = try program.finish() }
      #expect(SharedMountTests.wait(seconds: 5) { SharedMountTests.servers(of: image).isEmpty })
    }
  }
}
