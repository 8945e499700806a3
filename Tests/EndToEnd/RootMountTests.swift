import Foundation
import Testing

/// What real root gets for an image: the kernel's squashfs, or with --userns what everybody has.
@Suite struct RootMountTests {
  /// Device, file system and options of the container's root, from its own mountinfo (proc(5)).
  static func root(_ options: [String], _ image: String) throws -> (
    type: String, source: String, options: Set<String>, program: Running
  ) {
    let program = try Running(
      [Installed.apus, "exec"] + options + [
        image, "sh", "-c", "grep ' / / ' /proc/self/mountinfo; readlink /proc/self/ns/user; read word",
      ], as: .root)
    let words = program.line().split(separator: " ").map(String.init)
    let dash = try #require(words.firstIndex(of: "-"))
    return (words[dash + 1], words[dash + 2], Set(words[5].split(separator: ",").map(String.init)), program)
  }

  @Test(.enabled(if: access("/dev/loop-control", F_OK) == 0, "needs loop devices"))
  func `root's mount is the kernel's squashfs on a loop device that goes by itself`() throws {
    try SharedMountTests.withImage { image in
      func loops() throws -> [String] {
        try Installed.execute(
          ["/usr/sbin/losetup", "-l", "-n", "--raw", "-O", "NAME,AUTOCLEAR,RO,OFFSET,BACK-FILE"], as: .root
        ).out.split(separator: "\n").filter { $0.contains(image) }.map(String.init)
      }
      let list = try Installed.run("sif", "list", "--json", image).out
      let objects = try JSONSerialization.jsonObject(with: Data(list.utf8))
      let root = try Self.root([], image)
      #expect(root.type == "squashfs" && root.source.hasPrefix("/dev/loop"))
      #expect(root.options.isSuperset(of: ["ro", "nosuid", "nodev"]), "\(root.options)")
      #expect(
        root.program.line()
          == (try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/ns/user")))
      let found = try #require(try loops().first).split(separator: " ").map(String.init)
      #expect(found[0] == root.source && found[1] == "1" && found[2] == "1", "\(found)")
      // The partition's place in the file.
      #expect("\(objects)".contains(found[3]), "\(found) \(objects)")
      #expect(SharedMountTests.servers(of: image).isEmpty)
      _ = try root.program.finish()
      #expect(SharedMountTests.wait(seconds: 5) { (try? loops().isEmpty) == true })
    }
  }

  @Test(.enabled(if: access("/dev/loop-control", F_OK) == 0, "needs loop devices"))
  func `root's overlay is let go of with its program, and with it the loop device`() throws {
    try SharedMountTests.withImage { image in
      let overlay = (image as NSString).deletingLastPathComponent + "/overlay"
      try FileManager.default.createDirectory(atPath: overlay, withIntermediateDirectories: true)
      for text in ["one", "two"] {
        let outcome = try Installed.run(
          "exec", "--overlay", overlay, image, "sh", "-c", "cat /kept; echo \(text) >>/kept; cat /kept",
          as: .root)
        #expect(outcome.code == 0 && outcome.out.hasSuffix(text + "\n"), "\(outcome)")
      }
      #expect(
        SharedMountTests.wait(seconds: 5) {
          (try? Installed.execute(["/usr/sbin/losetup", "-n", "-O", "BACK-FILE"], as: .root).out.contains(
            image))
            == false
        })
    }
  }

  @Test func `with --userns root has a server and a user namespace, like everybody`() throws {
    try SharedMountTests.withImage { image in
      let root = try Self.root(["--userns"], image)
      #expect(root.type.hasPrefix("fuse"))
      #expect(
        root.program.line()
          != (try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/ns/user")))
      #expect(SharedMountTests.servers(of: image).count == 1)
      _ = try root.program.finish()
      #expect(try Installed.run("exec", "--userns", image, "id", "-u", as: .root).line == "0")
      #expect(SharedMountTests.wait(seconds: 10) { SharedMountTests.servers(of: image).isEmpty })
    }
  }
}
