/// What became of a program's use of a file: noted by who follows it (`--diagnose`).
public struct Observation: Equatable, Sendable {
  public enum Use: Int32, Equatable, Sendable { case look, read, write, execute }

  public let use: Use
  /// As the program named it, absolute, of the container.
  public let path: String
  /// The errno; 0: it worked.
  public let failure: Int32
  /// What of the path the container does not have and the host has: the topmost such directory or file.
  public var onHost: String?

  public init(_ use: Use, _ path: String, failure: Int32, onHost: String? = nil) {
    self.use = use
    self.path = path
    self.failure = failure
    self.onHost = onHost
  }
}
