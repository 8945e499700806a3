internal import Engine
internal import Linux
internal import Model

/// Why a step gets no container, as the user reads it.
struct StepFailure: Error {
  let explanation: Explanation

  init(_ explanation: Explanation) { self.explanation = explanation }

  init(_ fault: any Explained) {
    // Named as the option is on a command line that is not ours.
    if case .workingDirectory(let path, let cause)? = fault as? EngineFault {
      explanation = Explanation(
        what: "cannot enter --container-workdir=\(printable(path))", why: cause.explanation.why,
        remedy: "name a directory of the container, or bring it in with --container-mounts")
    } else {
      explanation = fault.explanation
    }
  }
}
