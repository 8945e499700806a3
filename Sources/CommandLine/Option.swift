/// One option of a command: the single declaration that the parser, help, man pages and completions read.
public struct Option: Equatable, Sendable {
  public enum Kind: Equatable, Sendable {
    /// On or off; `--name=false` is accepted.
    case flag
    /// Takes one value; the last one given counts.
    case value(String)
    /// May be given several times, each value kept as it is.
    case many(String)
    /// May be given several times; each line of a value is a value of its own.
    case lines(String)
    /// May be given several times; each value is a list with commas, blanks around items are dropped.
    case list(String)
  }

  public let name: String
  /// A letter for the short form.
  public let letter: Character?
  public let kind: Kind
  /// Names of environment variables without their prefix, the first being the documented one.
  public let variables: [String]
  /// Other spellings that are accepted and not shown.
  public let synonyms: [String]
  public let help: String
  public let isHidden: Bool
  /// Whether an empty value makes no sense. With others it means that nothing is asked for.
  public let refusesEmpty: Bool

  public init(
    _ name: String, _ letter: Character? = nil, _ kind: Kind = .flag, variables: [String] = [],
    synonyms: [String] = [],
    help: String, isHidden: Bool = false, refusesEmpty: Bool = false
  ) {
    self.name = name
    self.letter = letter
    self.kind = kind
    self.variables = variables
    self.synonyms = synonyms
    self.help = help
    self.isHidden = isHidden
    self.refusesEmpty = refusesEmpty
  }

  /// What the value stands for, nil for a flag.
  public var placeholder: String? {
    switch kind {
    case .flag: nil
    case .value(let name), .many(let name), .lines(let name), .list(let name): name
    }
  }

  /// `-B, --bind SPEC`
  public var usage: String {
    let short = letter.map { "-\($0), " } ?? "    "
    return short + "--" + name + (placeholder.map { " " + $0 } ?? "")
  }

  /// Values from the command line and from the environment add up instead of one hiding the other.
  public var addsEnvironment: Bool {
    switch kind {
    case .many, .lines: true
    case .flag, .value, .list: false
    }
  }

  /// Whether the value is a path of the host, for completions.
  var takesPath: Bool {
    let places = ["SOURCE", "DIRECTORY", "FILE"]
    return placeholder.map { name in places.contains { name.hasPrefix($0) } } ?? false
  }
}
