import Foundation
import Testing

extension SlurmTests {
  /// Whatever fails, no node is drained, no srun hangs, and no command runs on the host instead.
  @Suite struct Faults {
    /// An image that all nodes can read but n2.
    private func withoutImageOnOneNode(_ body: (_ image: String) throws -> Void) throws {
      try Cluster.withFolder { folder in
        let mine = folder + "/mine.sif"
        try FileManager.default.copyItem(atPath: image, toPath: mine)
        chmod(mine, 0o644)
        try Installed.write(Data(), to: folder + "/unreadable")
        chmod(folder + "/unreadable", 0)
        let mounted = try Cluster.on("n2", "mount", "--bind", folder + "/unreadable", mine)
        #expect(mounted.code == 0, "\(mounted.err)")
        defer { _ = try? Cluster.on("n2", "umount", mine) }
        try body(mine)
        try Cluster.expectQuiet()
      }
    }

    @Test func `an image that one node cannot read ends the step, naming the node`() throws {
      try withoutImageOnOneNode { mine in
        let start = Date()
        let outcome = try Cluster.srun("-w", "n1,n2", "--container-image=" + mine, "sleep", "30")
        #expect(Date().timeIntervalSince(start) <= 2)
        #expect(outcome.code == 125 || outcome.code == 143, "\(outcome.code)")
        let messages = outcome.err.split(separator: "\n").filter { $0.contains("FATAL") }
        #expect(
          messages.first?.contains("n2") == true && messages.first?.contains(mine) == true, "\(outcome.err)")
      }
    }

    @Test(arguments: ["off", "no", "false", "0"])
    func `where the site says kill_on_fail=off, the other nodes' tasks go on to their end`(
      value: String
    ) throws {
      try withoutImageOnOneNode { mine in
        try Cluster.withSite(["kill_on_fail=" + value]) {
          // Longer than a step lives that is being ended.
          let outcome = try Cluster.srun(
            "-w", "n1,n2", "--container-image=" + mine, "sh", "-c",
            "sleep 2.5; echo $SLURMD_NODENAME has finished")
          #expect(outcome.code == 125 && outcome.out == "n1 has finished\n", "\(outcome)")
          #expect(outcome.err.contains("FATAL:   n2: "), "\(outcome.err)")
        }
      }
    }

    /// How a helper can fail, in the place of `apus`; `$1 $2` are `slurm-helper` and `check` or `start`.
    static let failures = [
      "exit 1", "exit 0", "kill -SEGV $$", "kill -KILL $$", "echo garbage >&2; exit 3",
      // Bytes that are no answer, at the descriptor that it was given.
      "while [ $# -gt 0 ]; do [ \"$1\" != --fd ] || fd=$2; shift; done; eval \"printf nonsense >&$fd\"; exit 0",
      "exec /no/such/program",
    ]

    private func withHelper(_ script: String, _ body: () throws -> Void) throws {
      try Cluster.withFolder { folder in
        try Installed.write(Data(("#!/bin/bash\n" + script).utf8), to: folder + "/helper")
        chmod(folder + "/helper", 0o755)
        try Cluster.withSite(["helper=" + folder + "/helper"], body)
      }
    }

    /// Each with each: but a check that ends with 0 is no failure, and has no descriptor to answer at.
    static let failing = failures.flatMap { failure in
      (failure.hasSuffix("exit 0") ? ["start"] : ["check", "start"]).map { (failure: failure, word: $0) }
    }

    @Test(arguments: failing)
    func `a helper that fails runs no command and drains no node`(failure: String, word: String) throws {
      let script = """
        if [ "$2" != \(word) ]; then exec \(Installed.apus) "$@"; fi
        \(failure)
        """
      try withHelper(script) {
        let outcome = try srun(["-N2"], "sh", "-c", "echo ran", limit: 15)
        #expect(outcome.out.isEmpty && outcome.code == (word == "check" ? 1 : 125), "\(outcome)")
        let batch = try Cluster.sbatch([inImage], script: "echo ran\n", limit: 15)
        #expect(batch.out.isEmpty && batch.code == (word == "check" ? 1 : 125), "\(batch)")
        #expect(batch.state == (word == "check" ? "REFUSED" : "FAILED"))
        // Jobs without a container do not notice.
        #expect(try Cluster.srun("-N2", "true").code == 0)
      }
      try Cluster.expectQuiet()
    }

