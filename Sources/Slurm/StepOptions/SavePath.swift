internal import Model

/// The word of `--container-save`: where the container is saved as a SIF when its step is over.
public struct SavePath: Equatable, Sendable {
  /// Absolute, with its patterns.
  public let pattern: String

  public init(pattern: String) { self.pattern = pattern }

  init(_ word: OptionWord, from directory: String, _ notices: inout [Notice]) throws(StepFault) {
    let text = try word.asPath()
    guard text.utf8.last != UInt8(ascii: "/") else {
      throw .value(
        origin: word.origin, value: text, why: "it is a directory", remedy: "name the file that shall be made"
      )
    }
    let last = ContainerPath.lastComponent(text)
    guard last != ".", last != ".." else {
      throw .value(
        origin: word.origin, value: text, why: "it is a directory", remedy: "name the file that shall be made"
      )
    }
    for suffix in [".sqsh", ".squashfs"] where text.ends(withBytesOf: suffix) {
      notices.append(
        Notice(
          .warning, "\(shown(text)) will be a SIF, whatever its name: that is what containers are saved as"))
    }
    pattern = ContainerPath.normalized(text, from: directory)
  }

  /// Whether each node saves a file of its own; else only the first node of the step saves.
  public var isPerNode: Bool {
    expanded(nodeID: 0, node: "a", job: "") != expanded(nodeID: 1, node: "b", job: "")
  }

  /// The path with `%n` (the node's number in the job), `%N` (its name) and `%j` (the job) put in; `%%` is a percent
  /// sign. They are the patterns of `srun --output` (sbatch(1), "filename pattern").
  public func expanded(nodeID: Int, node: String, job: String) -> String {
    var out = ""
    var left = pattern.unicodeScalars[...]
    while let scalar = left.popFirst() {
      guard scalar == "%", let next = left.first else {
        out.unicodeScalars.append(scalar)
        continue
      }
      left.removeFirst()
      switch next {
      case "n": out += "\(nodeID)"
      case "N": out += node
      case "j": out += job
      case "%": out += "%"
      default:
        out += "%"
        out.unicodeScalars.append(next)
      }
    }
    return out
  }
}
