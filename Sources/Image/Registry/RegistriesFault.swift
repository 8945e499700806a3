public import Model

/// Why registries.conf cannot be followed.
public enum RegistriesFault: Error, Equatable, Sendable {
  case unreadable(path: String, why: String)
  case syntax(path: String, line: Int, why: String)
  case value(path: String, line: Int, key: String, expected: String)
  /// The registry, or the part of it with this prefix, is not to be used here.
  case blocked(name: String, prefix: String, path: String)
  /// What a prefix and its location make of a name is no repository.
  case rewriting(name: String, location: String, path: String)
}

extension RegistriesFault: Explained {
  public var explanation: Explanation {
    switch self {
    case .unreadable(let path, let why):
      Explanation(
        what: "cannot read \(printable(path))", why: why, remedy: "check the path and its permissions")
    case .syntax(let path, let line, let why):
      Explanation(
        what: "cannot read \(printable(path))", why: "line \(line): \(printable(why))",
        remedy: "mend the line")
    case .value(let path, let line, let key, let expected):
      Explanation(
        what: "cannot read \(printable(path))",
        why: "line \(line): \(printable(key)) is \(expected)", remedy: "mend the line")
    case .blocked(let name, let prefix, let path):
      Explanation(
        what: "cannot use \(printable(name))", why: "\(printable(path)) blocks \(printable(prefix))",
        remedy: "ask who looks after this machine for a registry that may be used")
    case .rewriting(let name, let location, let path):
      Explanation(
        what: "cannot use \(printable(name))",
        why:
          "with the location \(printable(location)) in \(printable(path)) no repository is left of its name",
        remedy: "give the location a path, or the prefix a shorter one")
    }
  }
}
