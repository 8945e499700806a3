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

/// Patterns of `include` lines (glob(7)), as far as files of settings are named by them: `*`, `?`, and sets in brackets.
public enum PathPattern {
  /// Whether an absolute pattern names the path; a dot at the start of a name has to be written.
  public static func matches(_ pattern: String, _ path: String) -> Bool {
    let patterns = ContainerPath.components(pattern)
    let names = ContainerPath.components(path)
    return patterns.count == names.count && zip(patterns, names).allSatisfy { matches(component: $0, $1) }
  }

  public static func matches(component pattern: String, _ name: String) -> Bool {
    if name.utf8.first == UInt8(ascii: "."), pattern.utf8.first != UInt8(ascii: ".") { return false }
    return matches(Array(pattern.utf8)[...], Array(name.utf8)[...])
  }

  private static func matches(_ pattern: ArraySlice<UInt8>, _ name: ArraySlice<UInt8>) -> Bool {
    var pattern = pattern
    var name = name
    // Where the last star stood, and what it has taken so far.
    var star: (pattern: ArraySlice<UInt8>, name: ArraySlice<UInt8>)?
    while true {
      if pattern.first == UInt8(ascii: "*") {
        pattern = pattern.dropFirst()
        star = (pattern, name)
        continue
      }
      if pattern.isEmpty, name.isEmpty { return true }
      if let byte = name.first, let rest = rest(of: pattern, behind: byte) {
        pattern = rest
        name = name.dropFirst()
        continue
      }
      guard let last = star, !last.name.isEmpty else { return false }
      star = (last.pattern, last.name.dropFirst())
      pattern = last.pattern
      name = last.name.dropFirst()
    }
  }

  /// What is left of a pattern whose first item stands for the byte; nil where it does not.
  private static func rest(of pattern: ArraySlice<UInt8>, behind byte: UInt8) -> ArraySlice<UInt8>? {
    guard let first = pattern.first else { return nil }
    if first == UInt8(ascii: "[") {
      let inside = pattern.dropFirst()
      // A bracket as the first of a set stands for itself.
      if let end = inside.dropFirst().firstIndex(of: UInt8(ascii: "]")) {
        return holds(inside[..<end], byte) ? pattern[(end + 1)...] : nil
      }
    }
    return first == UInt8(ascii: "?") || first == byte ? pattern.dropFirst() : nil
  }

  private static func holds(_ set: ArraySlice<UInt8>, _ byte: UInt8) -> Bool {
    let isNegated = set.first == UInt8(ascii: "!") || set.first == UInt8(ascii: "^")
    var items = isNegated ? set.dropFirst() : set
    var isIn = false
    while let first = items.first {
      if items.count >= 3, items[items.startIndex + 1] == UInt8(ascii: "-") {
        let last = items[items.startIndex + 2]
        if first <= last, (first...last).contains(byte) { isIn = true }
        items = items.dropFirst(3)
      } else {
        if first == byte { isIn = true }
        items = items.dropFirst()
      }
    }
    return isIn != isNegated
  }
}
