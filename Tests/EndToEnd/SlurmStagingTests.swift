import Foundation
import Testing

extension SlurmTests {
  /// Copies of images in the nodes' caches.
  @Suite struct Staging {
    static let size = (try? FileManager.default.attributesOfItem(atPath: image)[.size] as? Int) ?? 0

    /// A slow, counting file system with job.sif, and empty caches.
    private func withSlowImage(
      nodes: [String] = Cluster.nodes, bytesPerSecond: Int = 0, site: [String] = ["stage=node"],
      _ body: (_ files: SharedFiles, _ image: String) throws -> Void
    ) throws {
      try Cluster.emptyCaches()
      try Cluster.withFolder { folder in
        let files = try SharedFiles(in: folder, nodes: nodes, bytesPerSecond: bytesPerSecond)
        let image = try files.add(SlurmTests.image, as: "job.sif")
        try Cluster.withSite(site) { try body(files, image) }
        try Cluster.expectQuiet()
        try files.unmount()
      }
      try Cluster.emptyCaches()
    }

    private func expectCopies(_ counts: [Int]) {
      #expect(Cluster.copyCounts() == counts)
      for node in Cluster.nodes {
        for copy in Cluster.copies(on: node) {
          #expect(FileManager.default.contentsEqual(atPath: copy, andPath: SlurmTests.image), "\(copy)")
        }
      }
    }

    @Test func `each node makes one copy, and reads nothing of the source the next time`() throws {
      try withSlowImage { files, image in
        let words = ["srun", "-N4", "--container-image=" + image] + askRelease
        let cold = try Cluster.run(words)
        #expect(cold.code == 0 && cold.out == String(repeating: release, count: 4), "\(cold)")
        expectCopies([1, 1, 1, 1])
        for node in Cluster.nodes {
          #expect(files.bytesRead(on: node) <= Self.size + 1 << 20, "\(files.bytesRead(on: node))")
        }
        let before = Cluster.nodes.map { (files.bytesRead(on: $0), files.opens(on: $0)) }
        let warm = try Cluster.run(words)
        #expect(warm.code == 0 && warm.err.isEmpty, "\(warm.err)")
        for (node, (bytes, opens)) in zip(Cluster.nodes, before) {
          #expect(files.bytesRead(on: node) == bytes, "\(node) read data of the source again")
          #expect(files.opens(on: node) - opens <= 1)
        }
        // As the user sees it.
        let listed = try Cluster.srun("-w", "n3", Installed.apus, "slurm", "cache", "list")
        #expect(listed.out.contains("job.sif") && listed.code == 0, "\(listed)")
      }
    }

