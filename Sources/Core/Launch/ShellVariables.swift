/// The variables of a shell. A launch has some dozens: searching a list costs less than hashing names, and needs none
/// of the type machinery that the first hash table of a program sets up.
struct ShellVariables {
  struct Variable {
    let name: String
    /// nil: marked for export without a value.
    var value: String?
    var isExported = false
    /// Whether a script assigned it.
    var isAssigned = false
  }

  /// In the order in which they first came.
  private(set) var all: [Variable] = []

  subscript(_ name: String) -> String? { index(of: name).flatMap { all[$0].value } }

  mutating func set(_ name: String, _ value: String, export: Bool = false, assigned: Bool = false) {
    let place = index(making: name)
    all[place].value = value
    if export { all[place].isExported = true }
    if assigned { all[place].isAssigned = true }
  }

  mutating func export(_ name: String) { all[index(making: name)].isExported = true }

  mutating func remove(_ name: String) {
    if let place = index(of: name) { all.remove(at: place) }
  }

  private func index(of name: String) -> Int? { all.firstIndex { $0.name == name } }

  private mutating func index(making name: String) -> Int {
    if let place = index(of: name) { return place }
    all.append(Variable(name: name, value: nil))
    return all.count - 1
  }
}
