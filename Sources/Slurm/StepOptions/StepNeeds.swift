public import Launch
internal import Model
public import Settings

/// What a job step needs in its container beside what its user asked for: facts of the launcher of MPI programs, and
/// files of Slurm's that lie on the node only.
public struct StepNeeds: Equatable, Sendable {
  public var mounts: [RequestedMount] = []
  /// `NAME=value`
  public var variables: [String] = []
  /// Descriptors that programs find by number in their environment: they stay open.
  public var descriptors: [Int32] = []

  public init() {}

  /// The needs of programs that find each other through Slurm (`--mpi=pmix`, `--mpi=pmi2`). `exists` asks the host for
  /// a directory.
  public static func ofMPI(_ variables: Variables, exists: (_ path: String) -> Bool) -> StepNeeds {
    var needs = StepNeeds()
    if let text = variables["PMI_FD"], let number = Int32(text), number > 2 {
      needs.descriptors.append(number)
    }
    guard variables["PMIX_RANK"] != nil || variables["PMIX_NAMESPACE"] != nil else { return needs }
    // The default of Slurm's server asks clients for munge, which images seldom have.
    if variables["PMIX_MCA_psec"] == nil { needs.variables.append("PMIX_MCA_psec=native") }
    if let directory = variables["PMIX_SERVER_TMPDIR"], let place = filePath(directory), exists(place) {
      needs.mounts.append(
        RequestedMount(
          .bind(source: place, isWritable: true), target: place, origin: "PMIX_SERVER_TMPDIR",
          isOptional: true, isOfSite: true))
    } else if variables["PMIX_MCA_gds"] == nil {
      // The store that needs no files shared with the server.
      needs.variables.append("PMIX_MCA_gds=hash")
    }
    return needs
  }

  /// Files that Slurm executes by their path on the node, in the container: the spool copy of a batch script (the
  /// first word of the batch step), and prologs of tasks. Read-only, each at its own path.
  public static func ofFiles(batchScript: String?, prologs: [String] = []) -> StepNeeds {
    var needs = StepNeeds()
    let files =
      (batchScript.map { [($0, "the batch script")] } ?? []) + prologs.map { ($0, "the prolog of tasks") }
    for (path, origin) in files {
      guard let place = filePath(path), !needs.mounts.contains(where: { $0.target == place }) else {
        continue
      }
      needs.mounts.append(
        RequestedMount(
          .bind(source: place, isWritable: false), target: place, origin: origin, isOptional: true,
          isOfSite: true))
    }
    return needs
  }

  public static func + (left: StepNeeds, right: StepNeeds) -> StepNeeds {
    var sum = left
    sum.mounts += right.mounts
    sum.variables += right.variables
    sum.descriptors += right.descriptors
    return sum
  }

  private static func filePath(_ text: String) -> String? {
    guard ContainerPath.isAbsolute(text) else { return nil }
    let path = ContainerPath.normalized(text)
    return path == "/" ? nil : path
  }
}
