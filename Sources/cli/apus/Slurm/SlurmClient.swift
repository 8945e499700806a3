internal import Launch
internal import Linux
internal import Model
internal import NodeSetup
internal import Settings
internal import StepOptions

/// Slurm's commands and what they need, for steps started inside a container (`--container-slurm`): programs, plugins,
/// configuration, the socket of munge, and this installation for our own plugin.
///
/// They run with the image's C library, so an image older than the node's Slurm cannot have them: then `srun` says so.
struct SlurmClient {
  private let variables: Variables

  init(_ variables: Variables) { self.variables = variables }

  var needs: StepNeeds {
    var needs = StepNeeds()
    for path in paths where (try? File.facts(path)) != nil {
      needs.mounts.append(
        RequestedMount(
          .bind(source: path, isWritable: false), target: path, origin: "--container-slurm", isOptional: true,
          isOfSite: true))
    }
    return needs
  }

  private static let commands = [
    "srun", "sbatch", "salloc", "scancel", "squeue", "sinfo", "scontrol", "sacct", "sattach", "sbcast",
    "sstat",
  ]
  private static let libraryFolders = [
    "/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib",
  ]

  private var paths: [String] {
    var paths: [String] = []
    let commands = SlurmPrograms.find("srun", variables).map { ContainerPath.parent($0) }
    if let commands { paths += Self.commands.map { commands + "/" + $0 } }
    let configuration = SlurmConfiguration(variables)
    paths.append(configuration.directory)
    paths += configuration.places.pluginDirectories
    if configuration.places.pluginDirectories.isEmpty {
      // Where builds put them that say nothing: beside the commands, or as Debian does.
      let beside = commands.map {
        [ContainerPath.parent($0) + "/lib/slurm", ContainerPath.parent($0) + "/lib64/slurm"]
      }
      paths += (beside ?? []) + Self.libraryFolders.flatMap { [$0 + "/slurm-wlm", $0 + "/slurm"] }
    }
    for folder in Self.libraryFolders { paths += [folder + "/libmunge.so.2", folder + "/libslurm.so"] }
    paths.append(configuration.places.mungeSocket.map { ContainerPath.parent($0) } ?? "/run/munge")
    let site = SlurmSite(configuration: nil, variables)
    if let file = site.lineFile, let plugin = site.pluginPath { paths += [file, plugin] }
    paths += [Installation.program, Installation.imageProgram]
    var seen: [String] = []
    for path in paths where !seen.contains(path) { seen.append(path) }
    return seen
  }
}
