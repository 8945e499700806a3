internal import Model

/// Takes the lines of a settings file one after another. A list adds up over its lines; of a key with one value the first
/// line counts, as in Apptainer.
struct SettingsReader {
  private(set) var settings = Settings()
  private(set) var findings: [SettingsFinding] = []
  /// The line of each value, in the order of the file. An empty list has one, too.
  private(set) var origins: [(key: String, value: String, line: Int)] = []
  private let path: String

  init(path: String) { self.path = path }

  mutating func take(_ line: SettingsLine) throws(SettingsFault) {
    let place = SettingsFault.Place(path: path, line: line.number)
    switch line.content {
    case .other(let text): throw .notAssignment(place, text: text)
    case .assignment(let key, let value):
      let first = origins.first { $0.key == key }
      if let first, !Settings.lists.contains(key) {
        findings.append(.repeated(line: line.number, key: key, first: first.line))
        return
      }
      // The built-in ones hold only where a file names none.
      if key == "bind path", first == nil { settings.bindPaths = [] }
      if try settings.set(key, value, place) {
        // Binds stay as they are written: their commas have a grammar of their own.
        let items =
          Settings.lists.contains(key) && key != "bind path" ? SettingsLine.items(of: value) : [value]
        origins += (items.isEmpty ? [""] : items).map { (key, $0, line.number) }
      } else if let foreign = ForeignDirective.named(key) {
        let isMissed = foreign.isMissed && ["yes", "true", "1", "on"].contains(value.lowercased())
        findings.append(
          .withoutEffect(line: line.number, key: key, why: foreign.why, isMissed: isMissed))
      } else {
        findings.append(.unknown(line: line.number, key: key))
      }
    }
  }
}
