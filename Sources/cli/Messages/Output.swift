internal import Glibc
internal import Linux
public import Model

/// What the program prints: messages for people on standard error, results on standard output.
public struct Output: Sendable {
  /// How much is said, by Apptainer's numbers (`APUS_MESSAGELEVEL`): 5 debug, 4 verbose, 1 normal, -1 quiet,
  /// -3 silent.
  public var level: Int
  /// Colour of the level's word, only on a terminal.
  public var usesColor: Bool
  /// The node that failures happen on, where many write to one terminal; empty elsewhere.
  public var node = ""
  /// Where messages go.
  public var messages: Int32 = 2

  /// What lines begin with, in as many columns as a line that goes on for another.
  private static let fatalWord = "FATAL:   "
  private static let warningWord = "WARNING: "
  private static let infoWord = "INFO:    "
  private static let verboseWord = "VERBOSE: "
  private static let debugWord = "DEBUG   "
  private static let indent = "         "

  public init(level: Int = 1, usesColor: Bool? = nil) {
    self.level = level
    self.usesColor = usesColor ?? (isatty(2) == 1)
  }

  /// One `FATAL:` line, and the remedy on a line of its own. Returns the exit code given, for `return`.
  public func fatal(_ explanation: Explanation, exit code: Int32 = ExitCode.failure) -> Int32 {
    guard level > -3 else { return code }
    let place = node.isEmpty ? "" : node + ": "
    write(
      messages, word(Self.fatalWord, color: 31) + place + "\(explanation.what): \(explanation.why)\n")
    if !explanation.remedy.isEmpty { write(messages, Self.indent + "\(explanation.remedy)\n") }
    return code
  }

  /// Whether notices of that level are printed: what costs something to put into words is put only then.
  public func tells(_ kind: Notice.Level) -> Bool {
    switch kind {
    case .warning: level > -3
    case .info: level >= 1
    case .verbose: level >= 4
    case .debug: level >= 5
    }
  }

  public func notice(_ notice: Notice) {
    guard tells(notice.level) else { return }
    let start =
      switch notice.level {
      case .warning: word(Self.warningWord, color: 33)
      case .info: word(Self.infoWord, color: 34)
      case .verbose: word(Self.verboseWord, color: 34)
      case .debug: Self.debugWord
      }
    write(messages, start + notice.text + "\n")
  }

  /// Whether a line is one that `fatal` or `notice` has written without colour.
  public static func isMessage(_ line: [UInt8]) -> Bool {
    [fatalWord, warningWord, infoWord, verboseWord, debugWord, indent].contains { line.starts(with: $0.utf8) }
  }

  /// A result, on standard output.
  public func result(_ text: String) { write(1, text) }

  /// How far something is, on standard error; as it is.
  public func progress(_ text: String) { write(messages, text) }

  private func word(_ text: String, color: Int) -> String {
    usesColor ? "\u{1B}[\(color)m\(text)\u{1B}[0m" : text
  }

  private func write(_ descriptor: Int32, _ text: String) {
    // A reader that has gone away is no reason to fail: the exit code still tells.
    try? File.write(Array(text.utf8), to: descriptor)
  }
}
