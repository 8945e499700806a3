internal import Model

/// Something to say about a line of a settings file.
public enum SettingsFinding: Equatable, Sendable {
  /// The file cannot be used.
  case fault(SettingsFault)
  /// No setting of that name.
  case unknown(line: Int, key: String)
  /// Set before, and the first counts.
  case repeated(line: Int, key: String, first: Int)
  /// A key of apptainer.conf that has no effect; `isMissed`: and the site asks for something with it.
  case withoutEffect(line: Int, key: String, why: String, isMissed: Bool)

  public enum Level: String, Equatable, Sendable { case error, warning, note }

  public var level: Level {
    switch self {
    case .fault: .error
    case .unknown, .repeated: .warning
    case .withoutEffect(_, _, _, let isMissed): isMissed ? .warning : .note
    }
  }

  public var line: Int {
    switch self {
    case .fault(let fault): fault.place?.line ?? 0
    case .unknown(let line, _), .repeated(let line, _, _), .withoutEffect(let line, _, _, _): line
    }
  }

  public var text: String {
    switch self {
    case .fault(.notAssignment(_, let text)): "\"\(printable(text))\" is not \"key = value\""
    case .fault(.value(_, let key, let value, let expected)):
      "\"\(key)\" is \(value.isEmpty ? "empty" : printable(value)), expected is \(expected)"
    case .fault(let fault): fault.explanation.why
    case .unknown(_, let key): "there is no setting \"\(printable(key))\", it is ignored"
    case .repeated(_, let key, let first):
      "\"\(printable(key))\" was set in line \(first) already, that counts"
    case .withoutEffect(_, let key, let why, _): "\"\(key)\" means nothing to this version of apus: \(why)"
    }
  }

  public var remedy: String {
    switch self {
    case .fault(let fault): fault.explanation.remedy
    case .unknown: "check its spelling, or remove the line; `apus config show --all` names all settings"
    case .repeated(_, _, let first): "remove this line, or line \(first)"
    case .withoutEffect: "remove the line, or leave it: it does no harm"
    }
  }

  /// What a launch says of it.
  func notice(_ path: String) -> Notice {
    let level: Notice.Level = if case .withoutEffect = self { .verbose } else { .warning }
    return Notice(level, "\(path), line \(line): \(text)")
  }
}
