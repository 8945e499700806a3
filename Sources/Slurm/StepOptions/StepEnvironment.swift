internal import Model
public import Settings

/// A change to the environment of a task as it enters the container.
public enum EnvironmentChange: Equatable, Sendable {
  case set(name: String, value: String)
  case unset(name: String)
}

/// What turns the environment of a step's task into that of the container. `host` is the environment of the first task
/// of the node, `container` what the plan says programs have (`NAME=value`).
///
/// Every task of the node applies the same difference to its own environment: what differs between tasks is in none.
public func stepEnvironment(host: Variables, container: [String], site: SiteOptions) -> [EnvironmentChange] {
  var changes: [EnvironmentChange] = []
  let inside = Variables(container)
  for (name, value) in inside.pairs where !JobVariables.areLeftAlone(name) {
    let there = host[name]
    if there == value || (there != nil && JobVariables.areLeftAloneIfSet(name)) { continue }
    changes.append(.set(name: name, value: value))
  }
  for (name, _) in host.pairs where inside[name] == nil && !changes.contains(.unset(name: name)) {
    if Variables.isNamed(name, by: site.deniedVariables) {
      changes.append(.unset(name: name))
      continue
    }
    if JobVariables.areLeftAlone(name) || JobVariables.areLeftAloneIfSet(name) { continue }
    // Defaults of further steps, for those that are started in here.
    if GivenOptions.prefixes.contains(where: name.starts(withBytesOf:)) { continue }
    changes.append(.unset(name: name))
  }
  return changes
}

/// Variables that belong to a task or to its job, and not to the place it runs in.
enum JobVariables {
  /// Slurm's, and those by which programs of one step find each other. An image has no business with them.
  private static let prefixes = [
    "SLURM_", "SLURMD_", "_SLURM_", "SPANK_", "PMI_", "PMI2_", "PMIX_", "OMPI_COMM_WORLD_",
  ]
  /// Settings that bear such a name: an image may bring its own.
  private static let settings = ["PMIX_MCA_", "PMIX_HOME", "PMIX_ROOT", "PMIX_INSTALL_PREFIX", "SLURM_CONF"]
  /// Set for each task where the step has such things: they are the job's where it has them.
  private static let ofTask = [
    "MPI_LOCALRANKID", "MPI_LOCALNRANKS", "CUDA_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES",
    "HIP_VISIBLE_DEVICES", "GPU_DEVICE_ORDINAL", "ZE_AFFINITY_MASK",
  ]

  /// Whether the variable is never changed.
  static func areLeftAlone(_ name: String) -> Bool {
    prefixes.contains(where: name.starts(withBytesOf:))
      && !settings.contains(where: name.starts(withBytesOf:))
  }

  /// Whether the variable is not changed where the job has it.
  static func areLeftAloneIfSet(_ name: String) -> Bool {
    ofTask.contains(name) || name.starts(withBytesOf: "MPIRUN_") || name.starts(withBytesOf: "SLURM_CONF")
  }
}
