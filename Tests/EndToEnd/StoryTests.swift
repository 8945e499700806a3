import Foundation
import Testing

/// How much a launch tells: nothing, warnings, the usual, its story, every step.
@Suite struct StoryTests {
  static let image = Installed.image("tiny.sif")

  @Test(arguments: [
    (words: ["-v"], level: "1"), (words: ["-d"], level: "1"), (words: [], level: "4"),
    (words: [], level: "5"),
  ])
  func `the story of a launch: the image, its mount, the root, each mount, the program`(
    words: [String], level: String
  ) throws {
    let outcome = try Installed.execute(
      [Installed.apus] + words + ["exec", "--uts", Self.image, "true", "word"], as: .user,
      environment: ["APUS_MESSAGELEVEL": level])
    #expect(outcome.code == 0 && outcome.out.isEmpty)
    for text in [
      "VERBOSE: image: \(Self.image), a SIF with a squashfs of ", ", for ", "VERBOSE: image: mounted by a ",
      "VERBOSE: root: ", "VERBOSE: bind /proc at /proc — processes of the host",
      "VERBOSE: bind \(Installed.home) at \(Installed.home) — the home directory",
      "VERBOSE: program: true word",
    ] { #expect(outcome.err.contains(text), "\(text): \(outcome.err)") }
    let isDebug = words == ["-d"] || level == "5"
    for text in [
      "DEBUG   entered the server's ", "DEBUG   made a uts namespace (--uts)",
      "DEBUG   made the root (", "DEBUG   bind /proc (processes of the host)",
      "entered the inner user namespace", "DEBUG   entered the working directory /",
      "DEBUG   execute /bin/true",
    ] { #expect(outcome.err.contains(text) == isDebug, "\(text): \(outcome.err)") }
  }

  @Test func `which way the image was mounted is told`() throws {
    for (words, caller, text) in [
      (["--no-shared-mount", Self.image], Caller.user, "a server of this launch alone"),
      ([Installed.image("tiny")], .user, "a directory of the host"),
      ([Self.image], .root, "the kernel's squashfs"),
    ] {
      let outcome = try Installed.execute([Installed.apus, "-v", "exec"] + words + ["true"], as: caller)
      #expect(outcome.err.contains(text), "\(outcome.err)")
    }
  }

  @Test func `quiet leaves the warnings, silent nothing`() throws {
    let words = ["exec", "--no-mount", "nonsense", Self.image, "true"]
    let usual = try Installed.execute([Installed.apus] + words, as: .user)
    #expect(usual.err.split(separator: "\n").map { $0.prefix(8) } == ["WARNING:"])
    #expect(try Installed.execute([Installed.apus, "-q"] + words, as: .user).err == usual.err)
    #expect(try Installed.execute([Installed.apus, "-s"] + words, as: .user).err.isEmpty)
    let failure = try Installed.run("-s", "exec", Self.image, "no-such-program")
    #expect(failure.err.isEmpty && failure.code == 127)
    // The image has no test: an INFO.
    let info = try Installed.run("-q", "test", Installed.image("tiny.sqfs"))
    #expect(info.err.isEmpty && info.code == 0, "\(info.err)")
  }

  @Test func `explain gives every variable a source and leaves no server`() throws {
    try Installed.withFolder { folder in
      let image = folder + "/explained.sif"
      try FileManager.default.copyItem(atPath: Self.image, toPath: image)
      chmod(image, 0o644)
      let outcome = try Installed.run(
        "explain", "exec", "--env", "MARK=1", image, "true", environment: ["APUS_MOUNT_LINGER": "60"])
      #expect(outcome.code == 0, "\(outcome.err)")
      let lines = outcome.out.split(separator: "\n")
      #expect(lines.first?.contains("a server started for it") == true, "\(outcome.out)")
      let start = (lines.firstIndex { $0 == "environment:" } ?? 0) + 1
      let variables = lines[start...].prefix { $0.hasPrefix("  ") }
      #expect(variables.count > 10 && variables.allSatisfy { $0.contains(" — ") })
      #expect(variables.contains("  MARK=1 — --env") && variables.contains { $0.hasSuffix("— the host") })
      #expect(SharedMountTests.wait(seconds: 5) { SharedMountTests.servers(of: image).isEmpty })
    }
  }
}
