import Foundation
import Testing

extension SlurmTests {
  /// Batch scripts, allocations, steps side by side, prologs, and how steps end.
  @Suite struct Jobs {
    @Test func `a batch script runs in the image, under its own name`() throws {
      let batch = try Cluster.sbatch([inImage], script: "cat /etc/os-release; echo $0\n")
      #expect(batch.code == 0 && batch.out.contains(release), "\(batch)")
      let script = batch.out.split(separator: "\n").last ?? ""
      #expect(script.hasPrefix(Cluster.place("nodes/")) && script.hasSuffix("/slurm_script"), "\(batch.out)")
      try Cluster.expectQuiet()
    }

    @Test func `a batch script's exit code is the job's, in an image too`() throws {
      let batch = try Cluster.sbatch([inImage], script: "exit 9\n")
      #expect(batch.code == 9 && batch.state == "FAILED")
    }

    @Test(arguments: ["sbatch=steps", "sbatch_support=no"])
    func `where the site says so, the batch script stays on the host and its steps are in the image`(
      word: String
    ) throws {
      try Cluster.withSite([word]) {
        let batch = try Cluster.sbatch(
          [inImage],
          script: "grep -c apus-job /etc/os-release\nsrun \(askRelease.joined(separator: " "))\n")
        #expect(batch.code == 0 && batch.out == "0\n" + release, "\(batch)")
      }
      try Cluster.expectQuiet()
    }

    @Test func `steps of a job name their image, or have that of the allocation`() throws {
      let batch = try Cluster.sbatch(
        ["-N2"],
        script:
          "cat /etc/os-release | grep -c apus-job\nsrun \(inImage) \(askRelease.joined(separator: " "))\n")
      #expect(batch.out == "0\n" + release + release, "\(batch)")
      let allocated = try Cluster.run(["salloc", "-N2", inImage, "srun"] + askRelease)
      #expect(allocated.out == release + release && allocated.code == 0, "\(allocated.err)")
      // And another one instead.
      let other = try Cluster.run(
        [
          "salloc", inImage, "srun", "--container-image=" + Installed.image("tiny.sif"), "ls", "-d",
          "/opt/bulk",
        ])
      #expect(other.out.isEmpty && other.code != 0)
    }

    @Test func `steps of an interactive allocation are in its image`() throws {
      let outcome = try Cluster.run(
        ["script", "-qec", "salloc -Q \(inImage) --wait-all-nodes=1", "/dev/null"],
        environment: ["SHELL": "/bin/sh"],
        input: "srun cat /etc/os-release </dev/null\nexit\n")
      #expect(outcome.out.contains("image of a job"), "\(outcome.out)")
      try Cluster.expectQuiet()
    }

    @Test func `each task of an array is in the image`() throws {
      try Cluster.withFolder { folder in
        try Installed.write(Data("#!/bin/sh\ngrep PRETTY /etc/os-release\n".utf8), to: folder + "/script")
        let submitted = try Cluster.run(
          ["sbatch", "--array=0-2", inImage, "-o", folder + "/out.%a", folder + "/script"], directory: folder)
        #expect(submitted.code == 0, "\(submitted.err)")
        try Cluster.expectQuiet(seconds: 15)
        for number in 0..<3 {
          // Standard error, too: it has nothing of steps that the user did not start.
          let text = try String(contentsOfFile: folder + "/out.\(number)", encoding: .utf8)
          #expect(text == release)
        }
      }
    }

    /// One of the steps is killed; the other one's programs and files stay.
    @Test func `of two steps with one image the second outlives the first`() throws {
      try Cluster.withFolder { folder in
        let step = "srun -n1 --overlap --container-mounts=\(folder) \(inImage)"
        let script = """
          \(step) sh -c 'touch \(folder)/first; exec sleep 60' &
          first=$!
          while [ ! -e \(folder)/first ]; do sleep 0.1; done
          \(step) sh -c 'touch \(folder)/second; sleep 2; cat /opt/bulk/* | wc -c' &
          second=$!
          while [ ! -e \(folder)/second ]; do sleep 0.1; done
          sleep 0.3
          scancel -s KILL $SLURM_JOB_ID.0
          wait $first; echo first $?
          wait $second; echo second $?
          """
        let batch = try Cluster.sbatch(["-n2"], script: script)
        #expect(batch.out.contains("48000000\n") && batch.out.contains("first 137\n"), "\(batch)")
        #expect(batch.out.contains("second 0\n"), "\(batch)")
      }
      try Cluster.expectQuiet()
    }

