import Foundation
import Testing

/// Jobs of a real Slurm on four nodes. One test after the other: they change the site's settings and count what is left.
@Suite(.serialized, .enabled(if: Cluster.isTested)) enum SlurmTests {
  static let image = Installed.image("job.sif")
  /// What shows that a program runs in it.
  static let release = "PRETTY_NAME=\"image of a job\"\n"
  static let askRelease = ["grep", "PRETTY_NAME", "/etc/os-release"]
  static let inImage = "--container-image=" + image

  /// `srun OPTIONS --container-image=job.sif COMMAND`.
  static func srun(
    _ options: [String] = [], _ command: String..., environment: [String: String] = [:],
    directory: String? = nil, input: String? = nil, limit: Int = 40
  ) throws -> Outcome {
    try Cluster.run(
      ["srun"] + options + [inImage] + command, environment: environment, directory: directory,
      input: input, limit: limit)
  }
}

extension SlurmTests {
  /// The cluster itself, without a container.
  @Suite struct Plain {
    @Test func `four nodes run a job, each under its own name`() throws {
      let outcome = try Cluster.srun("-N4", "hostname")
      #expect(outcome.out.split(separator: "\n").sorted() == ["n1", "n2", "n3", "n4"])
      #expect(outcome.code == 0 && outcome.err.isEmpty, "\(outcome.err)")
    }

    /// The plugin is there, and has nothing to say.
    @Test func `a job without a container is on the host as ever`() throws {
      let host = try Cluster.on("n2", "readlink", "/proc/self/ns/mnt").line
      #expect(try Cluster.srun("-w", "n2", "readlink", "/proc/self/ns/mnt").line == host)
      let batch = try Cluster.sbatch(["-w", "n2"], script: "readlink /proc/self/ns/mnt; exit 5\n")
      #expect(batch.out == host + "\n" && batch.code == 5 && batch.err.isEmpty, "\(batch)")
    }

    @Test func `srun, sbatch and salloc list the options`() throws {
      let names = [
        "container-image", "container-mounts", "container-workdir", "container-name", "container-save",
        "container-mount-home", "no-container-mount-home", "container-remap-root", "no-container-remap-root",
        "container-entrypoint", "no-container-entrypoint", "container-entrypoint-log", "container-writable",
        "container-readonly", "container-env", "container-unshare", "container-stage", "container-nv",
        "container-rocm", "container-gpu", "container-mpi", "container-slurm", "container-verify",
      ]
      for program in ["srun", "sbatch", "salloc"] {
        let help = try Cluster.run([program, "--help"])
        for name in names { #expect(help.out.contains("--" + name), "\(program) has no --\(name)") }
      }
    }
  }
}
