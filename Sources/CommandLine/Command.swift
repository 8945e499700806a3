/// One command: its words, operands and options.
public struct Command: Equatable, Sendable {
  /// What operands can be, for completions.
  public enum Operands: Equatable, Sendable {
    case nothing
    case files
    case words([String])
    /// The commands themselves.
    case commands
  }

  /// The words that select it, as `["sif", "list"]`.
  public let path: [String]
  /// How the operands are written in usage lines: `IMAGE COMMAND [ARGUMENT...]`.
  public let operands: String
  /// Fewest and most operands; nil: any number.
  public let fewest: Int
  public let most: Int?
  public let completes: Operands
  /// One line for lists of commands.
  public let summary: String
  /// A paragraph or more for help and man page.
  public let description: String
  public let examples: [String]
  public let options: [Option]
  /// Options may stand behind operands. Otherwise everything behind the first operand belongs to the program.
  public let mixesOptions: Bool
  public let isHidden: Bool

  public init(
    _ path: [String], _ operands: String = "", operands range: ClosedRange<Int>? = nil, fewest: Int = 0,
    completes: Operands? = nil, summary: String, description: String = "", examples: [String] = [],
    options: [Option] = [],
    mixesOptions: Bool = false, isHidden: Bool = false
  ) {
    self.path = path
    self.operands = operands
    self.fewest = range?.lowerBound ?? fewest
    most = range?.upperBound
    self.completes = completes ?? (operands.isEmpty ? .nothing : .files)
    self.summary = summary
    self.description = description
    self.examples = examples
    self.options = options
    self.mixesOptions = mixesOptions
    self.isHidden = isHidden
  }

  /// The words with blanks between them. Not by `joined`, which looks up types at run time: a launch asks for it.
  public var name: String { path.dropFirst().reduce(path.first ?? "") { $0 + " " + $1 } }

  /// `exec [OPTION...] IMAGE COMMAND [ARGUMENT...]`
  public var usage: String {
    name + (options.isEmpty ? "" : " [OPTION...]") + (operands.isEmpty ? "" : " " + operands)
  }
}

/// Why the words of a command line make no sense.
public enum UsageFault: Error, Equatable, Sendable {
  case noCommand
  case unknownCommand(String, near: String?)
  /// A word that only begins commands.
  case incompleteCommand(String, words: [String])
  case unknownOption(String, command: String, near: String?)
  case missingValue(option: String)
  case emptyValue(option: String)
  case notBoolean(source: String, value: String)
  case operandCount(command: String, usage: String)

  /// What failed and why, in that order; `remedy` says what to do.
  public var text: (what: String, why: String, remedy: String) {
    switch self {
    case .noCommand: ("nothing to do", "no command was given", "`apus help` lists them")
    case .unknownCommand(let word, let near):
      (
        "unknown command \(word)", "apus has none of that name",
        near.map { "did you mean `apus \($0)`?" } ?? "`apus help` lists them"
      )
    case .incompleteCommand(let word, let words):
      (
        "`apus \(word)` alone does nothing",
        "it needs one of these behind it: " + words.joined(separator: ", "),
        "`apus help \(word)` explains them"
      )
    case .unknownOption(let word, let command, let near):
      (
        "unknown option \(word)", "`\(Self.program(command))` has none of that name",
        near.map { "did you mean --\($0)?" } ?? "`\(Self.help(command))` lists them"
      )
    case .missingValue(let option): ("option \(option)", "it needs a value", "write it as \(option)=VALUE")
    case .emptyValue(let option):
      ("option \(option)", "its value is empty", "give it a value, or leave the option out")
    case .notBoolean(let source, let value):
      ("\(source)=\(value)", "it is neither true nor false", "use one of 1, 0, true, false")
    case .operandCount(let command, let usage):
      (
        "wrong number of operands for `apus \(command)`", "its usage is: apus \(usage)",
        "`apus help \(command)` shows more"
      )
    }
  }

  /// Options before the command are the program's own: `command` is empty then.
  private static func program(_ command: String) -> String { command.isEmpty ? "apus" : "apus \(command)" }

  private static func help(_ command: String) -> String {
    command.isEmpty ? "apus help" : "apus help \(command)"
  }
}
