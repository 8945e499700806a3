import Foundation
import Testing

extension SlurmTests {
  /// Slurm's own `--container` by the oci.conf that is shipped, for sites without the plugin.
  @Suite struct Containers {
    /// The release of Slurm, as 22.05 is 2205.
    static var number: Int {
      let fields = Cluster.value("CLUSTER_VERSION").split(separator: ".").compactMap { Int($0) }
      return fields.count > 1 ? fields[0] * 100 + fields[1] : 0
    }

    /// The cluster with the site's files of this release beside slurm.conf, and without the plugin.
    static func withFiles(_ body: () throws -> Void) throws {
      func file(_ name: String) throws -> String {
        try String(contentsOfFile: Installed.checkout + "/site-config/slurm/" + name, encoding: .utf8)
          .replacingOccurrences(of: "/usr/bin/apus", with: Installed.apus)
          .replacingOccurrences(
            of: "local shared = nil", with: "local shared = \"\(Cluster.shared)/bundles\"")
      }
      let isOld = number < 2302
      let names = isOld ? ["oci.conf", "cli_filter.lua"] : ["oci.conf"]
      try FileManager.default.createDirectory(
        atPath: Cluster.shared + "/bundles", withIntermediateDirectories: true,
        attributes: [.posixPermissions: 0o1777])
      chmod(Cluster.shared + "/bundles", 0o1777)
      try Installed.write(
        Data(try file(isOld ? "oci-22.05.conf" : "oci.conf").utf8), to: Cluster.place("oci.conf"))
      if isOld { try Installed.write(Data(try file("cli_filter.lua").utf8), to: Cluster.place(names[1])) }
      defer {
        for name in names { try? FileManager.default.removeItem(atPath: Cluster.place(name)) }
        try? FileManager.default.removeItem(atPath: Cluster.shared + "/bundles")
        Cluster.restore()
      }
      try Cluster.restart(isOld ? ["--set", "CliFilterPlugins=lua"] : ["--set", "MailProg=/bin/false"])
      let line = try String(contentsOfFile: Cluster.place("plugstack.conf"), encoding: .utf8)
      try Cluster.plugstack("")
      defer { try? Cluster.plugstack(line) }
      try body()
      try Cluster.expectQuiet()
    }

    @Test func `by oci conf a step runs in its image, ends with its code, and is cancelled at once`() throws {
      try Self.withFiles {
        let step = try Cluster.srun(
          "--container=" + image, "sh", "-c", "grep PRETTY_NAME /etc/os-release; cat; exit 3",
          input: "through\n")
        #expect(step.code == 3 && step.out == release + "through\n", "\(step)")
        let several = try Cluster.srun(
          "-N1", "-n2", "--overcommit", "--container=" + image, "sh", "-c", "echo $SLURM_PROCID")
        if Self.number < 2302 {
          #expect(several.code != 0 && several.err.contains("one task"), "\(several)")
        } else {
          #expect(
            several.code == 0 && several.out.split(separator: "\n").sorted() == ["0", "1"], "\(several)")
        }
        let sleeping = try Cluster.start(["srun", "-J", "sleeping", "--container=" + image, "sleep", "100"])
        #expect(
          try Cluster.wait(seconds: 10) { try Cluster.processes().contains { $0.hasSuffix("sleep 100") } })
        let start = Date()
        _ = try Cluster.run(["scancel", "-n", "sleeping"])
        let outcome = try sleeping.finish()
        #expect(outcome.code == 143, "\(outcome)")
        #expect(Date().timeIntervalSince(start) < 3)
      }
    }
  }
}
