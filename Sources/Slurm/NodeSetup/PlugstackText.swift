internal import Model

/// What a file says in the language of plugstack.conf: a line is `required|optional PLUGIN [WORD...]` or
/// `include PATTERN`; `#` begins a comment (spank(8), "CONFIGURATION").
public struct PlugstackText: Equatable, Sendable {
  /// A line that names our plugin.
  public struct Line: Equatable, Sendable {
    /// Without it a node runs what it cannot put into a container on the host.
    public let isRequired: Bool
    /// As the line has it: relative to Slurm's PluginDir.
    public let plugin: String
    /// What stands behind it: `KEY=VALUE`.
    public let words: [String]
  }

  public static let pluginName = "spank_apus.so"

  /// Patterns of files to be read as well, relative to the directory of this one.
  public let includes: [String]
  /// Those of our plugin.
  public let lines: [Line]

  public init(_ text: String) {
    let lines = text.lines.map(Self.words)
    includes = lines.filter { $0.count == 2 && $0[0].lowercased() == "include" }.map { $0[1] }
    self.lines = lines.compactMap(Self.ours)
  }

  private static func words(_ line: Substring) -> [String] {
    let plain = line.fields(at: UInt8(ascii: "#")).first ?? ""
    return plain.split { $0 == " " || $0 == "\t" || $0 == "\r" }.map(String.init)
  }

  private static func ours(_ words: [String]) -> Line? {
    guard words.count >= 2, ["required", "optional"].contains(words[0].lowercased()),
      ContainerPath.lastComponent(words[1]) == pluginName
    else { return nil }
    return Line(
      isRequired: words[0].lowercased() == "required", plugin: words[1], words: Array(words[2...]))
  }

  /// The text with one line for the plugin: one that is there keeps its keys but for those in `words`, and its place.
  /// `added` are words that only a new line gets.
  static func edited(_ text: String, plugin: String, words: [String], added: [String]) -> String {
    var lines = text.fields(at: 0x0A).map(String.init)
    if lines.last == "" { lines.removeLast() }
    var isThere = false
    for (position, line) in lines.enumerated() {
      let old = Self.words(line[...])
      guard ours(old) != nil else { continue }
      isThere = true
      var new = [old[0], plugin] + old[2...]
      for word in words {
        let key = Self.key(word)
        if let place = new[2...].firstIndex(where: { Self.key($0) == key }) {
          new[place] = word
        } else {
          new.append(word)
        }
      }
      if new != old { lines[position] = new.connected(by: " ") }
    }
    if !isThere { lines.append((["required", plugin] + words + added).connected(by: " ")) }
    return lines.connected(by: "\n") + "\n"
  }

  private static func key(_ word: String) -> Substring { word.fields(at: UInt8(ascii: "="))[0] }
}