    /// A program that ends cleanly reads files of its image while it is being ended.
    @Test(arguments: ["linuxproc", "cgroup"]) func `a program that is told to end still has its image`(
      leg: String
    ) throws {
      defer { Cluster.restore() }
      try Cluster.restart(["--leg", leg])
      try Cluster.withFolder { folder in
        let running = try Cluster.start([
          "srun", "--container-stage=direct", inImage, "--container-mounts=" + folder, "sh", "-c",
          "trap 'for f in 1 2 3 4 5 6 7 8 9 10; do wc -c </opt/bulk/$f; done >\(folder)/sizes; exit 9' TERM; "
            + "echo ready; sleep 30 & wait",
        ])
        #expect(running.line() == "ready")
        let job = try #require(try Cluster.jobs().last)
        _ = try Cluster.run(["scancel", job])
        let outcome = try running.finish()
        let sizes = (try? String(contentsOfFile: folder + "/sizes", encoding: .utf8)) ?? ""
        #expect(sizes == String(repeating: "4000000\n", count: 10), "\(sizes)\(outcome.err)")
        #expect(outcome.code == 9 || outcome.err.contains("exit code 9"), "\(outcome.code) \(outcome.err)")
      }
      try Cluster.expectQuiet()
    }

    @Test(arguments: ["linuxproc", "cgroup"]) func `scancel ends a step in an image at once`(leg: String)
      throws
    {
      defer { Cluster.restore() }
      try Cluster.restart(["--leg", leg])
      let running = try Cluster.start(["srun", "-N2", inImage, "sh", "-c", "echo ready; exec sleep 60"])
      for _ in 0..<2 { #expect(running.line() == "ready") }
      let start = Date()
      _ = try Cluster.run(["scancel", try #require(try Cluster.jobs().last)])
      let outcome = try running.finish()
      #expect(Date().timeIntervalSince(start) < 3)
      #expect(outcome.code != 0)
      try Cluster.expectQuiet()
    }

    @Test func `one failing task ends the others when asked for`() throws {
      let start = Date()
      let outcome = try srun(["-K", "-N2", "-n2"], "sh", "-c", "[ $SLURM_PROCID != 0 ] || exit 3; sleep 30")
      #expect(outcome.code == 3 || outcome.code == 143, "\(outcome.code) \(outcome.err)")
      #expect(Date().timeIntervalSince(start) < 5)
      try Cluster.expectQuiet()
    }

    @Test(arguments: ["linuxproc", "cgroup"]) func `a suspended job goes on with its image`(leg: String)
      throws
    {
      defer { Cluster.restore() }
      try Cluster.restart(["--leg", leg])
      let running = try Cluster.start([
        "srun", "--container-stage=direct", inImage, "sh", "-c",
        "echo ready; for f in 1 2 3 4 5 6 7 8 9 10 11 12; do cat /opt/bulk/$f; sleep 0.2; done | wc -c",
      ])
      #expect(running.line() == "ready")
      let job = try #require(try Cluster.jobs().last)
      #expect(try Cluster.run(["scontrol", "suspend", job], as: .root).code == 0)
      sleep(1)
      #expect(try Cluster.run(["scontrol", "resume", job], as: .root).code == 0)
      #expect(running.line() == "48000000")
      #expect(try running.finish().code == 0)
      try Cluster.expectQuiet()
    }

    @Test func `tasks have the processors that Slurm gives them`() throws {
      defer { Cluster.restore() }
      try Cluster.restart(["--leg", "cgroup"])
      for cpu in ["0", "1"] {
        let outcome = try srun(
          ["-w", "n1", "-n1", "-c2", "--cpu-bind=map_cpu:" + cpu], "grep", "Cpus_allowed_list",
          "/proc/self/status")
        #expect(
          outcome.out.split(separator: "\t").last == Substring(cpu + "\n"), "\(outcome.out)\(outcome.err)")
      }
      let group = try srun(["-w", "n1"], "cat", "/proc/self/cgroup")
      #expect(group.out.contains("/slurm_n1/uid_\(Cluster.userNumber)/job_"), "\(group.out)")
    }

    /// Slurm runs the prolog in the container, and nobody has put it into the image. The site's comes first.
    @Test func `a task prolog outside the image sets variables in it`() throws {
      try Cluster.withFolder { folder in
        for (name, variable) in [("site", "OF_SITE"), ("own", "OF_USER")] {
          let prolog = folder + "/" + name
          try Installed.write(
            Data("#!/bin/sh\necho export \(variable)=\(name)\necho print by \(name)\n".utf8), to: prolog)
          chmod(prolog, 0o755)
        }
        defer { Cluster.restore() }
        try Cluster.restart(["--set", "TaskProlog=" + folder + "/site"])
        let script = "echo $OF_SITE,$OF_USER; ls -A \(folder); " + askRelease.joined(separator: " ")
        // What of the folder is shown, and by whom the user's own is named: by nobody, by a variable, by the option, of
        // which the container does not know and where the folder is shown as the job's.
        for (options, environment, directory, shown) in [
          ([], [:], "/", ["site"]),
          ([], ["SLURM_TASK_PROLOG": folder + "/own"], "/", ["own", "site"]),
          (["--task-prolog=" + folder + "/own"], [:], folder, ["own", "site"]),
        ] as [([String], [String: String], String, [String])] {
          let outcome = try srun(
            ["-N2"] + options, "sh", "-c", script, environment: environment, directory: directory)
          let variables = shown.contains("own") ? "site,own" : "site,"
          let expected = shown.map { "by " + $0 } + shown + [variables, String(release.dropLast())]
          #expect(outcome.code == 0, "\(outcome.err)")
          #expect(
            outcome.out.split(separator: "\n").map(String.init).sorted() == (expected + expected).sorted(),
            "\(outcome)")
        }
      }
    }

    @Test func `a job's own tmp is the container's`() throws {
      defer { Cluster.restore() }
      try Cluster.restart(["--set", "JobContainerType=job_container/tmpfs", "--set", "PrologFlags=Contain"])
      let name = "/tmp/apus-job-" + UUID().uuidString.prefix(8)
      let batch = try Cluster.sbatch(
        ["-w", "n1"],
        script: """
          srun \(inImage) touch \(name)
          srun ls \(name)
          srun -n2 --overcommit \(inImage) ls \(name)
          """)
      #expect(batch.out == String(repeating: name + "\n", count: 3), "\(batch)")
      #expect(try Cluster.on("n1", "ls", name).code != 0)
      try Cluster.expectQuiet()
    }
  }

