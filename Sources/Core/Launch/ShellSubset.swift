/// The part of the shell's language that environment scripts of images are nearly always written in, evaluated without a
/// shell: assignments, `export`, `unset`, comments, quotes, and expansions of variables.
///
/// Whatever lies outside is not guessed: evaluation stops with `needsShell`, and a real shell does all of it.
struct ShellSubset {
  enum Stop: Error, Equatable {
    case needsShell
  }

  /// Values by name, with the order in which names first came.
  private(set) var values: [String: String]
  private(set) var order: [String] = []
  /// Names that are exported: set by `export`, or from before.
  private(set) var exported: Set<String>

  init(_ variables: [(name: String, value: String)]) {
    values = [:]
    exported = []
    for (name, value) in variables { set(name, value, export: true) }
  }

  subscript(_ name: String) -> String? { values[name] }

  mutating func set(_ name: String, _ value: String, export: Bool) {
    if values[name] == nil { order.append(name) }
    values[name] = value
    if export { exported.insert(name) }
  }

  mutating func remove(_ name: String) {
    guard values.removeValue(forKey: name) != nil else { return }
    exported.remove(name)
    order.removeAll { $0 == name }
  }

  static func isName(_ text: some StringProtocol) -> Bool {
    guard let first = text.utf8.first, first == UInt8(ascii: "_") || isLetter(first) else { return false }
    return text.utf8.allSatisfy { $0 == UInt8(ascii: "_") || isLetter($0) || isDigit($0) }
  }

  private static func isLetter(_ byte: UInt8) -> Bool { (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte) }
  private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

  /// Evaluates a script, statement by statement. Nothing is kept of one that needs a shell.
  mutating func run(_ script: String) throws(Stop) {
    var copy = self
    var scanner = Scanner(script)
    while let word = try copy.statementWord(&scanner) {
      try copy.statement(word, &scanner)
    }
    self = copy
  }

  /// One value as the shell would see it between double quotes: expansions happen, quotes stay.
  func expand(_ text: String) throws(Stop) -> String {
    var scanner = Scanner(text)
    return try quoted(&scanner, until: nil)
  }

  // MARK: statements

  private func statementWord(_ scanner: inout Scanner) throws(Stop) -> Word? {
    while true {
      scanner.skipBlanks()
      guard let next = scanner.peek else { return nil }
      if next == "\n" || next == ";" {
        _ = scanner.take()
      } else if next == "#" {
        scanner.skipLine()
      } else {
        return try word(&scanner)
      }
    }
  }

  private mutating func statement(_ first: Word, _ scanner: inout Scanner) throws(Stop) {
    var words = [first]
    loop: while true {
      scanner.skipBlanks()
      switch scanner.peek {
      case nil, "\n", ";":
        _ = scanner.take()
        break loop
      case "#":
        scanner.skipLine()
        break loop
      default: words.append(try word(&scanner))
      }
    }
    switch first.text {
    case "export" where !first.isQuoted:
      for word in words.dropFirst() {
        if let assignment = word.assignment {
          set(assignment.name, assignment.value, export: true)
        } else {
          guard Self.isName(word.text) else { throw .needsShell }
          if let value = values[word.text] { set(word.text, value, export: true) }
        }
      }
    case "unset" where !first.isQuoted:
      for word in words.dropFirst() {
        guard Self.isName(word.text) else { throw .needsShell }
        remove(word.text)
      }
    case ":", "true": break
    default:
      for word in words {
        guard let assignment = word.assignment else { throw .needsShell }
        set(assignment.name, assignment.value, export: exported.contains(assignment.name))
      }
    }
  }

  // MARK: words

  struct Word {
    var text = ""
    /// Bytes of the text before an unquoted `=`, when what stands before it is a name.
    var nameLength: Int?
    var isQuoted = false

    var assignment: (name: String, value: String)? {
      guard let nameLength else { return nil }
      let utf8 = text.utf8
      let equals = utf8.index(utf8.startIndex, offsetBy: nameLength)
      return (String(text[..<equals]), String(text[utf8.index(after: equals)...]))
    }
  }

