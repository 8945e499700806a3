public import Model

/// What an administrator decides: etc/apus/apus.conf, read once a launch. A missing file means the defaults.
///
/// `key = value`, a line each, `#` begins a comment. Keys that mean the same have the names Apptainer gives them, so
/// that lines can be copied.
public struct Settings: Equatable, Sendable {
  public enum DeviceMount: Equatable, Sendable { case yes, no, minimal }

  /// `bind path`: paths of the host shown in every container, `SOURCE[:TARGET]`.
  public var bindPaths = ["/etc/localtime", "/etc/hosts"]
  public var mountsHome = true
  public var mountsTemporary = true
  public var mountsProc = true
  public var mountsSys = true
  public var deviceMount = DeviceMount.yes
  public var allowsUserBinds = true
  public var writesPasswd = true
  public var writesGroup = true
  public var writesResolverConfiguration = true
  /// `sessiondir max size`, in bytes; nil: an eighth of the memory the launch may use, at least 64 MiB.
  public var sessionBytes: Int?
  /// `mount linger`, in seconds: how long an image server waits for the next launch.
  public var lingerSeconds = 5.0
  /// `mount timeout`, in seconds: how long a launch waits for a server's answer.
  public var patienceSeconds = 10.0
  /// `shared mount`
  public var sharesMounts = true
  public var notices: [Notice] = []

  public init() {}

  /// Reads the text of a file. `path` is for messages.
  public init(parsing text: String, path: String) throws(SettingsFault) {
    var bindPaths: [String]?
    for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
      let bare = Self.trimmed(line.prefix { $0 != "#" })
      guard !bare.isEmpty else { continue }
      let place = SettingsFault.Place(path: path, line: index + 1)
      guard let equals = bare.firstIndex(of: "=") else { throw .notAssignment(place, text: bare) }
      let key = Self.trimmed(bare[..<equals]).lowercased()
      let value = Self.trimmed(bare[bare.index(after: equals)...])
      if key == "bind path" {
        bindPaths = (bindPaths ?? []) + [value]
      } else {
        try set(key, value, place)
      }
    }
    if let bindPaths { self.bindPaths = bindPaths }
  }

  private mutating func set(_ key: String, _ value: String, _ place: SettingsFault.Place) throws(SettingsFault) {
    switch key {
    case "mount home": mountsHome = try Self.boolean(value, key, place)
    case "mount tmp": mountsTemporary = try Self.boolean(value, key, place)
    case "mount proc": mountsProc = try Self.boolean(value, key, place)
    case "mount sys": mountsSys = try Self.boolean(value, key, place)
    case "mount dev":
      deviceMount = value == "minimal" ? .minimal : try Self.boolean(value, key, place) ? .yes : .no
    case "user bind control": allowsUserBinds = try Self.boolean(value, key, place)
    case "config passwd": writesPasswd = try Self.boolean(value, key, place)
    case "config group": writesGroup = try Self.boolean(value, key, place)
    case "config resolv_conf": writesResolverConfiguration = try Self.boolean(value, key, place)
    case "shared mount": sharesMounts = try Self.boolean(value, key, place)
    case "sessiondir max size":
      guard let mebibytes = Int(value), mebibytes > 0, mebibytes < 1 << 30 else {
        throw .value(place, key: key, value: value, expected: "a number of MiB")
      }
      sessionBytes = mebibytes << 20
    case "mount linger", "mount timeout":
      guard let seconds = Double(value), seconds >= 0, seconds < 1e6 else {
        throw .value(place, key: key, value: value, expected: "a number of seconds")
      }
      if key == "mount linger" { lingerSeconds = seconds } else { patienceSeconds = seconds }
    default:
      notices.append(
        Notice(.verbose, "\(place.path), line \(place.line): \"\(printable(key))\" is not a setting of this version"))
    }
  }

  private static func boolean(_ value: String, _ key: String, _ place: SettingsFault.Place) throws(SettingsFault) -> Bool {
    switch value.lowercased() {
    case "yes", "true", "1", "on": true
    case "no", "false", "0", "off": false
    default: throw .value(place, key: key, value: value, expected: "yes or no")
    }
  }

  private static func trimmed(_ text: some StringProtocol) -> String {
    let start = text.drop { $0 == " " || $0 == "\t" || $0 == "\r" }
    return String(start.reversed().drop { $0 == " " || $0 == "\t" || $0 == "\r" }.reversed())
  }
}

/// Why the settings cannot be used.
public enum SettingsFault: Error, Equatable, Sendable {
  public struct Place: Equatable, Sendable {
    public let path: String
    public let line: Int
  }

  case notAssignment(Place, text: String)
  case value(Place, key: String, value: String, expected: String)
  case unreadable(path: String, why: String)
}

extension SettingsFault: Explained {
  public var explanation: Explanation {
    switch self {
    case .notAssignment(let place, let text):
      Explanation(
        what: "cannot read \(place.path)", why: "line \(place.line) is not \"key = value\": \(printable(text))",
        remedy: "mend the line, or put a # before it")
    case .value(let place, let key, let value, let expected):
      Explanation(
        what: "cannot read \(place.path)",
        why: "line \(place.line) says \(key) = \(printable(value)), expected is \(expected)", remedy: "mend the line")
    case .unreadable(let path, let why):
      Explanation(what: "cannot read \(path)", why: why, remedy: "check the file's permissions")
    }
  }
}
