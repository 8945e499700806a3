/// One thing of this node that containers use.
struct Check {
  enum State: String {
    case good = "ok"
    /// Something works less well, or not at all, without it.
    case missing
    /// No image can be run without it.
    case failing = "FAILING"
  }

  let name: String
  let state: State
  /// What was found.
  let found: String
  /// What its lack costs; empty when nothing does.
  let cost: String
  /// Who can change it, and how; empty when nobody has to.
  let remedy: String

  init(_ name: String, _ state: State, _ found: String, cost: String = "", remedy: String = "") {
    self.name = name
    self.state = state
    self.found = found
    self.cost = cost
    self.remedy = remedy
  }
}
