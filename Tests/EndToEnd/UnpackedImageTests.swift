import Foundation
import Testing

/// Nodes where images cannot be mounted: they are unpacked, and what was unpacked goes with its last user.
@Suite struct UnpackedImageTests {
  /// Runs a script, with $apus and $image, where `hidden` is not what it was.
  static func script(
    _ script: String, without hidden: String, as caller: Caller, in folder: String,
    instead other: String? = nil
  ) throws -> Outcome {
    let name = caller == .user ? "apus-test" : "root"
    let inner =
      "export APUS_TMPDIR=\(folder) apus=\(Installed.apus) image=\(Installed.image("tiny.sif")); " + script
    try Installed.write(Data(inner.utf8), to: folder + "/script")
    try Data().write(to: URL(fileURLWithPath: folder + "/closed"))
    chmod(folder + "/closed", 0o600)
    let instead = other ?? (caller == .user ? folder + "/closed" : "/dev/null")
    return try Installed.execute(
      [
        "/usr/bin/unshare", "--mount", "/bin/sh", "-c",
        "mount --bind \(instead) \(hidden) && exec setpriv --reuid \(name) --regid \(name) --init-groups sh \(folder)/script",
      ], as: .root, environment: ["APUS_TMPDIR": folder])
  }

  /// What is left below the folder for unpacked images, once keepers had time to end.
  static func leftovers(in folder: String) throws -> [String] {
    let images = try FileManager.default.contentsOfDirectory(atPath: folder).filter {
      $0.hasSuffix("-images")
    }
    var left: [String] = []
    for _ in 0..<50 {
      left = try images.flatMap { try FileManager.default.contentsOfDirectory(atPath: folder + "/" + $0) }
      if left.isEmpty { break }
      usleep(100_000)
    }
    return left
  }

  @Test(arguments: [(Caller.user, "/dev/fuse"), (.root, "/dev/loop-control")])
  func `an image that cannot be mounted is unpacked, shared, and removed with its last program`(
    caller: Caller, hidden: String
  ) throws {
    try Installed.withFolder { folder in
      let outcome = try Self.script(
        """
        $apus exec $image sh -c 'touch /x 2>/dev/null || echo read-only; sleep 2' & sleep 1
        $apus exec $image sh -c 'id -u; exit 7'; echo $?
        wait
        """, without: hidden, as: caller, in: folder)
      let uid = try Installed.execute(["/usr/bin/id", "-u"], as: caller).line
      #expect(outcome.out == "read-only\n\(uid)\n7\n", "\(outcome.err)")
      // Told once, by the launch that did it.
      #expect(outcome.err.split(separator: "\n").count { $0.hasPrefix("INFO:") } == 1, "\(outcome.err)")
      #expect(outcome.err.contains(caller == .user ? "/dev/fuse" : "loop device"))
      #expect(try Self.leftovers(in: folder) == [])
    }
  }

  @Test func `another device in the place of FUSE's is no FUSE`() throws {
    try Installed.withFolder { folder in
      let outcome = try Self.script(
        "$apus exec --no-shared-mount $image sh -c 'exit 7'; echo $?", without: "/dev/fuse", as: .user,
        in: folder,
        instead: "/dev/null")
      #expect(outcome.line == "7", "\(outcome.err)")
      #expect(outcome.err.hasPrefix("INFO:") && outcome.err.contains("10:229"), "\(outcome.err)")
      #expect(try Self.leftovers(in: folder) == [])
    }
  }

  @Test func `what cannot be unpacked either is one failure that says both`() throws {
    try Installed.withFolder { folder in
      let outcome = try Self.script(
        "ulimit -f 100; $apus exec $image true; echo $?", without: "/dev/fuse", as: .user, in: folder)
      #expect(outcome.line == "255")
      #expect(outcome.err.hasPrefix("FATAL:   ") && outcome.err.contains("/dev/fuse"), "\(outcome.err)")
      #expect(outcome.err.split(separator: "\n").count <= 2, "\(outcome.err)")
      #expect(try Self.leftovers(in: folder) == [])
    }
  }
}
