/// One thing of a node that containers use.
public struct Check: Equatable, Sendable {
  public enum State: String, Sendable {
    case good = "ok"
    /// Something works less well, or not at all, without it.
    case missing
    /// No image can be run without it.
    case failing = "FAILING"
  }

  public let name: String
  public let state: State
  /// What was found.
  public let found: String
  /// What its lack costs; empty when nothing does.
  public let cost: String
  /// Who can change it, and how; empty when nobody has to.
  public let remedy: String

  public init(_ name: String, _ state: State, _ found: String, cost: String = "", remedy: String = "") {
    self.name = name
    self.state = state
    self.found = found
    self.cost = cost
    self.remedy = remedy
  }
}
