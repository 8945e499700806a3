import Foundation
import Model
import Testing

/// `apus oci …` as Slurm's oci.conf and other callers of a runtime use it, by an ordinary user.
@Suite struct OCITests {
  static let image = Installed.image("tiny.sif")

  /// A folder of the test user's with a runtime directory of its own.
  static func withPlace(_ body: (_ folder: String, _ environment: [String: String]) throws -> Void) throws {
    try Installed.withFolder { folder in
      try Installed.withRuntimeDirectory { try body(folder, ["XDG_RUNTIME_DIR": $0]) }
    }
  }

  static func variables(_ entries: [String], in folder: String, separator: String = "\0") throws -> String {
    let path = folder + "/environment"
    try Installed.write(Data(entries.map { $0 + separator }.joined().utf8), to: path)
    return path
  }

  static func bundle(_ document: String, in folder: String) throws -> String {
    let path = folder + "/bundle"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    try Installed.write(Data(document.utf8), to: path + "/config.json")
    return path
  }

  static func oci(_ words: [String], _ environment: [String: String] = [:], as caller: Caller = .user) throws
    -> Outcome
  {
    try Installed.execute([Installed.apus, "oci"] + words, as: caller, environment: environment)
  }

  static func state(_ id: String, _ environment: [String: String]) throws -> JSON? {
    let outcome = try oci(["state", id], environment)
    return outcome.code == 0 ? try JSON(parsing: Array(outcome.out.utf8)) : nil
  }

