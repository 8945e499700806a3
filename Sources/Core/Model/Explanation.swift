/// What a person reads when something cannot be done: what failed, why, and what they can do about it.
///
/// Printed by the programs only, as `FATAL:   what: why` with the remedy on a line of its own.
public struct Explanation: Equatable, Sendable {
  public let what: String
  public let why: String
  /// Empty where the reader can do nothing.
  public let remedy: String

  public init(what: String, why: String, remedy: String = "") {
    self.what = what
    self.why = why
    self.remedy = remedy
  }
}

/// An error that can explain itself. Every fault of ours is one.
public protocol Explained: Error, Sendable {
  var explanation: Explanation { get }
}

/// Exit codes that are ours and not the program's (docs/user/exit-codes.md).
public enum ExitCode {
  /// The words of the command line make no sense.
  public static let usage: Int32 = 1
  /// Apus itself failed in a job step, before the program started.
  public static let jobStep: Int32 = 125
  /// The program was found but cannot be executed (POSIX shell convention).
  public static let notExecutable: Int32 = 126
  /// The program was not found.
  public static let notFound: Int32 = 127
  /// Apus itself failed before the program started.
  public static let failure: Int32 = 255
}