    @Test func `of eight steps on a node one copies and seven wait`() throws {
      try withSlowImage(nodes: ["n1"], bytesPerSecond: 16_000_000) { files, image in
        let steps = try (0..<8).map { _ in
          try Cluster.start(["srun", "-w", "n1", "--container-image=" + image] + askRelease)
        }
        let outcomes = try steps.map { try $0.finish() }
        for outcome in outcomes { #expect(outcome.code == 0 && outcome.out == release, "\(outcome)") }
        #expect(outcomes.count { $0.err.contains("waiting") } == 7, "\(outcomes.map(\.err))")
        #expect(files.bytesRead(on: "n1") <= Self.size + 8 << 20)
        expectCopies([1, 0, 0, 0])
      }
    }

    @Test func `of an image that Slurm broadcasts no node reads the source`() throws {
      try withSlowImage(site: ["stage=sbcast", "sbcast_min=2"]) { files, image in
        let outcome = try Cluster.run(["srun", "-N4", "--container-image=" + image] + askRelease)
        #expect(outcome.code == 0 && outcome.out == String(repeating: release, count: 4), "\(outcome)")
        expectCopies([1, 1, 1, 1])
        // The submitting host sees the files themselves, and no node reads them.
        for node in Cluster.nodes { #expect(files.bytesRead(on: node) < 1 << 20, "\(node)") }
      }
    }

    @Test func `after a stage by hand steps read nothing of the source`() throws {
      try withSlowImage { files, image in
        let marks = files.folder + "/staged"
        let outcome = try Cluster.run([
          "salloc", "-N4", "sh", "-c",
          "\(Installed.apus) slurm stage \(image) && touch \(marks) && srun --container-image=\(image) "
            + askRelease.joined(separator: " "),
        ])
        #expect(outcome.code == 0 && outcome.out.contains(String(repeating: release, count: 4)), "\(outcome)")
        expectCopies([1, 1, 1, 1])
        let before = Cluster.nodes.map(files.bytesRead)
        let step = try Cluster.run(["srun", "-N4", "--container-image=" + image] + askRelease)
        #expect(step.code == 0, "\(step.err)")
        #expect(Cluster.nodes.map(files.bytesRead) == before)
      }
    }

    @Test func `a batch script's image is copied to all of its nodes from the start`() throws {
      try withSlowImage { _, image in
        // Nothing but the batch step runs, on the first of the nodes.
        let batch = try Cluster.sbatch(["-N4", "--container-image=" + image], script: "sleep 4\n")
        #expect(batch.code == 0, "\(batch)")
        #expect(Cluster.copyCounts() == [1, 1, 1, 1], "\(batch)")
      }
    }

    @Test func `a batch script that ends before the copies are made is told nothing by Slurm`() throws {
      try withSlowImage(nodes: ["n2", "n3", "n4"], bytesPerSecond: 1_000_000) { _, image in
        // Long enough for the step that copies to have begun.
        let batch = try Cluster.sbatch(["-N4", "--container-image=" + image], script: "sleep 1\n")
        #expect(batch.code == 0 && Cluster.copyCounts() == [1, 0, 0, 0], "\(batch)")
        #expect(!batch.err.contains("srun:") && !batch.err.contains("slurmstepd"), "\(batch.err)")
      }
    }

    @Test func `an image that the site has already is copied nowhere`() throws {
      try withSlowImage { files, _ in
        try Cluster.withFolder { elsewhere in
          try Cluster.withSite(["stage=node", "image_path=" + files.folder + "/source"]) {
            let outcome = try Cluster.run(
              ["srun", "-N2", "--container-image=job.sif"] + askRelease, directory: elsewhere)
            #expect(outcome.code == 0 && outcome.out == release + release, "\(outcome)")
            expectCopies([0, 0, 0, 0])
            // The same file by another path: known by what it is.
            let copy = elsewhere + "/copy.sif"
            try FileManager.default.copyItem(atPath: SlurmTests.image, toPath: copy)
            let other = try Cluster.run(["srun", "-N2", "--container-image=" + copy] + askRelease)
            #expect(other.code == 0, "\(other.err)")
            expectCopies([0, 0, 0, 0])
          }
        }
      }
    }

    @Test(arguments: ["direct", "node"]) func `the user chooses whether there is a copy`(stage: String) throws
    {
      try withSlowImage { _, image in
        let outcome = try Cluster.run(
          ["srun", "-w", "n1", "--container-stage=" + stage, "--container-image=" + image] + askRelease)
        #expect(outcome.out == release, "\(outcome.err)")
        expectCopies(stage == "node" ? [1, 0, 0, 0] : [0, 0, 0, 0])
      }
    }

    // MARK: When it goes wrong

    @Test(arguments: ["linuxproc", "cgroup"]) func `a step that is cancelled while it copies leaves nothing`(
      leg: String
    ) throws {
      defer { Cluster.restore() }
      try Cluster.restart(["--leg", leg])
      try withSlowImage(nodes: ["n1"], bytesPerSecond: 1_000_000) { files, image in
        let ran = files.folder + "/ran"
        let step = try Cluster.start(["srun", "-w", "n1", "--container-image=" + image, "touch", ran])
        #expect(Cluster.wait(seconds: 5) { files.bytesRead(on: "n1") > 1_000_000 })
        let start = Date()
        _ = try Cluster.run(["scancel", try #require(try Cluster.jobs().last)])
        let outcome = try step.finish()
        #expect(Date().timeIntervalSince(start) <= 2 && outcome.code != 0, "\(outcome)")
        try Cluster.expectQuiet()
        expectCopies([0, 0, 0, 0])
        #expect(!FileManager.default.fileExists(atPath: ran))
      }
      // The next one copies.
      try withSlowImage(nodes: ["n1"]) { _, image in
        let outcome = try Cluster.run(["srun", "-w", "n1", "--container-image=" + image] + askRelease)
        #expect(outcome.out == release, "\(outcome.err)")
        expectCopies([1, 0, 0, 0])
      }
    }

    @Test func `when the helper is killed all waiting tasks end at once, with one message`() throws {
      try withSlowImage(nodes: ["n1"], bytesPerSecond: 1_000_000) { files, image in
        let step = try Cluster.start([
          "srun", "-w", "n1", "-n4", "--overcommit", "--container-image=" + image, "touch",
          files.folder + "/ran",
        ])
        #expect(Cluster.wait(seconds: 5) { files.bytesRead(on: "n1") > 500_000 })
        let helper = try #require(
          try Cluster.processes(on: "n1").first { $0.contains("slurm-helper") }, "no helper runs")
        let start = Date()
        kill(try #require(Int32(helper.split(separator: " ")[0])), SIGKILL)
        let outcome = try step.finish()
        #expect(Date().timeIntervalSince(start) <= 1.5)
        #expect(outcome.code == 125, "\(outcome)")
        #expect(outcome.err.components(separatedBy: "FATAL").count == 2, "\(outcome.err)")
        #expect(!FileManager.default.fileExists(atPath: files.folder + "/ran"))
        expectCopies([0, 0, 0, 0])
      }
    }

    @Test(arguments: ["direct", "fail"]) func `a cache without room is told of, and the site says what then`(
      onFull: String
    ) throws {
      try Cluster.emptyCaches()
      try Cluster.on(
        "n1", "mount", "-t", "tmpfs", "-o", "size=20m,mode=1777", "apus-test-cache", Cluster.place("cache"))
      defer { _ = try? Cluster.on("n1", "umount", "-l", Cluster.place("cache")) }
      try Cluster.withSite(["stage=node", "on_full=" + onFull]) {
        let outcome = try srun(["-w", "n1"], "grep", "PRETTY_NAME", "/etc/os-release")
        #expect(outcome.err.contains("n1"), "\(outcome.err)")
        if onFull == "direct" {
          #expect(
            outcome.code == 0 && outcome.out == release && outcome.err.contains("WARNING"), "\(outcome)")
        } else {
          #expect(outcome.code == 125 && outcome.out.isEmpty, "\(outcome)")
          #expect(
            outcome.err.contains("No space left") || outcome.err.contains("no space left"), "\(outcome.err)")
        }
        try Cluster.expectQuiet()
      }
    }

    @Test(arguments: [("stat", "truncate"), ("full", "flip")])
    func `a copy that is not what was copied is made anew`(verify: String, damage: String) throws {
      try withSlowImage(nodes: ["n1"], site: ["stage=node", "verify=" + verify]) { _, image in
        let words = ["srun", "-w", "n1", "--container-image=" + image] + askRelease
        #expect(try Cluster.run(words).code == 0)
        let copy = try #require(Cluster.copies(on: "n1").first)
        let file = try FileHandle(forUpdating: URL(fileURLWithPath: copy))
        if damage == "truncate" {
          try file.truncate(atOffset: UInt64(Self.size / 2))
        } else {
          try file.seek(toOffset: UInt64(Self.size / 2))
          let byte = try #require(try file.read(upToCount: 1)?.first)
          try file.seek(toOffset: UInt64(Self.size / 2))
          try file.write(contentsOf: Data([byte ^ 1]))
        }
        try file.close()
        let outcome = try Cluster.run(words)
        #expect(outcome.code == 0 && outcome.out == release, "\(outcome)")
        expectCopies([1, 0, 0, 0])
      }
    }

    @Test func `a source that changes while it is copied is refused`() throws {
      try withSlowImage(nodes: ["n1"], bytesPerSecond: 20_000_000) { files, image in
        let step = try Cluster.start(["srun", "-w", "n1", "--container-image=" + image, "echo", "ran"])
        #expect(Cluster.wait(seconds: 5) { files.bytesRead(on: "n1") > 10_000_000 })
        try FileManager.default.copyItem(atPath: SlurmTests.image, toPath: files.folder + "/source/new")
        #expect(rename(files.folder + "/source/new", files.folder + "/source/job.sif") == 0)
        let outcome = try step.finish()
        #expect(outcome.code == 125 && outcome.out.isEmpty, "\(outcome)")
        #expect(outcome.err.contains("changed while") && outcome.err.contains("n1"), "\(outcome.err)")
        expectCopies([0, 0, 0, 0])
      }
    }

    /// One image in use, one that is not; a third needs the room of one.
    @Test func `what a job uses is not evicted, and what nobody uses is`() throws {
      try Cluster.emptyCaches()
      try Cluster.withFolder { folder in
        for name in ["one", "two"] {
          try FileManager.default.copyItem(
            atPath: Installed.image("openmpi.sif"), toPath: folder + "/\(name).sif")
          chmod(folder + "/\(name).sif", 0o644)
        }
        let part =
          try FileManager.default.attributesOfItem(atPath: Installed.image("openmpi.sif"))[.size] as? Int ?? 0
        try Cluster.withSite(["stage=node", "cache_max=\((Self.size + part * 3 / 2) >> 10)K", "min_free=0"]) {
          let user = try Cluster.start([
            "srun", "-w", "n1", inImage, "sh", "-c", "echo ready; read word; cat /opt/bulk/* | wc -c",
          ])
          #expect(user.line() == "ready")
          let used = Cluster.copies(on: "n1")
          #expect(used.count == 1)
          #expect(try Cluster.srun("-w", "n1", "--container-image=\(folder)/one.sif", "true").code == 0)
          #expect(Cluster.copies(on: "n1").count == 2)
          #expect(try Cluster.srun("-w", "n1", "--container-image=\(folder)/two.sif", "true").code == 0)
          let left = Cluster.copies(on: "n1")
          #expect(left.count == 2 && left.contains(used[0]), "\(left)")
          user.say("go on")
          #expect(user.line() == "48000000")
          #expect(try user.finish().code == 0)
        }
      }
      try Cluster.emptyCaches()
    }

    @Test func `two users stage one image at the same time, each for themselves`() throws {
      try withSlowImage(nodes: ["n1"], bytesPerSecond: 30_000_000) { _, image in
        let words = ["srun", "-w", "n1", "--container-image=" + image] + askRelease
        let first = try Cluster.start(words)
        let second = try Running(
          ["/usr/bin/setpriv", "--reuid", "daemon", "--regid", "daemon", "--clear-groups"] + words, as: .root,
          environment: ["SLURM_CONF": Cluster.place("slurm.conf"), "HOME": "/"], directory: "/")
        for step in [first, second] {
          let outcome = try step.finish()
          #expect(outcome.code == 0 && outcome.out == release, "\(outcome)")
        }
        expectCopies([2, 0, 0, 0])
        let owners = Cluster.copies(on: "n1").compactMap {
          try? FileManager.default.attributesOfItem(atPath: $0)[.ownerAccountName] as? String
        }
        #expect(owners.sorted() == ["apus-test", "daemon"])
      }
    }

    @Test func `an image that root could read and the user cannot is not staged`() throws {
      try Cluster.emptyCaches()
      try Cluster.withFolder { folder in
        let secret = folder + "/secret.sif"
        try FileManager.default.copyItem(atPath: image, toPath: secret)
        chmod(secret, 0o600)
        let outcome = try Cluster.srun("-N2", "--container-image=" + secret, "touch", folder + "/ran")
        #expect(outcome.code != 0 && outcome.err.contains(secret), "\(outcome)")
        #expect(outcome.err.lowercased().contains("permission denied"), "\(outcome.err)")
        #expect(!FileManager.default.fileExists(atPath: folder + "/ran"))
        #expect(Cluster.copyCounts() == [0, 0, 0, 0])
      }
      try Cluster.expectQuiet()
    }
  }
}
