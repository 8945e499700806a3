import Foundation
import Testing

extension SlurmTests {
  /// Tasks in an image: `srun --container-image` and `srun --container`.
  @Suite struct Launch {
    @Test func `tasks of all nodes run in the image`() throws {
      let outcome = try Cluster.srun("-N4", inImage, "cat", "/etc/os-release")
      #expect(outcome.code == 0, "\(outcome.err)")
      #expect(outcome.out.components(separatedBy: release).count == 5, "\(outcome.out)")
      try Cluster.expectQuiet()
    }

    @Test(arguments: ["mnt", "user"]) func `tasks of a node share one namespace`(kind: String) throws {
      let outcome = try srun(["-N2", "-n8", "--overcommit"], "readlink", "/proc/self/ns/\(kind)")
      let lines = outcome.out.split(separator: "\n")
      #expect(lines.count == 8 && Set(lines).count == 2, "\(outcome.out)\(outcome.err)")
    }

    @Test func `the native option runs tasks in the image, with their exit code`() throws {
      let outcome = try Cluster.srun(
        "--container=" + image, "-n2", "--overcommit", "sh", "-c", "cat /etc/os-release; exit 7")
      #expect(outcome.code == 7)
      #expect(outcome.out.components(separatedBy: release).count == 3, "\(outcome.out)\(outcome.err)")
    }

    @Test func `both options at once are refused before there is a job`() throws {
      let before = try numberOfJobs()
      let outcome = try srun(["--container=" + image], "true")
      #expect(outcome.code == 1 && outcome.err.contains("--container-image"), "\(outcome.err)")
      #expect(try numberOfJobs() == before)
    }

    @Test func `an image of an outer job's variable does not leak into a step`() throws {
      let host = try Cluster.on("n1", "readlink", "/proc/self/ns/mnt").line
      let outcome = try Cluster.srun(
        "-w", "n1", "readlink", "/proc/self/ns/mnt", environment: ["SLURM_CONTAINER": image])
      #expect(outcome.line == host && outcome.code == 0, "\(outcome.err)")
    }

    @Test(arguments: [
      ("exit 7", 7, "exit code 7"), ("kill -SEGV $$", 139, "Segmentation fault"),
      ("kill -KILL $$", 137, "Killed"),
    ]) func `a task's end is srun's`(script: String, code: Int32, words: String) throws {
      let outcome = try srun([], "sh", "-c", script)
      #expect(outcome.code == code)
      #expect(outcome.err.contains(words), "\(outcome.err)")
    }

    @Test(arguments: [("/no/such", "/no/such"), ("/opt/not-executable", "/etc/passwd")])
    func `a command that cannot start has Slurm's own code`(command: String, likeOnHost: String) throws {
      let plain = try Cluster.srun(likeOnHost)
      let outcome = try srun([], command)
      #expect(plain.code != 0 && outcome.code == plain.code, "\(plain) \(outcome)")
      #expect(outcome.err.contains(command), "\(outcome.err)")
    }

    @Test func `input and output pass`() throws {
      #expect(try srun([], "cat", input: "hi\n").out == "hi\n")
      let outcome = try srun(["-l", "-n2", "--overcommit"], "sh", "-c", "echo $SLURM_PROCID; echo err >&2")
      #expect(outcome.out.split(separator: "\n").sorted() == ["0: 0", "1: 1"])
      #expect(outcome.err.split(separator: "\n").sorted() == ["0: err", "1: err"], "\(outcome.err)")
    }

    @Test func `a terminal is one in the image`() throws {
      let outcome = try Cluster.run(["script", "-qec", "srun --pty \(inImage) tty", "/dev/null"])
      #expect(outcome.out.contains("/dev/pts/"), "\(outcome.out)")
      #expect(outcome.code == 0)
    }

    @Test func `without the caller's variables PATH is the image's`() throws {
      let outcome = try srun(["--export=NONE"], "/bin/sh", "-c", "echo $PATH")
      #expect(outcome.line == "/image/bin:/bin", "\(outcome.err)")
    }

    @Test(arguments: ["./rel.sif", "rel.sif"]) func `an image is found beside the caller`(name: String) throws
    {
      try Cluster.withFolder { folder in
        try FileManager.default.createSymbolicLink(
          atPath: folder + "/rel.sif", withDestinationPath: image)
        let outcome = try Cluster.run(
          ["srun", "-N2", "--container-image=" + name] + askRelease, directory: folder)
        #expect(outcome.out == release + release && outcome.code == 0, "\(outcome.err)")
      }
    }

    private func numberOfJobs() throws -> Int {
      try Cluster.run(["squeue", "-h", "-t", "all", "-o", "%A"], as: .root).out.split(separator: "\n").count
    }

    @Test(arguments: [
      (["--container-image="], "--container-image"),
      ([inImage, "--container-mount-home", "--no-container-mount-home"], "container-mount-home"),
      ([inImage, "--container-writable", "--container-readonly"], "container-readonly"),
      ([inImage, "--container-mounts=/tmp:relative"], "relative"),
      ([inImage, "--container-stage=sideways"], "sideways"),
      ([inImage, "--container-unshare=everything"], "everything"),
      ([inImage, "--container-name=a/b"], "a/b"),
    ]) func `words that make no sense are refused before there is a job`(
      words: [String], named: String
    ) throws {
      let before = try numberOfJobs()
      for program in [["srun"], ["salloc"]] {
        let outcome = try Cluster.run(program + words + ["true"])
        #expect(outcome.code == 1, "\(program) \(words): \(outcome.err)")
        #expect(outcome.err.contains(named) && outcome.err.contains("FATAL"), "\(outcome.err)")
      }
      let batch = try Cluster.sbatch(words, script: "true\n")
      #expect(batch.code == 1 && batch.err.contains(named), "\(batch.err)")
      #expect(try numberOfJobs() == before)
    }

