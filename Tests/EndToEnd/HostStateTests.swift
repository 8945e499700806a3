import Foundation
import Testing

/// scripts/host-state, by which the suite checks itself: it sees one of everything that a test could leave.
@Suite struct HostStateTests {
  /// What the script prints where `preparation` was done in a mount namespace of its own.
  private static func state(after preparation: String = "true") throws -> Set<String> {
    let script = "\(preparation) && \(Installed.checkout)/scripts/host-state"
    let outcome = try Installed.execute(
      ["/usr/bin/unshare", "--mount", "/bin/sh", "-c", script], as: .root)
    return Set(outcome.out.split(separator: "\n").map(String.init))
  }

  @Test(arguments: [
    "/tmp/apus-test-planted", "/tmp/apus-squashfs-1-planted", "/tmp/apus-tree-planted",
    "/tmp/apus-convert-planted", "/tmp/apus-fuzz-1.log", "/tmp/apus-987654", "/tmp/apus-987654-images",
    "/srv/apus-test-tree.planted",
  ])
  func `a folder that is left is seen`(path: String) throws {
    mkdir(path, 0o700)
    #expect(try Self.state().contains(path))
    rmdir(path)
    #expect(try !Self.state().contains(path))
  }

  @Test func `a mount and a loop device that are left are seen`() throws {
    try Installed.withFolder { folder in
      #expect(try Self.state(after: "mount -t tmpfs none \(folder)").contains("mount " + folder))
      try Installed.write(Data(count: 1 << 20), to: folder + "/file")
      let device = try Installed.execute(
        ["/usr/sbin/losetup", "--show", "-f", folder + "/file"], as: .root
      ).line
      #expect(device.hasPrefix("/dev/loop"))
      #expect(try Self.state().contains("loop " + device))
      _ = try Installed.execute(["/usr/sbin/losetup", "-d", device], as: .root)
    }
  }

  @Test func `servers, inits and programs of the installed tree are seen`() throws {
    try SharedMountTests.withImage { image in
      let program = try Running(
        apus: "exec", "--pid", image, "sh", "-c", "echo here; read word")
      #expect(program.line() == "here")
      let state = try Self.state()
      #expect(state.contains { $0.hasPrefix("process apus: " + image) }, "\(state)")
      // The init of --pid is our program, under the words it was started with.
      #expect(
        state.contains { $0.hasPrefix("process \(Installed.apus): ") && $0.contains(image) }, "\(state)")
      _ = try program.finish()
    }
    // A copy of any program in a tree of tests, its file removed meanwhile.
    let tree = "/srv/apus-test-tree.planted-program"
    mkdir(tree, 0o755)
    try FileManager.default.copyItem(atPath: "/bin/busybox", toPath: tree + "/sleep")
    let sleeper = try Running([tree + "/sleep", "60"], as: .root)
    defer { kill(sleeper.pid, SIGKILL) }
    #expect(
      SharedMountTests.wait(seconds: 5) {
        (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(sleeper.pid)/exe"))
          == tree + "/sleep"
      })
    try FileManager.default.removeItem(atPath: tree)
    #expect(try Self.state().contains { $0.hasPrefix("process \(tree)/sleep (deleted): ") })
  }

  @Test func `the suite's user is seen`() throws { #expect(try Self.state().contains("user apus-test")) }
}
