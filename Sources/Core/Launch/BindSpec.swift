internal import Model

/// A path of the host to be shown in the container.
struct BindSpec: Equatable, Sendable {
  /// Absolute, normalized.
  var source: String
  var target: String
  var isWritable: Bool
  /// As the user wrote it, for messages.
  var text: String
}

/// The sources of a `bind path` of the site's settings.
public func sources(ofBindPath text: String) throws(LaunchFault) -> [String] {
  try BindGrammar.parse(bind: text, from: "/").map(\.source)
}

/// The grammars of `--bind` and `--mount`.
enum BindGrammar {
  /// `spec[,spec…]`, a spec being `source[:target[:option[,option]]]`. An item that is an option's word belongs to the
  /// spec before it. `\:` and `\,` are literal. Relative sources are taken from `directory`.
  static func parse(bind text: String, from directory: String) throws(LaunchFault) -> [BindSpec] {
    var specs: [[String]] = []
    for item in split(text, at: ",") {
      let fields = split(item, at: ":").map(unescaped)
      if fields.count == 1, ["ro", "rw"].contains(fields[0]), var last = specs.popLast() {
        last.append(fields[0])
        specs.append(last)
      } else if !(fields.count == 1 && fields[0].isEmpty) {
        specs.append(fields)
      }
    }
    var binds: [BindSpec] = []
    for fields in specs {
      let shown = fields.connected(by: ":")
      var places = fields
      var writable = true
      while places.count > 1, let last = places.last, places.count > 2 || ["ro", "rw"].contains(last) {
        guard last == "ro" || last == "rw" else {
          throw .bindSyntax(spec: shown, why: "\"\(printable(last))\" is not an option; ro and rw are")
        }
        if last == "ro" { writable = false }
        places.removeLast()
      }
      if places[0].isEmpty { places.removeFirst() }
      guard let first = places.first, !first.isEmpty else {
        throw .bindSyntax(spec: shown, why: "it names no source")
      }
      let source = ContainerPath.normalized(first, from: directory)
      var target = source
      if places.count > 1, !places[1].isEmpty {
        guard ContainerPath.isAbsolute(places[1]) else {
          throw .bindSyntax(
            spec: shown, why: "the target \"\(printable(places[1]))\" is not an absolute path")
        }
        target = ContainerPath.normalized(places[1])
      }
      guard target != "/" else {
        throw .bindSyntax(spec: shown, why: "nothing can be bound onto the root itself")
      }
      binds.append(BindSpec(source: source, target: target, isWritable: writable, text: shown))
    }
    return binds
  }

  /// Fields of `key=value` separated by commas, a field with commas in double quotes (RFC 4180).
  static func parse(mount text: String, from directory: String) throws(LaunchFault) -> BindSpec {
    var source: String?
    var target: String?
    var writable = true
    var seen: [String] = []
    for field in try fields(text) {
      let parts = field.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
      let value = parts.count > 1 ? parts[1] : nil
      let key = fieldNames[parts[0]] ?? parts[0]
      guard !seen.contains(key) else { throw .mountSyntax(spec: text, why: "it has \(key) twice") }
      seen.append(key)
      switch key {
      case "type":
        guard value == "bind" else {
          throw .mountSyntax(
            spec: text, why: "type \"\(printable(value ?? ""))\" is not supported, only bind is")
        }
      case "source": source = value
      case "target": target = value
      case "ro":
        switch value {
        case nil, "true", "1": writable = false
        case "false", "0": writable = true
        default: throw .mountSyntax(spec: text, why: "\(parts[0]) is neither true nor false")
        }
      case "nonested": break
      default: throw .mountSyntax(spec: text, why: "there is no field \"\(printable(parts[0]))\"")
      }
    }
    guard let source, !source.isEmpty else { throw .mountSyntax(spec: text, why: "it names no source") }
    guard let target, ContainerPath.isAbsolute(target), ContainerPath.normalized(target) != "/" else {
      throw .mountSyntax(spec: text, why: "it needs a target that is an absolute path below the root")
    }
    return BindSpec(
      source: ContainerPath.normalized(source, from: directory), target: ContainerPath.normalized(target),
      isWritable: writable, text: text)
  }

  /// Other names of fields.
  private static let fieldNames = [
    "src": "source", "destination": "target", "dst": "target", "readonly": "ro",
  ]

  /// One record of RFC 4180.
  static func fields(_ text: String) throws(LaunchFault) -> [String] {
    var fields: [String] = []
    var field = ""
    var isQuoted = false
    var left = text.unicodeScalars[...]
    while let scalar = left.popFirst() {
      if isQuoted {
        if scalar != "\"" {
          field.unicodeScalars.append(scalar)
        } else if left.first == "\"" {
          field.unicodeScalars.append(scalar)
          left.removeFirst()
        } else {
          isQuoted = false
          guard left.isEmpty || left.first == "," else {
            throw .mountSyntax(spec: text, why: "a closing quote stands before the end of its field")
          }
        }
      } else if scalar == "\"" {
        guard field.isEmpty else { throw .mountSyntax(spec: text, why: "a quote stands inside a field") }
        isQuoted = true
      } else if scalar == "," {
        fields.append(field)
        field = ""
      } else {
        field.unicodeScalars.append(scalar)
      }
    }
    guard !isQuoted else { throw .mountSyntax(spec: text, why: "a quote is not closed") }
    return fields + [field]
  }

  private static func split(_ text: String, at separator: Character) -> [String] {
    if let byte = separator.asciiValue, !text.utf8.contains(UInt8(ascii: "\\")) {
      return text.fields(at: byte).map(String.init)
    }
    var parts = [""]
    var isEscaped = false
    for character in text {
      if character == separator && !isEscaped {
        parts.append("")
      } else {
        parts[parts.count - 1].append(character)
      }
      isEscaped = character == "\\" && !isEscaped
    }
    return parts
  }

  private static func unescaped(_ text: String) -> String {
    guard text.utf8.contains(UInt8(ascii: "\\")) else { return text }
    var out = ""
    var left = text[...]
    while let character = left.popFirst() {
      if character == "\\", let next = left.first, next == ":" || next == "," {
        out.append(next)
        left.removeFirst()
      } else {
        out.append(character)
      }
    }
    return out
  }
}
