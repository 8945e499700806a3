internal import Messages
internal import Model

/// The name this program was called by. A site may give it those of the runtimes whose job scripts it runs, as links:
/// then tools that ask for a version are told one of that runtime, of which the options and their meaning are ours too.
/// Nothing else depends on it.
enum ProgramName {
  case apus, apptainer, singularity

  /// `name`: the last component of the command line's first word.
  init(_ name: String) {
    switch name {
    case "apptainer": self = .apptainer
    case "singularity": self = .singularity
    default: self = .apus
    }
  }

  /// What `--version` says before the version. Workflow engines look at the word to know whose versions are counted.
  var product: String {
    switch self {
    case .apus: "apus"
    case .apptainer: "apptainer"
    case .singularity: "singularity-ce"
    }
  }

  /// The version of that runtime whose commands are understood, and behind the plus what really runs. This is a version
  /// to Python's packaging (a local version), to semantic versioning (build metadata), to distutils' LooseVersion and to
  /// whoever takes the leading digits.
  ///
  /// Considered: 4.0 for SingularityCE; but with it tools may expect its OCI mode, which we do not have.
  var version: String {
    switch self {
    case .apus: Installation.version
    case .apptainer: "1.4.0+apus." + Installation.version
    case .singularity: "3.11.0+apus." + Installation.version
    }
  }
}

func runVersion(_ output: Output, calledAs name: ProgramName, named: Bool) -> Int32 {
  output.result((named ? name.product + " version " : "") + name.version + "\n")
  return 0
}
