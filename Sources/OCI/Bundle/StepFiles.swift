internal import Model

/// Files of slurmd that a step's program needs at their own places: the script of a batch step, and the directory through
/// which PMIx clients find their server.
public enum StepFiles {
  /// Where Slurm's own config.json shows the script and the streams of a batch step. Our programs inherit the streams.
  private static let batchFolder = "/tmp/slurm"

  /// The binds for a step. `program` is its first word, `spool` the step's directory below slurmd's (`%m`),
  /// `kind` looks at the host: whether there is a directory, another thing (false), or nothing (nil).
  public static func binds(
    program: String?, spool: String?, serverFolder: String?, isDirectory kind: (String) -> Bool?
  ) -> [Bundle.Bind] {
    var binds: [Bundle.Bind] = []
    if let program, isBatchScript(program, spool: spool), kind(program) == false {
      let path = ContainerPath.normalized(program)
      binds.append(Bundle.Bind(source: path, target: path, isWritable: false))
    }
    if let serverFolder, ContainerPath.isAbsolute(serverFolder) {
      let target = ContainerPath.normalized(serverFolder)
      if let source = serverSource(target, spool: spool, isDirectory: kind) {
        binds.append(Bundle.Bind(source: source, target: source == spool ? source : target, isWritable: true))
      }
    }
    return binds
  }

  /// slurmd keeps scripts as SPOOL/jobN/slurm_script; `%m` is a directory of the step below SPOOL.
  private static func isBatchScript(_ program: String, spool: String?) -> Bool {
    guard ContainerPath.isAbsolute(program) else { return false }
    if ContainerPath.lastComponent(program) == "slurm_script" { return true }
    guard let spool, ContainerPath.isAbsolute(spool) else { return false }
    let top = ContainerPath.parent(ContainerPath.normalized(spool))
    return ContainerPath.isBelow(program, top == "/" ? ContainerPath.normalized(spool) : top)
  }

  /// With MountSpoolDir the variable names a path inside, and the step's own directory has what belongs there.
  private static func serverSource(
    _ target: String, spool: String?, isDirectory kind: (String) -> Bool?
  ) -> String? {
    if let spool, ContainerPath.isAbsolute(spool), kind(spool) == true {
      let spool = ContainerPath.normalized(spool)
      if ContainerPath.isBelow(target, spool) { return spool }
      let moved = spool + "/" + ContainerPath.lastComponent(target)
      if kind(target) != true, kind(moved) == true { return moved }
    }
    return kind(target) == true ? target : nil
  }

  /// The binds that Slurm writes into config.json for a batch step, without those: the script is shown at its own place.
  /// Returns also the source of the script that `program` stands for.
  public static func withoutBatchFolder(
    _ binds: [Bundle.Bind], program: String?
  ) -> (binds: [Bundle.Bind], program: String?) {
    let script = binds.first { $0.target == program && ContainerPath.isBelow($0.target, batchFolder) }
    return (
      binds.filter { !ContainerPath.isBelow($0.target, batchFolder) }, script?.source ?? program
    )
  }
}
