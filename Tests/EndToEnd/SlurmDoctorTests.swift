import Foundation
import Testing

extension SlurmTests {
  /// `apus slurm doctor`, on the whole cluster and on one that lacks something.
  @Suite struct Doctor {
    static func doctor(_ words: String..., as caller: Caller = .user) throws -> Outcome {
      try Cluster.run([Installed.apus, "slurm", "doctor"] + words, as: caller, limit: 90)
    }

    /// Slurm drains a node whose plugins it cannot load.
    static func resume(_ node: String) throws {
      _ = Cluster.wait(seconds: 20) {
        _ = try? Cluster.run(["scontrol", "update", "nodename=" + node, "state=resume"], as: .root)
        return (try? Cluster.run(["sinfo", "-h", "-n", node, "-o", "%T"], as: .root).line) == "idle"
      }
    }

    @Test func `all is well on a whole cluster, in text and in json`() throws {
      let outcome = try Self.doctor()
      #expect(outcome.code == 0, "\(outcome.out)\(outcome.err)")
      let lines = outcome.out.split(separator: "\n")
      #expect(lines.count == 2 + Cluster.nodes.count && lines[0].hasPrefix("HOST "), "\(outcome.out)")
      for node in Cluster.nodes { #expect(lines.contains { $0.hasPrefix(node + " ") }) }
      let json = try JSONSerialization.jsonObject(
        with: Data(try Self.doctor("--json", "--nodes", "n[2-3]").out.utf8))
      let object = try #require(json as? [String: Any])
      #expect(object["canRunSteps"] as? Bool == true)
      #expect(
        (object["hosts"] as? [[String: Any]])?.compactMap { $0["name"] as? String }.dropFirst() == [
          "n2", "n3",
        ])
    }

    /// B9
    @Test func `a node without the plugin is named, with what to do`() throws {
      let library = Cluster.place("lib")
      try Cluster.on("n3", "mount", "-t", "tmpfs", "none", library)
      let outcome = try Self.doctor()
      let local = try Cluster.on("n3", Installed.apus, "slurm", "doctor", "--local")
      try Cluster.on("n3", "umount", library)
      try Self.resume("n3")
      #expect(outcome.code == 1)
      let failing = outcome.out.split(separator: "\n").filter { $0.hasPrefix("FAILING ") }
      #expect(failing.count == 1 && failing[0].hasPrefix("FAILING  n3: "), "\(outcome.out)")
      #expect(outcome.out.contains("apus slurm install"))
      #expect(local.code == 1)
      #expect(
        local.out.contains("FAILING  plugin: \(library)/spank_apus.so: No such file or directory\n"),
        "\(local.out)")
      #expect(try Self.doctor().code == 0)
    }

    @Test func `directories that users cannot use are named with their node`() throws {
      for place in [Cluster.value("CLUSTER_CACHE"), Cluster.value("CLUSTER_RUN")] {
        try Cluster.on("n4", "chmod", "0755", place)
        let outcome = try Self.doctor("-w", "n4")
        try Cluster.on("n4", "chmod", "1777", place)
        #expect(outcome.code == 1)
        #expect(
          outcome.out.contains("FAILING  n4: ") && outcome.out.contains("remedy: chmod 1777 \(place)\n"),
          "\(outcome.out)")
      }
    }

    @Test func `a host whose own plugin is broken says why it asks nobody`() throws {
      let plugin = Cluster.plugin
      try FileManager.default.moveItem(atPath: plugin, toPath: plugin + ".away")
      let outcome = try Self.doctor()
      try FileManager.default.moveItem(atPath: plugin + ".away", toPath: plugin)
      #expect(outcome.code == 1)
      #expect(
        outcome.out.contains("FAILING  nodes: not asked: srun cannot start on this host"), "\(outcome.out)")
      #expect(outcome.out.contains("apus slurm doctor --local"))
    }

    @Test func `variables that put steps into a container do not reach the questions`() throws {
      let outcome = try Cluster.run(
        [Installed.apus, "slurm", "doctor", "-w", "n1"],
        environment: [
          "APUS_CONTAINER_IMAGE": "/nonexistent", "SLURM_CONTAINER": "/nonexistent", "SLURM_NTASKS": "7",
        ])
      #expect(outcome.code == 0, "\(outcome.out)")
    }
  }
}