    @Test func `a helper that is not there is named`() throws {
      try Cluster.withSite(["helper=/no/such/apus"]) {
        let outcome = try srun(["-N2"], "echo", "ran")
        #expect(
          outcome.out.isEmpty && outcome.code != 0 && outcome.err.contains("/no/such/apus"), "\(outcome)")
        #expect(try Cluster.srun("-N2", "true").code == 0)
      }
      // On one of the nodes alone.
      let helper = Cluster.value("CLUSTER_HELPER")
      try Cluster.on("n2", "mount", "--bind", "/dev/null", helper)
      defer { _ = try? Cluster.on("n2", "umount", helper) }
      let start = Date()
      let outcome = try srun(["-w", "n1,n2"], "sleep", "20")
      #expect([125, 143].contains(outcome.code) && outcome.err.contains("n2"), "\(outcome)")
      #expect(Date().timeIntervalSince(start) <= 3, "the other node's task went on alone")
      try Cluster.expectQuiet()
    }

    @Test func `a helper that hangs can be cancelled`() throws {
      try withHelper("if [ \"$2\" != start ]; then exec \(Installed.apus) \"$@\"; fi\nsleep 50\n") {
        let step = try Cluster.start(["srun", "-N2", inImage, "echo", "ran"])
        usleep(500_000)
        let start = Date()
        _ = try Cluster.run(["scancel", try #require(try Cluster.jobs().last)])
        let outcome = try step.finish()
        #expect(
          Date().timeIntervalSince(start) <= 2 && outcome.out.isEmpty && outcome.code != 0, "\(outcome)")
      }
      try Cluster.expectQuiet()
    }

    @Test(arguments: [
      "/no/such.sif", "../../../../etc/shadow", "new\nline.sif", "\u{1B}[31mred.sif", "-rf", "$(touch ran)",
      "",
      "/" + String(repeating: "x", count: 4096), String(repeating: "../", count: 1300) + "etc/passwd", "/etc",
      "/dev/zero",
      "/proc/self/mem", "docker://", "docker://127.0.0.1:1/none", "a b.sif", "%s%n%s",
    ]) func `a hostile name of an image is refused, and shown harmlessly`(name: String) throws {
      try Cluster.withFolder { folder in
        let outcome = try Cluster.run(
          ["srun", "--container-image=" + name, "touch", folder + "/host"], directory: folder, limit: 20)
        #expect(outcome.code != 0 && outcome.code != 124, "\(outcome)")
        #expect(outcome.err.contains("FATAL"), "\(outcome.err)")
        #expect(!outcome.err.contains("\u{1B}"), "control characters of the name reach the terminal")
        #expect(!outcome.err.split(separator: "\n").contains { $0.hasPrefix("line.sif") }, "\(outcome.err)")
        let made = try FileManager.default.contentsOfDirectory(atPath: folder)
        #expect(made.isEmpty, "\(made)")
      }
      try Cluster.expectQuiet()
    }

    // MARK: The plugin as a file

    @Test func `doctor names the node whose plugin is missing`() throws {
      let fit = try Cluster.run([Installed.apus, "slurm", "doctor"])
      #expect(fit.code == 0, "\(fit)")
      try Cluster.on("n3", "mount", "--bind", "/dev/null", Cluster.plugin)
      defer {
        _ = try? Cluster.on("n3", "umount", Cluster.plugin)
        _ = try? Cluster.run(["scontrol", "update", "NodeName=n[1-4]", "State=RESUME"], as: .root)
      }
      let outcome = try Cluster.run([Installed.apus, "slurm", "doctor"])
      #expect(outcome.code == 1, "\(outcome)")
      let bad = (outcome.out + outcome.err).split(separator: "\n").filter { $0.contains("n3") }
      #expect(!bad.isEmpty, "\(outcome)")
      #expect(bad.contains { $0.contains("plugin") }, "\(bad)")
      // Slurm drains a node that lacks a required plugin at the end of any job there, and doctor asks by one: it says
      // how the node comes back.
      #expect(bad.contains { $0.contains("scontrol update nodename=n3 state=resume") }, "\(bad)")
      #expect(!(outcome.out + outcome.err).contains("n2: "), "\(outcome)")
      let local = try Cluster.on("n3", Installed.apus, "slurm", "doctor", "--local")
      #expect(local.code == 1 && local.out.contains("FAILING  plugin: \(Cluster.plugin)"), "\(local)")
    }

    @Test func `a plugin that is stamped for another Slurm is refused, and one for this loads`() throws {
      let line = try String(contentsOfFile: Cluster.place("plugstack.conf"), encoding: .utf8)
      defer { try? Cluster.plugstack(line) }
      try Cluster.expectQuiet()
      for (version, isRight) in [
        ("26.05.5", false), ("20.11.1", false), (Cluster.value("CLUSTER_VERSION"), true),
      ] {
        let file = Cluster.place("lib/stamped-\(version).so")
        try FileManager.default.copyItem(atPath: Cluster.plugin, toPath: file)
        defer { try? FileManager.default.removeItem(atPath: file) }
        let stamped = try Installed.execute(
          [Installed.checkout + "/scripts/test-cluster", "stamp", file, version], as: .root)
        #expect(stamped.code == 0, "\(stamped.err)")
        try Cluster.plugstack(line.replacingOccurrences(of: Cluster.plugin, with: file))
        let outcome = try srun([], "true")
        #expect((outcome.code == 0) == isRight, "\(version): \(outcome)")
        #expect(outcome.err.contains("Incompatible") == !isRight, "\(version): \(outcome.err)")
        // The end of the job loads it again on the node.
        if isRight { try Cluster.expectQuiet() }
      }
      try Cluster.plugstack(line)
      try Cluster.expectQuiet()
    }

    @Test func `install says what it would do for the Slurm that is there`() throws {
      let outcome = try Cluster.run([Installed.apus, "slurm", "install", "--dry-run"], as: .root)
      #expect(outcome.code == 0 && outcome.out.contains(Cluster.value("CLUSTER_VERSION")), "\(outcome)")
      #expect(outcome.out.contains("spank_apus.so"), "\(outcome)")
    }

    // MARK: Nothing grows

    private struct Usage: Equatable {
      var files = 0
      var kilobytes = 0
      var namespaces = 0
    }

    /// Of the slurmd of a node.
    private func usage(_ node: String) throws -> Usage {
      let number = try String(contentsOfFile: Cluster.place("pid/" + node), encoding: .utf8)
        .trimmingCharacters(in: .whitespacesAndNewlines)
      let status = try String(contentsOfFile: "/proc/\(number)/status", encoding: .utf8)
      let line = status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") } ?? ""
      let kinds = try Installed.execute(["/usr/bin/lsns", "-n", "-t", "mnt", "-o", "NS"], as: .root)
      try #require(kinds.code == 0, "\(kinds.err)")
      return Usage(
        files: try FileManager.default.contentsOfDirectory(atPath: "/proc/\(number)/fd").count,
        kilobytes: try #require(Int(line.filter(\.isNumber))),
        namespaces: kinds.out.split(separator: "\n").count)
    }

    @Test func `two hundred steps leave slurmd, namespaces and folders as they were`() throws {
      // Every fifth one has a named container, whose files lie in the folder that is looked at below.
      let place = Cluster.place("run")
      func steps(_ count: Int) throws {
        let script = """
          name=
          [ $(($1 % 5)) != 0 ] || name=--container-name=number-$1
          exec srun -w n1 \(inImage) $name sh -c "[ -z '$name' ] || echo named >/srv/mark"
          """
        let outcome = try Cluster.run(
          ["sh", "-c", "seq \(count) | xargs -P 4 -I @ sh -c \"$1\" step @", "steps", script], limit: 120)
        #expect(outcome.code == 0, "\(outcome.err)")
        try Cluster.expectQuiet()
      }
      func files(_ words: String...) throws -> [Substring] {
        let found = try Installed.execute(
          [Installed.checkout + "/scripts/test-cluster", "on", Cluster.place(""), "n1", "find"] + words,
          as: .root)
        try #require(found.code == 0, "\(found.err)")
        return found.out.split(separator: "\n")
      }
      let named = try Cluster.start([
        "srun", "-w", "n1", inImage, "--container-name=seen", "sh", "-c", "echo ready; read word",
      ])
      #expect(named.line() == "ready")
      #expect(try files(place, "-name", "seen").count == 1, "named containers lie elsewhere")
      #expect(try named.finish().code == 1)
      try Cluster.expectQuiet()
      // What is allocated once.
      try steps(20)
      let before = try usage("n1")
      try steps(200)
      let after = try usage("n1")
      #expect(after.files == before.files)
      #expect(after.namespaces == before.namespaces)
      #expect(after.kilobytes - before.kilobytes < 1024, "\(before) \(after)")
      let left = try files(place, "-mindepth", "2")
      #expect(left.isEmpty, "\(left)")
      let temporary = try files("/tmp", "-mindepth", "1", "-not", "-name", "apus-*")
      #expect(temporary.isEmpty, "\(temporary)")
    }
  }
}
