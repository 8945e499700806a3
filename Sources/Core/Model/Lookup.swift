/// Values by name, for the handful of names a launch asks about: a list that is searched. The first hash table of a
/// program costs more than all these searches together.
@frozen public struct Lookup<Value: Sendable>: Sendable, ExpressibleByDictionaryLiteral {
  @usableFromInline var entries: [(name: String, value: Value)]

  @inlinable public init(dictionaryLiteral entries: (String, Value)...) {
    self.entries = []
    for (name, value) in entries { self[name] = value }
  }

  public var isEmpty: Bool { entries.isEmpty }

  /// In the order in which they were first set.
  @inlinable public var names: [String] { entries.map(\.name) }

  /// In the order in which the names were first set.
  @inlinable public var values: [Value] { entries.map(\.value) }

  @inlinable public subscript(_ name: String) -> Value? {
    get { entries.first { $0.name == name }?.value }
    set {
      if let place = entries.firstIndex(where: { $0.name == name }) {
        if let newValue { entries[place].value = newValue } else { entries.remove(at: place) }
      } else if let newValue {
        entries.append((name, newValue))
      }
    }
  }
}

extension Lookup: Equatable where Value: Equatable {
  public static func == (left: Lookup, right: Lookup) -> Bool {
    left.entries.count == right.entries.count && left.entries.allSatisfy { right[$0.name] == $0.value }
  }
}
