internal import Model

/// Reads `labels.json`: one object whose members are strings. nil for anything else: an image may hold any file there.
/// Members that are no strings are skipped; of equal names the last counts (RFC 8259, section 4).
func parseLabels(_ text: String) -> [(name: String, value: String)]? {
  guard let json = try? JSON(parsing: Array(text.utf8)), case .object(let members) = json else { return nil }
  var labels: [(name: String, value: String)] = []
  for (name, member) in members {
    guard let value = member.text else { continue }
    labels.removeAll { $0.name == name }
    labels.append((name, value))
  }
  return labels
}
