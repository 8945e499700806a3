public import Model

/// Why the settings cannot be used.
public enum SettingsFault: Error, Equatable, Sendable {
  public struct Place: Equatable, Sendable {
    public let path: String
    public let line: Int
  }

  case notAssignment(Place, text: String)
  case value(Place, key: String, value: String, expected: String)
  case unreadable(path: String, why: String)

  /// nil: the file as a whole.
  var place: Place? {
    switch self {
    case .notAssignment(let place, _), .value(let place, _, _, _): place
    case .unreadable: nil
    }
  }
}

extension SettingsFault: Explained {
  public var explanation: Explanation {
    switch self {
    case .notAssignment(let place, let text):
      Explanation(
        what: "cannot read \(place.path)",
        why: "line \(place.line) is not \"key = value\": \(printable(text))",
        remedy: "mend the line, or put a # before it")
    case .value(let place, let key, let value, let expected):
      Explanation(
        what: "cannot read \(place.path)",
        why: "line \(place.line) says \(key) = \(printable(value)), expected is \(expected)",
        remedy: "mend the line")
    case .unreadable(let path, let why):
      Explanation(what: "cannot read \(path)", why: why, remedy: "check the file's permissions")
    }
  }
}
