internal import Model

/// The word of `--container-name`: `NAME[:auto|create|exec|no_exec]`.
public struct ContainerName: Equatable, Sendable {
  /// What becomes of a container of that name.
  public enum Use: String, CaseIterable, Equatable, Sendable {
    /// Used if it is there, running or not, else made.
    case auto
    /// Made; one that is there already is a fault.
    case create
    /// Entered; it must be running.
    case exec
    /// Started anew on the files it has, even where it is running.
    case noExec = "no_exec"
  }

  /// 1 to 64 letters, digits, dots, dashes and underscores, the first no dot or dash: it becomes the name of a folder.
  public let text: String
  public let use: Use

  public init(text: String, use: Use = .auto) {
    self.text = text
    self.use = use
  }

  init(_ word: OptionWord) throws(StepFault) {
    let colon = word.value.utf8.firstIndex(of: UInt8(ascii: ":"))
    let name = String(word.value[..<(colon ?? word.value.endIndex)])
    let flag = colon.map { String(word.value[word.value.utf8.index(after: $0)...]) } ?? ""
    func fault(_ why: String, _ remedy: String) -> StepFault {
      .value(origin: word.origin, value: word.value, why: why, remedy: remedy)
    }
    guard !name.isEmpty else { throw fault("the name is empty", "write NAME[:auto|create|exec|no_exec]") }
    guard name.utf8.count <= 64, name.utf8.allSatisfy(Self.isAllowed),
      name.utf8.first != UInt8(ascii: "."), name.utf8.first != UInt8(ascii: "-")
    else {
      throw fault(
        "a container's name has up to 64 letters, digits, dots, dashes and underscores, the first no dot or dash",
        "choose another name")
    }
    guard let use = flag.isEmpty ? .auto : Use(rawValue: flag) else {
      throw fault("\"\(shown(flag))\" is no way to use a container", "write auto, create, exec or no_exec")
    }
    self.init(text: name, use: use)
  }

  private static func isAllowed(_ byte: UInt8) -> Bool {
    (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte | 0x20) || "._-".utf8.contains(byte)
  }
}