  static func isAlive(_ pid: Int32) -> Bool {
    guard let stat = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8) else { return false }
    return stat.split(separator: ")").last?.split(separator: " ").first != "Z"
  }

  // MARK: run

  @Test(arguments: ["\0", "\n"])
  func `run takes its variables from the file alone, over those of the image`(separator: String) throws {
    try Self.withPlace { folder, environment in
      let file = try Self.variables(
        ["SLURM_PROCID=3", "GREETING=of the job", "PATH=/submit/host", "HOME=/nowhere", "EMPTY="], in: folder,
        separator: separator)
      let outcome = try Self.oci(
        [
          "run", "--slurm", "--bundle", Installed.image("scripted.sif"), "--env-file", file, "--id",
          "n.1.2.3.4",
          "--", "/bin/sh", "-c", "env; echo $0", "word",
        ], environment.merging(["INHERITED": "1", "SLURMD_NODENAME": "n1"]) { $1 })
      #expect(outcome.code == 0 && outcome.err.isEmpty, "\(outcome.err)")
      let lines = outcome.line.split(separator: "\n").map(String.init)
      for line in ["SLURM_PROCID=3", "GREETING=of the job", "EMPTY=", "TERM=dumb", "word"] {
        #expect(lines.contains(line), "\(line)")
      }
      // The image's own, and the user's own: the submit host knows neither.
      #expect(lines.contains { $0.hasPrefix("PATH=/custom/bin:/bin") })
      #expect(lines.contains("HOME=" + Installed.home))
      #expect(lines.contains("FROM_IMAGE=of the image"))
      #expect(!lines.contains { $0.hasPrefix("INHERITED=") || $0.hasPrefix("SLURMD_NODENAME=") })
    }
  }

  @Test(
    arguments: [
      (["true"], 0), (["sh", "-c", "exit 7"], 7), (["sh", "-c", "kill -SEGV $$"], 139),
      (["sh", "-c", "kill -TERM $$"], 143), (["no-such-program"], 127), (["/opt/not-executable"], 126),
    ] as [([String], Int32)])
  func `run ends as the program does`(words: [String], code: Int32) throws {
    let outcome = try Self.oci(["run", "--slurm", "--bundle", Self.image, "--id", "n.1.2.3.4", "--"] + words)
    #expect(outcome.code == code, "\(outcome.err)")
  }

  @Test func `what fails before the program is 125 for Slurm, and names the node`() throws {
    try Self.withPlace { folder, environment in
      let file = try Self.variables(["SLURMD_NODENAME=n7"], in: folder)
      for words in [
        ["--bundle", "/no/such.sif", "--env-file", file],
        ["--bundle", folder, "--env-file", file, "-B", "/none"],
      ] {
        let outcome = try Self.oci(["run", "--slurm"] + words + ["--id", "a", "--", "true"], environment)
        #expect(outcome.code == 125)
        #expect(outcome.err.hasPrefix("FATAL:   n7: cannot "), "\(outcome.err)")
      }
      #expect(try Self.oci(["run", "--bundle", "/no/such.sif", "--id", "a", "true"]).code == 255)
      #expect(
        try Self.oci(["run", "--slurm", "--bundle", Self.image, "--env-file", "/none", "a"]).code == 125)
    }
  }

  @Test func `run becomes the program, with its input, and the descriptors that its caller left open`() throws
  {
    try Self.withPlace { folder, environment in
      let script = """
        exec 7<\(folder)/seven 9>\(folder)/nine
        exec \(Installed.apus) oci run --slurm --bundle \(Self.image) --id x -- \
          sh -c 'echo $$; cat; cat <&7; cat /proc/self/comm >&9; ls /proc/$$/fd'
        """
      try Installed.write(Data("of seven\n".utf8), to: folder + "/seven")
      let program = try Running(["/bin/sh", "-c", script], environment: environment)
      #expect(program.line() == "\(program.pid)")
      program.say("of input")
      let outcome = try program.finish()
      let lines = outcome.line.split(separator: "\n").map(String.init)
      #expect(lines.prefix(2) == ["of input", "of seven"], "\(outcome.err)")
      #expect(Set(lines.dropFirst(2)).intersection(["0", "1", "2", "7", "9"]).count == 5)
      #expect(try String(contentsOfFile: folder + "/nine", encoding: .utf8) == "cat\n")
    }
  }

  @Test func `run shares the mount that exec has`() throws {
    try Self.withPlace { folder, environment in
      let image = folder + "/shared.sif"
      try FileManager.default.copyItem(atPath: Self.image, toPath: image)
      chmod(image, 0o644)
      let words = ["exec", image, "sh", "-c", "read word"]
      let first = try Running([Installed.apus] + words, environment: environment)
      let second = try Running(
        [Installed.apus, "oci", "run", "--bundle", image, "--id", "x", "--"] + words.dropFirst(2),
        environment: environment)
      #expect(
        SharedMountTests.wait(seconds: 5) {
          let listing = try? Installed.execute(
            [Installed.apus, "mounts", "--json"], as: .user, environment: environment)
          let servers = (try? JSON(parsing: Array((listing?.out ?? "").utf8)))
          guard case .array(let all) = servers, all.count == 1 else { return false }
          return all[0]["programs"] == .integer(2)
        })
      for program in [first, second] {
        program.say("end")
        #expect(try program.finish().code == 0)
      }
    }
  }

  @Test func `a program whose path is the submit host's is found by its name`() throws {
    let words = ["--bundle", Self.image, "--id", "x", "--"]
    let found = try Self.oci(["run", "--slurm"] + words + ["/submit/host/bin/sh", "-c", "echo $0"])
    #expect(found.code == 0 && found.line == "sh", "\(found.err)")
    let shell = try Self.oci(
      ["run", "--slurm", "--bundle", Installed.image("shelled.sif"), "--id", "x", "--", "/opt/none/env"])
    #expect(shell.code == 0 && shell.out.contains("COMPUTED=computed"), "\(shell.err)")
    #expect(try Self.oci(["run", "--slurm"] + words + ["/submit/host/bin/no-such"]).code == 127)
    // Only Slurm takes its names elsewhere.
    #expect(try Self.oci(["run"] + words + ["/submit/host/bin/sh"]).code == 127)
  }

  @Test func `the script of a batch step is there, and the directory of the PMIx server`() throws {
    try Self.withPlace { folder, environment in
      let spool = folder + "/spool"
      let job = spool + "/job00007"
      let step = spool + "/step"
      for path in [job, step + "/pmix.7.0"] {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
      }
      let script = job + "/slurm_script"
      try Installed.write(
        Data("#!/bin/sh\necho $0; cat $PMIX_SERVER_TMPDIR/of-server; pwd\n".utf8), to: script)
      chmod(script, 0o755)
      try Installed.write(Data("pmix\n".utf8), to: step + "/pmix.7.0/of-server")
      // Elsewhere than below /tmp, which is shown anyway.
      let file = try Self.variables(["PMIX_SERVER_TMPDIR=/run/inside/pmix.7.0/", "PWD=/opt"], in: folder)
      let outcome = try Self.oci(
        [
          "run", "--slurm", "--bundle", Self.image, "--env-file", file, "--spool", step, "--id", "x", "--",
          script,
        ], environment)
      #expect(outcome.line == "\(script)\npmix\n/opt", "\(outcome.err)")
    }
  }

  @Test func `the directory is the job's, and paths may start there`() throws {
    try Self.withPlace { folder, environment in
      try FileManager.default.createSymbolicLink(
        atPath: folder + "/rel.sif", withDestinationPath: Self.image)
      let file = try Self.variables(["PWD=\(folder)"], in: folder)
      let words = ["run", "--slurm", "--bundle", "rel.sif", "--env-file", file]
      let outcome = try Self.oci(words + ["--id", "x", "--", "pwd"], environment)
      #expect(outcome.line == folder, "\(outcome.err)")
      let asked = try Self.oci(words + ["--pwd", "/usr/bin", "--id", "x", "--", "pwd"], environment)
      #expect(asked.line == "/usr/bin" || asked.line == Installed.home, "\(asked.err)")
    }
  }

  @Test func `variables of the job that mean options of a launch count`() throws {
    try Self.withPlace { folder, environment in
      try Installed.write(Data("bound\n".utf8), to: folder + "/file")
      let file = try Self.variables(
        ["APUS_BIND=\(folder):/mnt/empty", "APUSENV_X=injected", "X=1"], in: folder)
      let outcome = try Self.oci(
        [
          "run", "--slurm", "--bundle", Self.image, "--env-file", file, "--id", "x", "--", "sh", "-c",
          "cat /mnt/empty/file; echo $X",
        ], environment)
      #expect(outcome.line == "bound\ninjected", "\(outcome.err)")
    }
  }

  @Test func `a bundle says what runs, with which variables, binds, mask and directory`() throws {
    try Self.withPlace { folder, environment in
      try Installed.write(Data("of data\n".utf8), to: folder + "/data")
      let bundle = try Self.bundle(
        """
        {"ociVersion": "1.0.2", "root": {"path": "\(Self.image)"}, "hostname": "inside",
         "process": {"args": ["sh", "-c", "cat /mnt/data; echo $GREETING; pwd; umask; hostname; echo $PATH"],
           "env": ["GREETING=a, \\"b\\"", "PATH=/bin:/of-bundle"], "cwd": "/mnt", "user": {"uid": 0, "umask": 63}},
         "mounts": [{"destination": "/mnt/data", "type": "bind", "source": "../data", "options": ["ro"]}]}
        """, in: folder)
      let outcome = try Self.oci(["run", "--bundle", bundle, "--id", "x"], environment)
      #expect(
        outcome.line == "of data\na, \"b\"\n/mnt\n0077\ninside\n/bin:/of-bundle", "\(outcome.err)")
      // As Slurm calls: other words, other variables, another image.
      let file = try Self.variables(["GREETING=job"], in: folder)
      let slurm = try Self.oci(
        [
          "run", "--slurm", "--bundle", bundle, "--image", Installed.image("tiny"), "--env-file", file,
          "--id", "x",
          "--", "sh", "-c", "echo $GREETING $PATH; cat /mnt/data",
        ], environment)
      #expect(slurm.line.hasPrefix("job /usr/local/sbin:"), "\(slurm.err)")
      #expect(slurm.line.hasSuffix("of data"))
    }
  }

  @Test(
    arguments: [
      ("{", "is no JSON"), (#"{"process": {"args": ["true"]}}"#, "no root.path"),
      (#"{"root": {"path": "/none.sif"}, "process": {"args": ["true"]}}"#, "there is no such file"),
    ])
  func `a bundle that cannot be used is refused`(document: String, why: String) throws {
    try Self.withPlace { folder, environment in
      let bundle = try Self.bundle(document, in: folder)
      let outcome = try Self.oci(["run", "--slurm", "--bundle", bundle, "--id", "x"], environment)
      #expect(outcome.code == 125 && outcome.out.isEmpty)
      #expect(outcome.err.hasPrefix("FATAL:   ") && outcome.err.contains(why), "\(outcome.err)")
    }
  }

  @Test func `a reference may stand for the bundle, and what fails on the way names the node`() throws {
    try Self.withPlace { folder, environment in
      let archives = folder + "/archives"
      let made = try Installed.execute(
        [Installed.checkout + "/scripts/test-archives", Installed.image("tiny"), archives], as: .root)
      try #require(made.code == 0, "\(made.err)")
      _ = try Installed.execute(["/bin/chmod", "-R", "a+rX", archives], as: .root)
      let file = try Self.variables(
        ["A=of the job", "HOME=\(Installed.home)", "APUS_CACHEDIR=\(folder)/cache", "SLURMD_NODENAME=n7"],
        in: folder)
      let words = ["run", "--slurm", "--env-file", file, "--id", "x", "--bundle"]
      let outcome = try Self.oci(
        words + ["oci-archive:\(archives)/oci.tar", "--", "sh", "-c", "echo $A; id -u"], environment)
      #expect(outcome.code == 0 && outcome.line.hasPrefix("of the job\n"), "\(outcome.err)")
      let refused = try Self.oci(
        words + ["oci-archive:\(archives)/docker.tar", "--", "true"], environment)
      #expect(refused.code == 125 && refused.err.hasPrefix("FATAL:   n7: "), "\(refused.err)")
    }
  }
}
