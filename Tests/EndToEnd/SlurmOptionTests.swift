import Foundation
import Testing

extension SlurmTests {
  /// The options beside the image, as Pyxis' own tests mean them.
  @Suite struct Options {
    /// A folder with files to bind, as the user has them.
    private func withFiles(_ body: (String) throws -> Void) throws {
      try Cluster.withFolder { folder in
        for name in ["data", "with space"] {
          try FileManager.default.createDirectory(
            atPath: folder + "/" + name, withIntermediateDirectories: false)
          try Installed.write(Data("found\n".utf8), to: folder + "/\(name)/file")
        }
        _ = try Installed.execute(["/usr/bin/chown", "-R", "apus-test:", folder], as: .root)
        try body(folder)
      }
    }

    // MARK: Mounts

    @Test func `changes in an overlay partition of the image are there in a step`() throws {
      try Cluster.withFolder { folder in
        let sif = folder + "/own.sif"
        for words in [
          ["/bin/cp", Installed.image("tiny.sif"), sif], ["/bin/chmod", "0600", sif],
          [Installed.apus, "overlay", "create", "--sparse", sif],
          [Installed.apus, "exec", "--writable", sif, "sh", "-c", "echo kept >/kept"],
        ] {
          let outcome = try Installed.execute(words, as: .user)
          #expect(outcome.code == 0, "\(words): \(outcome)")
        }
        let step = try Cluster.srun("-N2", "--container-image=" + sif, "cat", "/kept")
        #expect(step.code == 0 && step.out == "kept\nkept\n", "\(step)")
        let native = try Cluster.srun("--container=" + sif, "sh", "-c", "cat /kept; echo more >/kept")
        #expect(native.code != 0 && native.out == "kept\n", "\(native)")
      }
      try Cluster.expectQuiet()
    }

    @Test(arguments: [
      ("FOLDER/data:/mnt/data", "cat /mnt/data/file", "found"),
      ("FOLDER/data", "cat FOLDER/data/file", "found"),
      ("./data:/mnt/relative", "cat /mnt/relative/file", "found"),
      ("FOLDER/data:/mnt/data:ro", "touch /mnt/data/new || echo refused", "refused"),
      ("FOLDER/data:/mnt/data:rw", "touch /mnt/data/new && echo written", "written"),
      ("FOLDER/data:/mnt/data:ro+nosuid", "cat /mnt/data/file", "found"),
      ("FOLDER/data:/mnt/one,FOLDER/data:/mnt/two", "cat /mnt/one/file /mnt/two/file", "found\nfound"),
      ("FOLDER/data:/mnt/one,FOLDER/data:/mnt/one", "grep -c ' /mnt/one ' /proc/mounts", "1"),
      ("FOLDER/with space:/mnt/space", "cat /mnt/space/file", "found"),
      ("FOLDER/data/file:/etc/file", "cat /etc/file", "found"),
      (
        "/etc/shadow:/mnt/shadow",
        "grep -c ' /mnt/shadow ' /proc/mounts; cat /mnt/shadow 2>/dev/null || echo unreadable",
        "1\nunreadable"
      ),
      (
        "tmpfs:/mnt/memory",
        "touch /mnt/memory/new; sed -n 's,.* /mnt/memory \\([a-z]*\\) .*,\\1,p' /proc/mounts", "tmpfs"
      ),
      ("FOLDER/data:/mnt/data,umount:/mnt/data", "ls /mnt/data/file 2>/dev/null || echo gone", "gone"),
    ])
    func `mounts show what they say`(mounts: String, script: String, expected: String) throws {
      try withFiles { folder in
        let words = mounts.replacingOccurrences(of: "FOLDER", with: folder)
        let outcome = try srun(
          ["--container-mounts=" + words], "sh", "-c",
          script.replacingOccurrences(of: "FOLDER", with: folder),
          directory: folder)
        #expect(outcome.line == expected && outcome.code == 0, "\(outcome.out)\(outcome.err)")
      }
    }

    @Test(arguments: ["CLI", "APUS_CONTAINER_MOUNTS", "PYXIS_CONTAINER_MOUNTS"])
    func `mounts come from the command line or a variable`(source: String) throws {
      try withFiles { folder in
        let mount = folder + "/data:/mnt/data"
        let outcome = try srun(
          source == "CLI" ? ["--container-mounts=" + mount] : [], "cat", "/mnt/data/file",
          environment: source == "CLI" ? [:] : [source: mount])
        #expect(outcome.line == "found", "\(outcome.err)")
      }
    }