  private func word(_ scanner: inout Scanner) throws(Stop) -> Word {
    var word = Word()
    while let next = scanner.peek {
      switch next {
      case " ", "\t", "\n", ";": return word
      case "'":
        _ = scanner.take()
        word.isQuoted = true
        while let character = scanner.take() {
          if character == "'" { break }
          word.text.unicodeScalars.append(character)
          if scanner.peek == nil { throw .needsShell }
        }
      case "\"":
        _ = scanner.take()
        word.isQuoted = true
        word.text += try quoted(&scanner, until: "\"")
      case "\\":
        _ = scanner.take()
        guard let character = scanner.take() else { throw .needsShell }
        if character != "\n" { word.text.unicodeScalars.append(character) }
      case "$":
        // Outside quotes a value is split into words, except in an assignment.
        guard word.nameLength != nil else { throw .needsShell }
        word.text += try expansion(&scanner)
      case "=" where word.nameLength == nil && !word.isQuoted && Self.isName(word.text):
        _ = scanner.take()
        word.nameLength = word.text.utf8.count
        word.text += "="
      case "~" where word.text.isEmpty || word.text.hasSuffix("=") || word.text.hasSuffix(":"): throw .needsShell
      case "&", "|", "<", ">", "(", ")", "`", "*", "?", "[", "{", "}", "!": throw .needsShell
      default: word.text.unicodeScalars.append(scanner.take() ?? next)
      }
    }
    return word
  }

  /// Text between double quotes up to the closing one; without `until` all that is left, quotes being plain characters.
  private func quoted(_ scanner: inout Scanner, until end: Unicode.Scalar?) throws(Stop) -> String {
    var text = ""
    while let next = scanner.peek {
      if next == end {
        _ = scanner.take()
        return text
      }
      switch next {
      case "\\":
        _ = scanner.take()
        guard let character = scanner.take() else {
          text += "\\"
          continue
        }
        switch character {
        case "$", "`", "\\": text.unicodeScalars.append(character)
        case "\"" where end != nil: text.unicodeScalars.append(character)
        case "\n": break
        default:
          text += "\\"
          text.unicodeScalars.append(character)
        }
      case "$": text += try expansion(&scanner)
      case "`": throw .needsShell
      default: text.unicodeScalars.append(scanner.take() ?? next)
      }
    }
    if end != nil { throw .needsShell }
    return text
  }

  /// `$NAME`, `${NAME}`, `${NAME:-word}` and its kin. A dollar before anything else is itself.
  private func expansion(_ scanner: inout Scanner) throws(Stop) -> String {
    _ = scanner.take()
    guard let next = scanner.peek else { return "$" }
    if next == "{" {
      _ = scanner.take()
      let name = scanner.takeName()
      guard !name.isEmpty else { throw .needsShell }
      var isColon = false
      if scanner.peek == ":" {
        isColon = true
        _ = scanner.take()
      }
      guard let sign = scanner.take() else { throw .needsShell }
      let value = values[name]
      if sign == "}" {
        guard !isColon else { throw .needsShell }
        return value ?? ""
      }
      guard ["-", "+"].contains(sign) else { throw .needsShell }
      let word = try bracedWord(&scanner)
      let isSet = value != nil && !(isColon && value == "")
      return sign == "-" ? (isSet ? value ?? "" : word) : (isSet ? word : "")
    }
    if next == "(" { throw .needsShell }
    let name = scanner.takeName()
    guard !name.isEmpty else {
      // $1, $?, $@ …: there is no script to have arguments.
      if "0123456789?@*#$!-".unicodeScalars.contains(next) { throw .needsShell }
      return "$"
    }
    return values[name] ?? ""
  }

  /// The word of `${NAME-word}` up to its closing brace; quotes in it are taken off.
  private func bracedWord(_ scanner: inout Scanner) throws(Stop) -> String {
    var text = ""
    while let next = scanner.peek {
      switch next {
      case "}":
        _ = scanner.take()
        return text
      case "\"":
        _ = scanner.take()
        text += try quoted(&scanner, until: "\"")
      case "'", "`": throw .needsShell
      case "\\":
        _ = scanner.take()
        guard let character = scanner.take() else { throw .needsShell }
        text.unicodeScalars.append(character)
      case "$": text += try expansion(&scanner)
      default: text.unicodeScalars.append(scanner.take() ?? next)
      }
    }
    throw .needsShell
  }
}

/// A position in a script.
struct Scanner {
  private var left: Substring.UnicodeScalarView

  init(_ text: String) { left = Substring(text).unicodeScalars }

  var peek: Unicode.Scalar? { left.first }

  mutating func take() -> Unicode.Scalar? { left.popFirst() }

  mutating func skipBlanks() {
    while let next = left.first {
      if next == " " || next == "\t" || next == "\r" {
        left.removeFirst()
      } else if next == "\\", left.dropFirst().first == "\n" {
        left.removeFirst(2)
      } else {
        return
      }
    }
  }

  mutating func skipLine() {
    while let next = left.first, next != "\n" { left.removeFirst() }
  }

  mutating func takeName() -> String {
    var name = ""
    while let next = left.first {
      let isDigit = ("0"..."9").contains(next)
      guard next == "_" || ("a"..."z").contains(next) || ("A"..."Z").contains(next) || (isDigit && !name.isEmpty) else { break }
      name.unicodeScalars.append(next)
      left.removeFirst()
    }
    return name
  }
}
