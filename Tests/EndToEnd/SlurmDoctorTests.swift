import Foundation
import Testing

extension SlurmTests {
  /// `apus slurm doctor`, on the whole cluster and on one that lacks something.
  @Suite struct Doctor {
    static func doctor(_ words: String..., as caller: Caller = .user) throws -> Outcome {
      try Cluster.run([Installed.apus, "slurm", "doctor"] + words, as: caller, limit: 90)
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

    @Test func `directories that users cannot use are named with their node`() throws {
      for place in [Cluster.value("CLUSTER_CACHE"), Cluster.value("CLUSTER_RUN")] {
        try Cluster.on("n4", "chmod", "0755", place)
        defer { _ = try? Cluster.on("n4", "chmod", "1777", place) }
        let outcome = try Self.doctor("-w", "n4")
        #expect(outcome.code == 1)
        #expect(
          outcome.out.contains("FAILING  n4: ") && outcome.out.contains("remedy: chmod 1777 \(place)\n"),
          "\(outcome.out)")
      }
    }

    @Test func `a host whose own plugin is broken says why it asks nobody`() throws {
      let plugin = Cluster.plugin
      try FileManager.default.moveItem(atPath: plugin, toPath: plugin + ".away")
      defer { try? FileManager.default.moveItem(atPath: plugin + ".away", toPath: plugin) }
      let outcome = try Self.doctor()
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