    @Test func `a mount whose source is missing is named, with the node`() throws {
      let outcome = try srun(
        ["-w", "n2", "--container-mounts=/no/such:/mnt/x"], "touch", Cluster.shared + "/ran")
      #expect(
        outcome.code == 125 && outcome.err.contains("/no/such") && outcome.err.contains("n2"),
        "\(outcome.err)")
      #expect(!FileManager.default.fileExists(atPath: Cluster.shared + "/ran"))
    }

    // MARK: Home, working directory, variables

    @Test(
      arguments: [
        ([], [:], true), (["--container-mount-home"], [:], true), (["--no-container-mount-home"], [:], false),
        ([], ["PYXIS_CONTAINER_MOUNT_HOME": "0"], false), ([], ["APUS_CONTAINER_MOUNT_HOME": "0"], false),
        (["--container-mount-home"], ["PYXIS_CONTAINER_MOUNT_HOME": "0"], true),
      ] as [([String], [String: String], Bool)])
    func `the home directory is shown unless the user says no`(
      words: [String], environment: [String: String], isShown: Bool
    ) throws {
      let marker = Installed.home + "/marker-" + UUID().uuidString.prefix(8)
      _ = try Installed.execute(["/usr/bin/touch", marker], as: .user)
      defer { try? FileManager.default.removeItem(atPath: marker) }
      let outcome = try srun(
        words, "sh", "-c", "[ -e \(marker) ] && echo shown || echo hidden", environment: environment,
        directory: "/")
      #expect(outcome.line == (isShown ? "shown" : "hidden"), "\(outcome.err)")
    }

    @Test(arguments: [
      (["--container-workdir=/srv/work"], "/srv/work"), ([], "FOLDER"), (["--container-workdir=image"], "/"),
    ]) func `the working directory is the caller's, or the one that is named`(
      words: [String], expected: String
    ) throws {
      try Cluster.withFolder { folder in
        let outcome = try srun(words, "pwd", directory: folder)
        #expect(outcome.line == expected.replacingOccurrences(of: "FOLDER", with: folder), "\(outcome.err)")
      }
    }

    @Test func `a working directory that is not there is named, and nothing runs`() throws {
      let outcome = try srun(["--container-workdir=/no/such"], "echo", "ran")
      #expect(outcome.code == 125 && outcome.out.isEmpty, "\(outcome.out)")
      #expect(outcome.err.contains("/no/such"), "\(outcome.err)")
    }

    @Test(arguments: [
      ([], "host,image,image"),
      (["--container-env=BOTH"], "host,host,image"),
      (["--container-env=BOTH,OF_HOST"], "host,host,image"),
      (["--container-env=ALL"], "host,host,image"),
      (["--container-env=NONE"], ",image,image"),
      (["--container-env=BOTH=given"], "host,given,image"),
    ]) func `the host's variables pass, the image's win, and the user can say otherwise`(
      words: [String], expected: String
    ) throws {
      let outcome = try srun(
        words, "sh", "-c", "echo $OF_HOST,$BOTH,$OF_IMAGE", environment: ["OF_HOST": "host", "BOTH": "host"])
      #expect(outcome.line == expected, "\(outcome.err)")
    }

    @Test func `variables of Slurm and of the task are there`() throws {
      let outcome = try srun(
        ["-w", "n1,n2", "-n2", "--container-env=NONE"], "sh", "-c",
        "echo $SLURM_PROCID $SLURM_NNODES $SLURMD_NODENAME")
      #expect(outcome.out.split(separator: "\n").sorted() == ["0 2 n1", "1 2 n2"], "\(outcome)")
    }

    // MARK: Who and what one is in the container

    @Test(arguments: [
      ([], false), (["--container-remap-root"], true), (["--no-container-remap-root"], false),
    ])
    func `the user is root inside when they ask for it`(words: [String], isRoot: Bool) throws {
      let outcome = try srun(words, "id", "-u")
      #expect(outcome.line == (isRoot ? "0" : Cluster.userNumber), "\(outcome.err)")
    }

    @Test(arguments: [
      ([], false), (["--container-writable"], true), (["--container-readonly"], false),
    ]) func `the image can be written to in memory when asked for`(words: [String], isWritable: Bool) throws {
      let outcome = try srun(
        ["-n2", "--overcommit"] + words, "sh", "-c",
        "touch /srv/new-$SLURM_PROCID 2>/dev/null && echo written || echo refused")
      let word = isWritable ? "written" : "refused"
      #expect(outcome.out == "\(word)\n\(word)\n", "\(outcome.err)")
      #expect(try srun([], "ls", "/srv/new-0").code != 0)
    }