    @Test func `tasks are their user, in a map of one`() throws {
      let user = Cluster.userNumber
      let ids = try srun(["-N4", "-n4"], "id", "-u")
      #expect(ids.out == String(repeating: user + "\n", count: 4), "\(ids.err)")
      let map = try srun([], "cat", "/proc/self/uid_map")
      let fields = map.out.split(whereSeparator: \.isWhitespace).map(String.init)
      #expect(fields.count == 3 && fields.first == user && fields.last == "1", "\(map.out)")
    }

    @Test(
      arguments: [
        (["APUS_CONTAINER_IMAGE": image], nil, true),
        (["PYXIS_CONTAINER_IMAGE": image], nil, true),
        (["APUS_CONTAINER_IMAGE": image, "PYXIS_CONTAINER_IMAGE": "/no/such.sif"], nil, true),
        (["APUS_CONTAINER_IMAGE": "/no/such.sif"], image, true),
        (["PYXIS_CONTAINER_IMAGE": image], Installed.image("tiny.sif"), false),
      ] as [([String: String], String?, Bool)])
    func `the command line hides our variable, and that hides Pyxis'`(
      environment: [String: String], given: String?, isJob: Bool
    ) throws {
      let words = given.map { ["--container-image=" + $0] } ?? []
      let outcome = try Cluster.run(
        ["srun"] + words + ["sh", "-c", "ls -d /opt/bulk"], environment: environment)
      #expect(outcome.line == (isJob ? "/opt/bulk" : ""), "\(outcome.err)")
      // The host has no /opt/not-executable.
      let image = try Cluster.run(
        ["srun"] + words + ["ls", "/opt/not-executable"], environment: environment)
      #expect(image.code == 0, "\(image.err)")
    }

    @Test func `64 tasks on a node have one namespace and one server`() throws {
      let outcome = try srun(
        ["-N1", "-n64", "--overcommit"], "readlink", "/proc/self/ns/mnt")
      #expect(outcome.code == 0, "\(outcome.err)")
      let lines = outcome.out.split(separator: "\n")
      #expect(lines.count == 64 && Set(lines).count == 1)

      let running = try Cluster.start(
        ["srun", "-w", "n1", "-n64", "--overcommit", inImage, "sh", "-c", "echo here; sleep 1.5"])
      for _ in 0..<64 { #expect(running.line() == "here") }
      let servers = try Cluster.processes(on: "n1").filter { $0.contains("apus: ") }
      #expect(servers.count == 1, "\(servers)")
      #expect(try running.finish().code == 0)
      try Cluster.expectQuiet()
    }

    @Test func `programs by rank, and components of a job, run in the image`() throws {
      try Cluster.withFolder { folder in
        try Installed.write(
          Data("0 sh -c 'cat /etc/os-release; echo zero'\n1 sh -c 'ls /opt/bulk/12; echo one'\n".utf8),
          to: folder + "/programs")
        let outcome = try Cluster.srun(
          "-n2", "--overcommit", inImage, "--multi-prog", folder + "/programs")
        for word in ["zero", "one", release, "/opt/bulk/12"] {
          #expect(outcome.out.contains(word), "\(outcome)")
        }
      }
      // srun knows one value of a plugin's option, whichever component it stands at.
      let both = try Cluster.run(
        ["srun", "-n1", inImage] + askRelease + [":", "-n1", inImage, "ls", "-d", "/opt/bulk"])
      #expect(both.code == 0, "\(both.err)")
      #expect(both.out.split(separator: "\n").sorted() == ["/opt/bulk", release.dropLast()], "\(both)")
    }

    @Test func `options without an image are told of, and the job is one without a container`() throws {
      let host = try Cluster.on("n1", "readlink", "/proc/self/ns/mnt").line
      let outcome = try Cluster.srun("-w", "n1", "--container-workdir=/tmp", "readlink", "/proc/self/ns/mnt")
      #expect(outcome.code == 0 && outcome.err.contains("--container-workdir"), "\(outcome)")
      #expect(outcome.line == host)
    }

    @Test func `an image of a registry runs on all nodes, and is got once`() throws {
      try #require(Registry.isPresent)
      let name = try Registry.pushed("tiny", "slurm")
      let outcome = try Cluster.withFolder { folder in
        try Cluster.srun(
          "-N4", "--container-image=docker://\(Registry.plain)/\(name)", "/bin/true",
          environment: ["APUS_CACHEDIR": folder + "/cache"], directory: folder)
      }
      #expect(outcome.code == 0, "\(outcome.err)")
      // Each is METHOD PATH STATUS.
      let blobs = try Registry.requests(.plain, about: name).map { $0.split(separator: " ") }
        .filter { $0.first == "GET" && $0.count > 1 && $0[1].contains("/blobs/") }.map { $0[1] }
      #expect(!blobs.isEmpty && Set(blobs).count == blobs.count, "\(blobs)")
    }
  }
}
