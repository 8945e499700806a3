internal import Model
internal import Reference

/// Makes registries of the tables of one file. The lists of version 1 (`[registries.insecure]`,
/// `[registries.block]`) are understood: to pass over a block would be wrong.
struct RegistriesParser {
  private typealias Registry = RegistriesConfiguration.Registry

  private struct Draft {
    var prefix: String?
    var location: String?
    var isInsecure = false
    var isBlocked = false
    var isMirrorsByDigestOnly = false
    var mirrors: [RegistriesConfiguration.Mirror] = []
    let line: Int
    var keys: [String] = []
  }

  private let path: String
  private var drafts: [Draft] = []
  /// Whether the keys that come belong to the last mirror of the last draft.
  private var isInMirror = false
  private var mirrorKeys: [String] = []
  private var mirrorLine = 0

  static func registries(
    of text: [UInt8], path: String
  ) throws(RegistriesFault) -> [RegistriesConfiguration.Registry] {
    var parser = RegistriesParser(path: path)
    return try parser.parse(text)
  }

  private init(path: String) { self.path = path }

  private mutating func parse(_ text: [UInt8]) throws(RegistriesFault) -> [Registry] {
    var table: [String] = []
    var old: [Registry] = []
    for item in try TOMLReader.items(of: text, path: path) {
      switch item {
      case .table(let name, let isElement, let line):
        table = name
        try open(name, isElement, line)
      case .pair(let key, let value, let line):
        switch table {
        case ["registry"]: try set(key, value, line)
        case ["registry", "mirror"]: try setMirror(key, value, line)
        case ["registries", "insecure"], ["registries", "block"]:
          guard key == ["registries"], case .strings(let names) = value else { continue }
          for name in names {
            let name = try location(name, "registries", line)
            var registry = Registry(prefix: name, location: name, path: path)
            if let known = old.firstIndex(where: { $0.prefix == name }) { registry = old.remove(at: known) }
            if table[1] == "block" { registry.isBlocked = true } else { registry.isInsecure = true }
            old.append(registry)
          }
        default: break
        }
      }
    }
    try closeMirror()
    var found = old
    for draft in drafts { found.append(try registry(draft)) }
    return found
  }

  private mutating func open(_ name: [String], _ isElement: Bool, _ line: Int) throws(RegistriesFault) {
    guard name == ["registry"] || name == ["registry", "mirror"] else { return }
    try closeMirror()
    guard isElement else {
      throw .syntax(
        path: path, line: line,
        why: "[\(name.connected(by: "."))] stands in double brackets: there may be several")
    }
    if name.count == 1 {
      drafts.append(Draft(line: line))
    } else {
      guard let last = drafts.indices.last else {
        throw .syntax(path: path, line: line, why: "a mirror comes before any [[registry]]")
      }
      drafts[last].mirrors.append(RegistriesConfiguration.Mirror(location: ""))
      (isInMirror, mirrorKeys, mirrorLine) = (true, [], line)
    }
  }

  private mutating func closeMirror() throws(RegistriesFault) {
    if isInMirror, drafts.last?.mirrors.last?.location.isEmpty ?? false {
      throw .syntax(path: path, line: mirrorLine, why: "a mirror has no location")
    }
    isInMirror = false
  }

  private mutating func set(_ key: [String], _ value: TOMLReader.Value, _ line: Int) throws(RegistriesFault) {
    guard key.count == 1, let last = drafts.indices.last else { return }
    try once(key[0], in: &drafts[last].keys, line)
    switch key[0] {
    case "prefix": drafts[last].prefix = try prefix(try string(value, key[0], line), line)
    case "location":
      let text = try string(value, key[0], line)
      drafts[last].location = text.isEmpty ? nil : try location(text, key[0], line)
    case "insecure": drafts[last].isInsecure = try boolean(value, key[0], line)
    case "blocked": drafts[last].isBlocked = try boolean(value, key[0], line)
    case "mirror-by-digest-only": drafts[last].isMirrorsByDigestOnly = try boolean(value, key[0], line)
    default: break
    }
  }

  private mutating func setMirror(
    _ key: [String], _ value: TOMLReader.Value, _ line: Int
  ) throws(RegistriesFault) {
    guard key.count == 1, let draft = drafts.indices.last, let last = drafts[draft].mirrors.indices.last
    else { return }
    try once(key[0], in: &mirrorKeys, line)
    switch key[0] {
    case "location":
      drafts[draft].mirrors[last].location = try location(try string(value, key[0], line), key[0], line)
    case "insecure": drafts[draft].mirrors[last].isInsecure = try boolean(value, key[0], line)
    case "pull-from-mirror":
      let word = try string(value, key[0], line)
      guard ["all", "digest-only", "tag-only"].contains(word) else {
        throw .value(path: path, line: line, key: key[0], expected: "all, digest-only or tag-only")
      }
      drafts[draft].mirrors[last].isByDigestOnly = word == "digest-only"
      drafts[draft].mirrors[last].isByTagOnly = word == "tag-only"
    default: break
    }
  }

  private func registry(_ draft: Draft) throws(RegistriesFault) -> Registry {
    guard let prefix = draft.prefix ?? draft.location else {
      throw .syntax(path: path, line: draft.line, why: "a registry has neither prefix nor location")
    }
    let isWild = prefix.starts(withBytesOf: "*.")
    var registry = Registry(
      prefix: prefix, location: draft.location ?? (isWild ? "" : prefix), isInsecure: draft.isInsecure,
      isBlocked: draft.isBlocked, mirrors: draft.mirrors, path: path)
    if draft.isMirrorsByDigestOnly {
      for index in registry.mirrors.indices {
        registry.mirrors[index].isByDigestOnly = true
        registry.mirrors[index].isByTagOnly = false
      }
    }
    return registry
  }

  private func once(_ key: String, in keys: inout [String], _ line: Int) throws(RegistriesFault) {
    guard !keys.contains(key) else {
      throw .syntax(path: path, line: line, why: "\(key) is given twice")
    }
    keys.append(key)
  }

  private func string(
    _ value: TOMLReader.Value, _ key: String, _ line: Int
  ) throws(RegistriesFault) -> String {
    guard case .string(let text) = value else {
      throw .value(path: path, line: line, key: key, expected: "a text in quotes")
    }
    return text
  }

  private func boolean(_ value: TOMLReader.Value, _ key: String, _ line: Int) throws(RegistriesFault) -> Bool
  {
    guard case .boolean(let isSet) = value else {
      throw .value(path: path, line: line, key: key, expected: "true or false")
    }
    return isSet
  }

  /// `HOST[:PORT][/PATH]`; a slash at its end is taken off.
  private func location(_ text: String, _ key: String, _ line: Int) throws(RegistriesFault) -> String {
    var text = text[...]
    while text.utf8.last == UInt8(ascii: "/") { text = text.dropLast() }
    let parts = text.fields(at: UInt8(ascii: "/"))
    guard RegistryName.isValid(String(parts[0])), parts.allSatisfy({ !$0.isEmpty }) else {
      throw .value(path: path, line: line, key: key, expected: "HOST[:PORT][/PATH], without a scheme")
    }
    return String(text)
  }

  private func prefix(_ text: String, _ line: Int) throws(RegistriesFault) -> String {
    guard text.starts(withBytesOf: "*.") else { return try location(text, "prefix", line) }
    return "*." + (try location(String(text.dropFirst(2)), "prefix", line))
  }
}