    @Test(arguments: ["ipc", "uts", "net", "ipc,uts"])
    func `namespaces are the node's unless they are asked for`(kinds: String) throws {
      for kind in kinds.split(separator: ",") {
        let path = "/proc/self/ns/\(kind)"
        let host = try Cluster.on("n1", "readlink", path).line
        #expect(try srun(["-w", "n1"], "readlink", path).line == host)
        let own = try srun(
          ["-w", "n1", "-n2", "--overcommit", "--container-unshare=" + kinds], "readlink", path)
        let lines = Set(own.out.split(separator: "\n").map(String.init))
        #expect(lines.count == 1 && !lines.contains(host) && own.code == 0, "\(own)")
      }
    }

    // MARK: Entry points

    @Test(arguments: [
      ([], false), (["--container-entrypoint"], false),
      (["--container-entrypoint", "--container-entrypoint-log"], true),
    ]) func `the entry point runs when asked for, and its output is shown when asked for`(
      words: [String], isShown: Bool
    ) throws {
      try Cluster.withFolder { folder in
        let outcome = try Cluster.run(
          [
            "srun", "-n2", "--overcommit", "--container-image=" + Installed.image("entry.sif"),
            "--container-mounts=" + folder + ":/mnt/notes",
          ] + words + ["echo", "of the command"])
        #expect(outcome.out.components(separatedBy: "of the command\n").count == 3, "\(outcome)")
        #expect((outcome.out + outcome.err).contains("of the entry point") == isShown, "\(outcome)")
        // Once for the node.
        let notes = (try? String(contentsOfFile: folder + "/notes", encoding: .utf8)) ?? ""
        #expect(notes == (words.isEmpty ? "" : "entered\n"))
      }
    }

    // MARK: Names

    @Test func `what a step writes into a named container is there for the next, and gone after the job`()
      throws
    {
      let batch = try Cluster.sbatch(
        ["-w", "n1"],
        script: """
          srun --container-name=kept --container-writable \(inImage) sh -c 'echo installed >/srv/package'
          srun --container-name=kept cat /srv/package
          srun --container-name=other --container-writable \(inImage) cat /srv/package || echo another container
          find \(Cluster.place("run")) -name package | wc -l
          """)
      #expect(batch.out == "installed\nanother container\n1\n", "\(batch)")
      let later = try Cluster.srun("-w", "n1", "--container-name=kept", "cat", "/srv/package")
      #expect(later.code != 0 && later.err.contains("kept"), "\(later.err)")
      try Cluster.expectQuiet()
      let left = try Cluster.on("n1", "find", Cluster.place("run"), "-name", "package")
      #expect(left.code == 0 && left.out.isEmpty, "\(left)")
    }

    @Test func `where the site says scope=global, a later job finds the container`() throws {
      let words = ["srun", "-w", "n1", "--container-name=lasting"]
      defer { _ = try? Cluster.on("n1", "rm", "-rf", Cluster.place("run/\(Cluster.userNumber)")) }
      try Cluster.withSite(["scope=global"]) {
        let first = try Cluster.run(words + [inImage, "sh", "-c", "echo installed >/srv/package"])
        #expect(first.code == 0, "\(first)")
        // What the end of a job takes away is gone by now.
        try Cluster.expectQuiet()
        let second = try Cluster.run(words + ["cat", "/srv/package"])
        #expect(second.code == 0 && second.out == "installed\n", "\(second)")
        try Cluster.expectQuiet()
      }
      let other = try Cluster.run(words + ["cat", "/srv/package"])
      #expect(other.code == 125 && other.out.isEmpty, "\(other)")
    }

    @Test(arguments: [
      "install -d -o 65534 -m 0777 $place", "install -d -m 0700 -o $uid $place.2 && ln -s $place.2 $place",
      "install -d -m 0777 -o $uid $place",
    ])
    func `folders of named containers that others could change are not used`(how: String) throws {
      let place = Cluster.place("run/\(Cluster.userNumber)")
      let remove = "rm -rf \(place) \(place).2"
      let script = "\(remove); uid=\(Cluster.userNumber); place=\(place); \(how)"
      #expect(try Cluster.on("n1", "sh", "-c", script).code == 0)
      defer { _ = try? Cluster.on("n1", "sh", "-c", remove) }
      let outcome = try Cluster.srun("-w", "n1", "--container-name=mine", inImage, "true")
      #expect(outcome.code == 125 && outcome.err.contains("is not the user's own"), "\(outcome)")
      try Cluster.expectQuiet()
    }

