/// A settings file looked at as a whole: all that can be said of its lines, what it comes to, and where that stands.
public struct SettingsReview: Sendable {
  /// What the lines come to that can be used.
  public let settings: Settings
  /// By line.
  public let findings: [SettingsFinding]
  private let origins: [(key: String, value: String, line: Int)]

  public init(_ text: String, path: String) {
    var reader = SettingsReader(path: path)
    var faults: [SettingsFinding] = []
    for line in SettingsLine.all(of: text) {
      do throws(SettingsFault) { try reader.take(line) } catch { faults.append(.fault(error)) }
    }
    settings = reader.settings
    findings = (reader.findings + faults).sorted { $0.line < $1.line }
    origins = reader.origins
  }

  /// A setting as it holds.
  public struct Value: Equatable, Sendable {
    public let key: String
    public let value: String
    /// Of the file; nil: the default.
    public let line: Int?
  }

  /// Every setting, those with several values once for each; without any: once, with an empty value.
  public var values: [Value] {
    settings.shown.flatMap { key, values in
      let origins = origins.filter { $0.key == key }
      if values.isEmpty { return [Value(key: key, value: "", line: origins.first?.line)] }
      return values.map { value in
        // A single value may have been written in other words.
        let origin = values.count > 1 ? origins.first { $0.value == value } : origins.last
        return Value(key: key, value: value, line: origin?.line)
      }
    }
  }
}
