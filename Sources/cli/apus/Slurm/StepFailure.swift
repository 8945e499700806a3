internal import Model

/// Why a step gets no container, as the user reads it.
struct StepFailure: Error {
  let explanation: Explanation

  init(_ explanation: Explanation) { self.explanation = explanation }

  init(_ fault: any Explained) { explanation = fault.explanation }
}
