import Foundation
import Model
import Testing

/// Input that must be refused with one clear line, exit code 255 and nothing left.
@Suite struct BadInputTests {
  static func refusal(_ path: String) throws -> Outcome {
    let outcome = try Installed.run("exec", path, "true")
    #expect(outcome.code == 255, "\(path): \(outcome.err)")
    #expect(outcome.err.hasPrefix("FATAL:   "))
    #expect(outcome.err.split(separator: "\n").count <= 2, "\(outcome.err)")
    return outcome
  }

  @Test func `what is no image is refused`() throws {
    #expect(try Self.refusal("/etc/hostname").err.contains("neither"))
    #expect(try Self.refusal("/no/such/image").err.contains("no such file"))
    #expect(try Self.refusal("/dev/null").err.contains("neither"))
    try Installed.withFolder { folder in
      try Installed.write(Data(), to: folder + "/empty")
      #expect(try Self.refusal(folder + "/empty").err.contains("empty"))
    }
  }

  @Test func `an image truncated anywhere is refused or fails its program, and nothing hangs`() throws {
    try Installed.withFolder { folder in
      let tree = try FaultTests.tree(in: folder)
      let sif = folder + "/whole.sif"
      #expect(try Installed.run("build", sif, tree, as: .root).code == 0)
      let squashfs = folder + "/whole.sqfs"
      #expect(
        try Installed.execute(["/usr/bin/mksquashfs", tree, squashfs, "-quiet", "-no-progress"], as: .root)
          .code == 0)
      for image in [sif, squashfs] {
        let whole = try Data(contentsOf: URL(fileURLWithPath: image))
        #expect(whole.count > 300_000)
        // mksquashfs pads: up to 4 KiB at the end are nobody's.
        for size in stride(from: 0, to: whole.count - 4096, by: 4096) {
          try Installed.write(whole.prefix(size), to: folder + "/cut")
          _ = try Self.refusal(folder + "/cut")
        }
      }
    }
  }

  @Test(arguments: [
    (32, "neither"), (42, "version"), (88, "count of descriptors"), (96, "offset of the descriptor table"),
  ]) func `a header that lies is refused by the name of its field`(offset: Int, word: String) throws {
    var bytes = try Data(contentsOf: URL(fileURLWithPath: Installed.image("tiny.sif")))
    for index in 0..<2 { bytes[offset + index] = 0x7F }
    bytes[offset + 4] = 0x7F
    try Installed.withFolder { folder in
      try Installed.write(bytes, to: folder + "/x.sif")
      #expect(try Self.refusal(folder + "/x.sif").err.contains(word))
    }
  }

  @Test func `an image of another architecture names both and says how to run it`() throws {
    try Installed.withFolder { folder in
      let built = try Installed.run(
        "build", "--arch", "s390x", folder + "/x.sif", Installed.image("tiny"), as: .root)
      #expect(built.code == 0, "\(built.err)")
      let refused = try Self.refusal(folder + "/x.sif")
      let host = Architecture.host.rawValue
      #expect(
        refused.err.contains("is made for s390x, and this machine is \(host)")
          && refused.err.contains("an image for \(host)") && refused.err.contains("emulator for s390x")
          && refused.err.contains("binfmt"), "\(refused.err)")
    }
  }

  @Test func `an encrypted partition is named as such`() throws {
    var bytes = try Data(contentsOf: URL(fileURLWithPath: Installed.image("tiny.sif")))
    // The file system of the partition's descriptor: the only one with a squashfs (1) and a primary use (2).
    for slot in 0..<48 {
      let extra = 4096 + slot * 585 + 201
      if bytes[extra] == 1, bytes[extra + 4] == 2 { bytes[extra] = 6 }
    }
    try Installed.withFolder { folder in
      try Installed.write(bytes, to: folder + "/x.sif")
      #expect(try Self.refusal(folder + "/x.sif").err.contains("encrypted"))
    }
  }

  @Test func `an output that cannot be written leaves nothing and spares what is there`() throws {
    try Installed.withFolder { folder in
      chmod(folder, 0o755)
      let refused = try Installed.run("build", folder + "/x.sif", Installed.image("tiny"))
      #expect(refused.code == 255 && refused.err.contains("FATAL:   cannot write"), "\(refused.err)")
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == [])
      try Installed.write(Data("mine".utf8), to: folder + "/there.sif")
      let existing = try Installed.run("build", folder + "/there.sif", Installed.image("tiny"), as: .root)
      #expect(existing.code == 255 && existing.err.contains("--force"), "\(existing.err)")
      #expect(FileManager.default.contents(atPath: folder + "/there.sif") == Data("mine".utf8))
    }
  }

  @Test func `words that make no sense are refused with exit code 1 and a hint`() throws {
    let option = try Installed.run("exec", "--bnid", "/a", Installed.image("tiny.sif"), "true")
    #expect(option.code == 1 && option.err.contains("--bind"))
    let command = try Installed.run("exce", "x", "y")
    #expect(command.code == 1 && command.err.contains("exec"))
    #expect(try Installed.run("exec", Installed.image("tiny.sif")).code == 1)
    #expect(
      try Installed.run("exec", Installed.image("tiny.sif"), "true", environment: ["APUS_CONTAIN": "yes"])
        .code == 1)
  }
}
