import Foundation
import Testing

/// Options that job scripts bring along from Apptainer: those that have a meaning here, and those that are only accepted.
@Suite struct ApptainerOptionTests {
  static let image = Installed.image("tiny.sif")

  @Test func `no-env leaves variables of the host out, by name and by ending`() throws {
    let outcome = try Installed.run(
      "exec", "--no-env", "A,PY*", Self.image, "env",
      environment: ["A": "1", "AB": "2", "PYTHONPATH": "3", "PY": "4", "APUSENV_PYX": "5"])
    #expect(outcome.out.contains("AB=2\n") && outcome.out.contains("PYX=5\n"), "\(outcome.out)")
    for name in ["A", "PYTHONPATH", "PY"] { #expect(!outcome.out.contains("\n\(name)="), "\(name)") }
    #expect(
      try Installed.run("exec", Self.image, "env", environment: ["APUS_NOENV": "X", "X": "1"]).out.contains(
        "X=1") == false)
  }

  @Test func `containlibs shows files of the host where programs look for libraries last`() throws {
    try Installed.withFolder { folder in
      try Installed.write(Data("library\n".utf8), to: folder + "/libx.so.1")
      for words in [
        ["--containlibs", folder + "/libx.so.1"], ["--contain", "--containlibs", folder + "/libx.so.1"],
      ] {
        let outcome = try Installed.execute(
          [Installed.apus, "exec"] + words + [
            Self.image, "sh", "-c", "cat $LD_LIBRARY_PATH/libx.so.1; echo x >>$LD_LIBRARY_PATH/libx.so.1",
          ], as: .root)
        #expect(outcome.line == "library" && outcome.err.contains("Read-only"), "\(outcome.err)")
      }
      let missing = try Installed.run("exec", "--containlibs", folder + "/nope.so", Self.image, "true")
      #expect(missing.code == 255 && missing.err.contains("--containlibs"), "\(missing.err)")
    }
  }

  @Test(arguments: [[], ["--underlay"]], Caller.allCases)
  func `underlay makes mount points without an overlay`(options: [String], caller: Caller) throws {
    let outcome = try Installed.execute(
      [Installed.apus, "exec"] + options + [
        "--bind", "/usr:/new/place", Self.image, "sh", "-c",
        "ls -d /new/place/bin; grep -c ' / overlay' /proc/mounts",
      ], as: caller)
    #expect(outcome.line.hasPrefix("/new/place/bin\n"), "\(outcome.err)")
    if !options.isEmpty { #expect(outcome.line.hasSuffix("\n0")) }
    let explained = try Installed.execute(
      [Installed.apus, "explain", "exec"] + options + ["--bind", "/usr:/new/place", Self.image, "true"],
      as: caller)
    #expect(explained.out.contains("no overlay is wanted (--underlay)") == !options.isEmpty)
  }

  @Test(arguments: Caller.allCases) func `unsquash runs from a copy that goes with the program`(
    caller: Caller
  ) throws {
    try Installed.withFolder { folder in
      let outcome = try Installed.run(
        "exec", "--unsquash", Self.image, "sh", "-c",
        "grep -c ' / fuse' /proc/mounts; touch /opt/x; ls -d /opt/random",
        as: caller, environment: ["APUS_TMPDIR": folder])
      #expect(outcome.line == "0\n/opt/random", "\(outcome.err)")
      #expect(outcome.err.contains("Read-only") && !outcome.err.contains("unpacked"), "\(outcome.err)")
      func left() -> [String] {
        let names = try? FileManager.default.subpathsOfDirectory(atPath: folder)
        return (names ?? []).filter { $0.hasSuffix("/root") }
      }
      #expect(SharedMountTests.wait(seconds: 5) { left().isEmpty }, "\(left())")
    }
  }

  @Test(
    arguments: [
      (["exec", "--sharens"], ["true"], 0, ""), (["run", "--runscript-timeout", "1m30s"], ["true"], 0, ""),
      (["run", "--runscript-timeout", "soon"], [], 255, "not a duration"),
      (["exec", "--allow-setuid"], ["true"], 255, "root"),
      (["exec", "--ignore-fakeroot-command"], ["true"], 0, ""),
      (["exec", "--ignore-userns"], ["true"], 255, "user namespace"),
      (["instance", "start", "--boot"], ["booted"], 255, "start script"),
      (["exec", "--fusemount", "host:sshfs there: /mnt"], ["true"], 255, "mount on the host"),
    ] as [([String], [String], Int32, String)])
  func `what changes nothing is accepted without a word, and nonsense refused`(
    words: [String], program: [String], code: Int32, said: String
  ) throws {
    let image = words[0] == "run" ? Installed.image("scripted.sif") : Self.image
    let outcome = try Installed.execute([Installed.apus] + words + [image] + program, as: .user)
    #expect(outcome.code == code, "\(outcome.err)")
    #expect(said.isEmpty ? outcome.err.isEmpty : outcome.err.contains(said), "\(outcome.err)")
  }

  @Test func `allow-setuid gives root nothing either`() throws {
    let outcome = try Installed.run("exec", "--allow-setuid", Self.image, "true", as: .root)
    #expect(outcome.code == 255 && outcome.err.contains("never give rights here"), "\(outcome.err)")
  }
}
