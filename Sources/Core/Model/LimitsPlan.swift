/// Limits of a container's own control group (version 2), made for it and removed after it.
public struct LimitsPlan: Equatable, Sendable {
  /// The group of the host that the new one is made in: an absolute path of its file system.
  public var parent: String
  /// Controllers that it has and does not hand on yet.
  public var enabled: [String]
  /// Files of the new group and what is written to them, in order.
  public var values: [Value]
  /// The options that asked for it.
  public var reason: String

  /// One limit: `memory.max` and `1048576`.
  public struct Value: Equatable, Sendable {
    public let file: String
    public let text: String

    public init(_ file: String, _ text: String) {
      self.file = file
      self.text = text
    }

    /// The controller the file belongs to: `memory` of `memory.swap.max`.
    public var controller: String { String(file.prefix { $0 != "." }) }
  }

  public init(parent: String, enabled: [String] = [], values: [Value], reason: String) {
    self.parent = parent
    self.enabled = enabled
    self.values = values
    self.reason = reason
  }
}
