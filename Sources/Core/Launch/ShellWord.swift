/// One word of a command, its quotes taken off and its expansions done.
struct ShellWord {
  var bytes: [UInt8] = []
  /// Bytes before the first unquoted `=`, when they are a name.
  var nameLength: Int?
  /// Whether any part stood in quotes or behind a backslash: such a word is never a reserved one.
  var isQuoted = false

  var text: String { String(decoding: bytes, as: UTF8.self) }

  var assignment: (name: String, value: String)? {
    guard let nameLength else { return nil }
    return (
      String(decoding: bytes[..<nameLength], as: UTF8.self),
      String(decoding: bytes[(nameLength + 1)...], as: UTF8.self)
    )
  }
}

extension ShellSubset {
  /// A value as the shell sees it between double quotes, quotes in it being characters: expansions are done once.
  func expand(_ text: String) throws(Stop) -> String {
    var scanner = ShellScanner(text)
    return String(decoding: try doubleQuoted(&scanner, isOpenEnded: true), as: UTF8.self)
  }

  func word(_ scanner: inout ShellScanner) throws(Stop) -> ShellWord {
    var word = ShellWord()
    while let next = scanner.peek {
      switch Unicode.Scalar(next) {
      case " ", "\t", "\n", ";", "&", "|":
        // A word that begins here would be empty: the shell has something else in mind.
        guard !word.bytes.isEmpty || word.isQuoted else { throw Stop() }
        return word
      case "'":
        _ = scanner.take()
        word.isQuoted = true
        while true {
          guard let byte = scanner.take() else { throw Stop() }
          if byte == UInt8(ascii: "'") { break }
          word.bytes.append(byte)
        }
      case "\"":
        _ = scanner.take()
        word.isQuoted = true
        word.bytes += try doubleQuoted(&scanner, isOpenEnded: false)
      case "\\":
        _ = scanner.take()
        guard let byte = scanner.take() else { throw Stop() }
        if byte != UInt8(ascii: "\n") {
          word.isQuoted = true
          word.bytes.append(byte)
        }
      case "$":
        // $'…' and $"…" mean different things in different shells.
        if scanner.second == UInt8(ascii: "'") || scanner.second == UInt8(ascii: "\"") { throw Stop() }
        let value = try expansion(&scanner, inDoubleQuotes: false)
        if word.nameLength == nil { try refuseSplitting(value) }
        word.bytes += value
      case "=":
        if word.nameLength == nil, !word.isQuoted, Self.isName(String(decoding: word.bytes, as: UTF8.self)) {
          word.nameLength = word.bytes.count
        }
        _ = scanner.take()
        word.bytes.append(next)
      case "~":
        let before = word.bytes.last
        if before == nil || before == UInt8(ascii: "=") || before == UInt8(ascii: ":") { throw Stop() }
        _ = scanner.take()
        word.bytes.append(next)
      case "[":
        // Alone it is the command; in a word it may be a pattern, but not in an assignment's value.
        _ = scanner.take()
        if word.nameLength == nil {
          guard word.bytes.isEmpty, let after = scanner.peek,
            after == UInt8(ascii: " ") || after == UInt8(ascii: "\t")
          else { throw Stop() }
        }
        word.bytes.append(next)
      case "*", "?":
        guard word.nameLength != nil else { throw Stop() }
        _ = scanner.take()
        word.bytes.append(next)
      case "<", ">", "(", ")", "`", "{", "}": throw Stop()
      default:
        _ = scanner.take()
        word.bytes.append(next)
      }
    }
    return word
  }

  /// Outside quotes a value is split at blanks and matched against files; one that neither changes is itself.
  private func refuseSplitting(_ value: [UInt8]) throws(Stop) {
    let special = " \t\n*?[\\".utf8
    if value.isEmpty || value.contains(where: special.contains) { throw Stop() }
  }

  /// Text between double quotes up to the closing one. `isOpenEnded`: all that is left, quotes being characters.
  private func doubleQuoted(_ scanner: inout ShellScanner, isOpenEnded: Bool) throws(Stop) -> [UInt8] {
    var text: [UInt8] = []
    while let next = scanner.peek {
      switch Unicode.Scalar(next) {
      case "\"" where !isOpenEnded:
        _ = scanner.take()
        return text
      case "\\":
        _ = scanner.take()
        guard let byte = scanner.take() else {
          text.append(next)
          continue
        }
        switch Unicode.Scalar(byte) {
        case "$", "`", "\\": text.append(byte)
        case "\"" where !isOpenEnded: text.append(byte)
        case "\n": break
        default: text += [next, byte]
        }
      case "$": text += try expansion(&scanner, inDoubleQuotes: true)
      case "`": throw Stop()
      default:
        _ = scanner.take()
        text.append(next)
      }
    }
    guard isOpenEnded else { throw Stop() }
    return text
  }

  /// `$NAME`, `${NAME}`, `${NAME:-word}` and its kin. A dollar before anything else is itself.
  private func expansion(_ scanner: inout ShellScanner, inDoubleQuotes: Bool) throws(Stop) -> [UInt8] {
    _ = scanner.take()
    guard let next = scanner.peek else { return Array("$".utf8) }
    if next == UInt8(ascii: "{") {
      _ = scanner.take()
      return try braced(&scanner, inDoubleQuotes: inDoubleQuotes)
    }
    let name = scanner.takeName()
    if !name.isEmpty { return Array((variables[name] ?? "").utf8) }
    // $1, $?, $(…) …: there is no script to have arguments, and nothing here runs commands.
    if Self.isDigit(next) || "(?@*#$!-".utf8.contains(next) { throw Stop() }
    return Array("$".utf8)
  }

  private func braced(_ scanner: inout ShellScanner, inDoubleQuotes: Bool) throws(Stop) -> [UInt8] {
    let name = scanner.takeName()
    guard !name.isEmpty else { throw Stop() }
    let value = variables[name]
    if scanner.take("}") { return Array((value ?? "").utf8) }
    let isColon = scanner.take(":")
    guard let sign = scanner.take(), sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") else {
      throw Stop()
    }
    let word = try bracedWord(&scanner, inDoubleQuotes: inDoubleQuotes)
    let isSet = value != nil && !(isColon && value == "")
    if sign == UInt8(ascii: "-") { return isSet ? Array((value ?? "").utf8) : word }
    return isSet ? word : []
  }

  /// The word of `${NAME-word}` up to its closing brace; double quotes in it are taken off.
  private func bracedWord(_ scanner: inout ShellScanner, inDoubleQuotes: Bool) throws(Stop) -> [UInt8] {
    var text: [UInt8] = []
    while let next = scanner.peek {
      switch Unicode.Scalar(next) {
      case "}":
        _ = scanner.take()
        return text
      case "\"":
        _ = scanner.take()
        text += try doubleQuoted(&scanner, isOpenEnded: false)
      case "'", "`", "~": throw Stop()
      case "\\":
        _ = scanner.take()
        guard let byte = scanner.take() else { throw Stop() }
        let special = "$`\\\"}".utf8
        if byte == UInt8(ascii: "\n") { continue }
        if inDoubleQuotes, !special.contains(byte) { text.append(next) }
        text.append(byte)
      case "$": text += try expansion(&scanner, inDoubleQuotes: inDoubleQuotes)
      default:
        _ = scanner.take()
        text.append(next)
      }
    }
    throw Stop()
  }
}
