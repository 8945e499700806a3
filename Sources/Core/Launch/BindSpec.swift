internal import Model

/// A path of the host to be shown in the container.
struct BindSpec: Equatable, Sendable {
  /// Absolute, normalized.
  var source: String
  var target: String
  var isWritable: Bool
  /// As the user wrote it, for messages.
  var text: String
  /// The option it was written with.
  var option = "--bind"
  /// What is shown of a file system in the source, which is a file then: absolute, normalized.
  var imagePath: String?
  /// The number of the SIF's object that holds it; nil: the first partition for data, or all of another file.
  var imageObject: UInt32?
  /// Whether writing was asked for in words: a file system in a file is only read otherwise.
  var asksToWrite = false

  init(source: String, target: String, isWritable: Bool, text: String) {
    self.source = source
    self.target = target
    self.isWritable = isWritable
    self.text = text
  }
}

/// The sources of a `bind path` of the site's settings.
public func sources(ofBindPath text: String) throws(LaunchFault) -> [String] {
  try BindGrammar.parse(bind: text, from: "/").map(\.source)
}

/// Those of them that are files with a file system in them, which no `bind path` shows: to mount one takes a program or a
/// loop device for each launch.
public func imageSources(ofBindPath text: String) throws(LaunchFault) -> [String] {
  try BindGrammar.parse(bind: text, from: "/").filter { $0.imagePath != nil }.map(\.source)
}

/// The grammars of `--bind` and `--mount`.
enum BindGrammar {
  /// `spec[,spec…]`, a spec being `source[:target[:option[,option]]]`. An item that is an option's word belongs to the
  /// spec before it. `\:` and `\,` are literal. Relative sources are taken from `directory`. Options are `ro`, `rw`, and of
  /// a file with a file system in it `image-src=PATH` and `id=NUMBER`.
  static func parse(bind text: String, from directory: String) throws(LaunchFault) -> [BindSpec] {
    var specs: [[String]] = []
    for item in split(text, at: ",") {
      let fields = split(item, at: ":").map(unescaped)
      if fields.count == 1, isOption(fields[0]), var last = specs.popLast() {
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
      var bind = BindSpec(source: "", target: "", isWritable: true, text: shown)
      while places.count > 1, let last = places.last, places.count > 2 || isOption(last) {
        guard isOption(last) else {
          throw .bindSyntax(
            spec: shown,
            why: "\"\(printable(last))\" is not an option; ro, rw, image-src=PATH and id=NUMBER are")
        }
        try bind.take(last)
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
      bind.source = source
      bind.target = target
      binds.append(bind)
    }
    return binds
  }

  private static func isOption(_ word: String) -> Bool {
    word == "ro" || word == "rw" || word.starts(withBytesOf: "image-src=") || word.starts(withBytesOf: "id=")
  }

  /// Fields of `key=value` separated by commas, a field with commas in double quotes (RFC 4180).
  static func parse(mount text: String, from directory: String) throws(LaunchFault) -> BindSpec {
    var source: String?
    var target: String?
    var bind = BindSpec(source: "", target: "", isWritable: true, text: text)
    bind.option = "--mount"
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
        case nil, "true", "1": bind.isWritable = false
        case "false", "0": bind.asksToWrite = true
        default: throw .mountSyntax(spec: text, why: "\(parts[0]) is neither true nor false")
        }
      case "rw":
        guard value == nil || value == "true" || value == "1" else {
          throw .mountSyntax(spec: text, why: "rw has a value; write ro for the contrary")
        }
        bind.asksToWrite = true
      case "image-src": bind.imagePath = ContainerPath.normalized(value ?? "")
      case "id":
        guard let id = value.flatMap({ UInt32($0) }), id > 0 else {
          throw .mountSyntax(spec: text, why: "id is the number of an object in a SIF")
        }
        bind.imageObject = id
      case "nonested": break
      default: throw .mountSyntax(spec: text, why: "there is no field \"\(printable(parts[0]))\"")
      }
    }
    guard let source, !source.isEmpty else { throw .mountSyntax(spec: text, why: "it names no source") }
    guard let target, ContainerPath.isAbsolute(target), ContainerPath.normalized(target) != "/" else {
      throw .mountSyntax(spec: text, why: "it needs a target that is an absolute path below the root")
    }
    if seen.contains("ro"), seen.contains("rw") {
      throw .mountSyntax(spec: text, why: "it has both ro and rw")
    }
    bind.source = ContainerPath.normalized(source, from: directory)
    bind.target = ContainerPath.normalized(target)
    if bind.imageObject != nil, bind.imagePath == nil { bind.imagePath = "/" }
    return bind
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

extension BindSpec {
  /// Takes an option of `--bind`.
  fileprivate mutating func take(_ option: String) throws(LaunchFault) {
    switch option {
    case "ro": isWritable = false
    case "rw": asksToWrite = true
    case _ where option.starts(withBytesOf: "image-src="):
      imagePath = ContainerPath.normalized(String(option.utf8.dropFirst(10)) ?? "")
    default:
      guard let id = UInt32(String(option.utf8.dropFirst(3)) ?? ""), id > 0 else {
        throw .bindSyntax(
          spec: text, why: "\"\(printable(option))\" does not name an object of a SIF by its number")
      }
      imageObject = id
      if imagePath == nil { imagePath = "/" }
    }
  }
}