    @Test func `flags of a name say whether the container may, or must, be there`() throws {
      let batch = try Cluster.sbatch(
        ["-w", "n1"],
        script: """
          srun --container-name=one:exec true && echo wrong || echo none runs
          srun --container-name=one:create --container-writable \(inImage) touch /srv/mark && echo made
          srun --container-name=one:create --container-writable \(inImage) true && echo wrong || echo is there
          srun --container-name=one:no_exec ls /srv/mark
          srun --container-name=one:auto ls /srv/mark
          srun --overlap --container-name=one sh -c 'readlink /proc/self/ns/mnt; sleep 2' >first &
          sleep 1
          srun --overlap --container-name=one:exec readlink /proc/self/ns/mnt >second
          srun --overlap --container-name=one:no_exec readlink /proc/self/ns/mnt >third
          wait
          cmp first second && echo the same
          cmp -s first third || echo another
          """)
      #expect(
        batch.out.split(separator: "\n") == [
          "none runs", "made", "is there", "/srv/mark", "/srv/mark", "the same", "another",
        ], "\(batch)")
      try Cluster.expectQuiet()
    }

    @Test func `a container is saved as an image when its last task has ended`() throws {
      try Cluster.withFolder { folder in
        let saved = folder + "/saved.sif"
        let outcome = try Cluster.srun(
          "-n2", "--overcommit", "--container-image=" + Installed.image("tiny.sif"), "--container-writable",
          "--container-save=" + saved, "sh", "-c", "touch /opt/by-$SLURM_PROCID")
        #expect(outcome.code == 0, "\(outcome.err)")
        #expect(Cluster.waitForFile(saved))
        let again = try Cluster.srun(
          "--container-image=" + saved, "ls", "/opt/by-0", "/opt/by-1", "/opt/random")
        #expect(again.out == "/opt/by-0\n/opt/by-1\n/opt/random\n", "\(again.err)")
        let slash = try Cluster.srun(
          "--container-image=" + Installed.image("tiny.sif"), "--container-save=" + folder + "/", "true")
        #expect(slash.code == 1 && slash.err.contains("--container-save"), "\(slash.err)")
      }
      try Cluster.expectQuiet()
    }

    // MARK: Steps from within

    @Test func `Slurm's commands work inside where they are asked for`() throws {
      // It has the libraries that srun is linked with, and nothing of Slurm.
      let words = ["srun", "-w", "n1", "--container-image=" + Installed.image("client.sif")]
      let without = try Cluster.run(words + ["srun", "--version"])
      #expect(without.code != 0 && without.out.isEmpty, "\(without)")
      let version = try Cluster.run(words + ["--container-slurm", "srun", "--version"])
      #expect(version.code == 0, "\(version)")
      #expect(version.line.hasSuffix(" " + Cluster.value("CLUSTER_VERSION")), "\(version)")
      let step = try Cluster.run(words + ["--container-slurm", "srun", "--overlap", "hostname"])
      #expect(step.code == 0 && step.out == "n1\n" && step.err.isEmpty, "\(step)")
      try Cluster.expectQuiet()
    }

    // MARK: What is for later

    @Test(arguments: [
      "--container-nv", "--container-rocm", "--container-mpi=pmix", "--container-verify=sig",
    ]) func `what is not in this version says so`(option: String) throws {
      let outcome = try srun([option], "echo", "ran")
      #expect(outcome.out.isEmpty && outcome.code == 125, "\(outcome.code) \(outcome.err)")
      #expect(outcome.err.contains("not in this version"), "\(outcome.err)")
    }

    // MARK: Pyxis' defaults

    @Test func `with defaults=pyxis home is hidden and the working directory the image's`() throws {
      try Cluster.withSite(["defaults=pyxis"]) {
        try Cluster.withFolder { folder in
          let outcome = try srun(
            [], "sh", "-c", "pwd; ls -A \(Installed.home) 2>/dev/null", directory: folder)
          #expect(outcome.line == "/", "\(outcome)")
          let home = try srun(
            ["--container-mount-home"], "sh", "-c", "ls -d \(Installed.home)", directory: folder)
          #expect(home.line == Installed.home, "\(home.err)")
        }
      }
    }
  }
}

extension Cluster {
  static func waitForFile(_ path: String) -> Bool {
    wait(seconds: 5) { FileManager.default.fileExists(atPath: path) }
  }
}