  /// Ranks of MPI, with the libraries of the image.
  @Suite struct MPI {
    private func sums(_ outcome: Outcome) {
      let lines = outcome.out.split(separator: "\n").sorted()
      #expect(lines == (0..<4).map { "rank \($0) of 4, sum 6" }, "\(outcome.out)\(outcome.err)")
      #expect(outcome.code == 0)
    }

    @Test func `ranks of Open MPI find each other by PMIx, without a line of complaint`() throws {
      let image = "--container-image=" + Installed.image("openmpi.sif")
      // The copy of the image may be told of; ranks are then silent.
      _ = try Cluster.srun("-N2", image, "true")
      let outcome = try Cluster.srun("--mpi=pmix", "-N2", "-n4", "--overcommit", image, "/opt/sum")
      sums(outcome)
      #expect(outcome.err.isEmpty, "\(outcome.err)")
      try Cluster.expectQuiet()
    }

    @Test func `ranks of MPICH find each other by PMI2`() throws {
      let image = "--container-image=" + Installed.image("mpich.sif")
      _ = try Cluster.srun("-N2", image, "true")
      let outcome = try Cluster.srun("--mpi=pmi2", "-N2", "-n4", "--overcommit", image, "/opt/sum")
      sums(outcome)
      #expect(outcome.err.isEmpty, "\(outcome.err)")
    }
  }
}
