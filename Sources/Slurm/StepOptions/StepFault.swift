public import Model

/// Why the words of a job step or of the plugin's line cannot be carried out. `origin` is the option or the variable.
public enum StepFault: Error, Equatable, Sendable {
  case siteValue(word: String, value: String, expected: String)
  case optionUnknown(name: String)
  case valueMissing(origin: String)
  case value(origin: String, value: String, why: String, remedy: String)
  case repeated(origin: String, first: String, second: String)
  case contradiction(String, String)
  case imageName(text: String, origin: String, why: String)
  case nothingToCreate(name: String)
  case notInThisVersion(origin: String)
}

extension StepFault: Explained {
  public var explanation: Explanation {
    switch self {
    case .siteValue(let word, let value, let expected):
      Explanation(
        what: "cannot use the plugin's line in plugstack.conf",
        why: "it says \(shown(word))=\(shown(value)), expected is \(expected)",
        remedy: "ask the administrator to mend the line; `apus slurm doctor` checks it")
    case .optionUnknown(let name):
      Explanation(
        what: "cannot use --\(shown(name))", why: "this version of apus has no such option",
        remedy: "the plugin where the job was submitted may be newer: `apus slurm doctor` compares versions")
    case .valueMissing(let origin):
      Explanation(
        what: "cannot use \(origin)", why: "it has no value", remedy: "write \(origin)=VALUE, or drop it")
    case .value(let origin, let value, let why, let remedy):
      Explanation(what: "cannot use \(origin)=\(shown(value))", why: why, remedy: remedy)
    case .repeated(let origin, let first, let second):
      Explanation(
        what: "cannot use \(origin) twice", why: "it says \(shown(first)) and \(shown(second))",
        remedy: "leave one of them")
    case .contradiction(let one, let other):
      Explanation(
        what: "cannot use \(one) with \(other)", why: "they say opposite things or name two images",
        remedy: "drop one of them")
    case .imageName(let text, let origin, let why):
      Explanation(
        what: "cannot use the image \(shown(text)) of \(origin)", why: why,
        remedy:
          "name a file (beginning with / or ./, or ending in .sif), or a reference like docker://HOST/IMAGE:TAG"
      )
    case .nothingToCreate(let name):
      Explanation(
        what: "cannot create the container \(shown(name))", why: "no image was named to make it of",
        remedy: "add --container-image")
    case .notInThisVersion(let origin):
      Explanation(
        what: "cannot use \(origin)", why: "that is not in this version", remedy: "leave it out")
    }
  }
}
