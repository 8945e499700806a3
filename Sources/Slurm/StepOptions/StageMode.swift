internal import NodeCache

/// How an image gets to the nodes (`stage=`, `--container-stage`).
public enum StageMode: String, CaseIterable, Equatable, Sendable {
  case direct, node, sbcast, auto

  init(_ word: OptionWord) throws(StepFault) {
    guard let mode = StageMode(rawValue: word.value) else {
      throw .value(
        origin: word.origin, value: word.value, why: "there is no such way of staging",
        remedy: "write direct, node, sbcast or auto")
    }
    self = mode
  }
}

extension Verification {
  /// The word of `--container-verify`.
  init(_ word: OptionWord) throws(StepFault) {
    guard word.value != "sig" else { throw .notInThisVersion(origin: word.origin + "=sig") }
    guard let verification = Verification(rawValue: word.value) else {
      throw .value(
        origin: word.origin, value: word.value, why: "there is no such check",
        remedy: "write stat, sample or full")
    }
    self = verification
  }
}
