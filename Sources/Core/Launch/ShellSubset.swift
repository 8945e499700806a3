/// The part of the shell's language that environment scripts of images are nearly always written in, evaluated without
/// a shell:
///
///     script     = { list end }                       end = newline or ;
///     list       = command { ( && | || ) command }
///     command    = assignment { assignment } | export { NAME | assignment } | unset { [-v] NAME }
///                | [ condition ] | test condition | : | true | false | return [0]
///                | if list ; then script { elif list ; then script } [ else script ] fi
///     condition  = [!] ( WORD | -n WORD | -z WORD | WORD = WORD | WORD == WORD | WORD != WORD )
///
/// Words have quotes, backslashes and the expansions `$NAME`, `${NAME}`, `${NAME-w}`, `${NAME:-w}`, `${NAME+w}`,
/// `${NAME:+w}`. Whatever lies outside is not guessed: evaluation stops, and a real shell does all of it.
struct ShellSubset {
  /// Why evaluation stopped: the construct of `line` is not in the subset.
  struct Stop: Error, Equatable {
    var line = 1
  }

  private(set) var variables = ShellVariables()
  /// Whether the last command succeeded.
  private var succeeded = true
  /// Whether `return` was met: the rest of the script is only read.
  private var hasReturned = false

  init(_ variables: [(name: String, value: String)]) {
    for (name, value) in variables { set(name, value, export: true) }
  }

  subscript(_ name: String) -> String? { variables[name] }

  mutating func set(_ name: String, _ value: String, export: Bool) {
    variables.set(name, value, export: export)
  }

  /// What a program started now would see, in order.
  var exportedVariables: [(name: String, value: String)] {
    variables.all.compactMap { variable in
      guard variable.isExported, let value = variable.value else { return nil }
      return (variable.name, value)
    }
  }

  /// What scripts assigned, in order.
  var assignedVariables: [(name: String, value: String)] {
    variables.all.compactMap { variable in
      guard variable.isAssigned, let value = variable.value else { return nil }
      return (variable.name, value)
    }
  }

  static func isName(_ text: some StringProtocol) -> Bool {
    guard let first = text.utf8.first, isLetter(first) else { return false }
    return text.utf8.allSatisfy { isLetter($0) || isDigit($0) }
  }

  /// A letter as names have them: the underscore too.
  static func isLetter(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: "_") || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
  }

  static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

  /// Evaluates a script as if it were sourced. Nothing is kept of one that needs a shell.
  mutating func run(_ script: String) throws(Stop) {
    var copy = self
    copy.hasReturned = false
    copy.succeeded = true
    var scanner = ShellScanner(script)
    do throws(Stop) {
      guard try copy.statements(&scanner, executing: true, until: []) == nil else { throw Stop() }
    } catch { throw Stop(line: scanner.line) }
    self = copy
  }

  // MARK: statements

  /// Runs statements up to one of the reserved words, which is returned, or to the end of the script.
  private mutating func statements(
    _ scanner: inout ShellScanner, executing: Bool, until ends: [String]
  ) throws(Stop) -> String? {
    while true {
      scanner.skipBlanks()
      guard let next = scanner.peek else { return nil }
      switch next {
      case UInt8(ascii: "\n"), UInt8(ascii: ";"): _ = scanner.take()
      case UInt8(ascii: "#"): scanner.skipLine()
      default:
        if let end = try list(&scanner, executing: executing, until: ends) { return end }
      }
    }
  }

  /// Commands joined by && and ||. Returns the reserved word that stands in place of the first one.
  private mutating func list(
    _ scanner: inout ShellScanner, executing: Bool, until ends: [String]
  ) throws(Stop) -> String? {
    var runs = executing
    var isFirst = true
    while true {
      if let end = try command(&scanner, executing: runs && !hasReturned, until: isFirst ? ends : []) {
        return end
      }
      isFirst = false
      scanner.skipBlanks()
      guard let sign = scanner.peek, sign == UInt8(ascii: "&") || sign == UInt8(ascii: "|") else {
        return nil
      }
      guard scanner.second == sign else { throw Stop() }
      _ = scanner.take()
      _ = scanner.take()
      runs = executing && succeeded == (sign == UInt8(ascii: "&"))
      skipLineEnds(&scanner)
      guard scanner.peek != nil else { throw Stop() }
    }
  }

  private func skipLineEnds(_ scanner: inout ShellScanner) {
    scanner.skipBlanks()
    while let next = scanner.peek, next == UInt8(ascii: "\n") || next == UInt8(ascii: "#") {
      if next == UInt8(ascii: "#") { scanner.skipLine() } else { _ = scanner.take() }
      scanner.skipBlanks()
    }
  }

  private mutating func command(
    _ scanner: inout ShellScanner, executing: Bool, until ends: [String]
  ) throws(Stop) -> String? {
    let first = try word(&scanner)
    if !first.isQuoted {
      if ends.contains(first.text) { return first.text }
      if first.text == "if" {
        try conditional(&scanner, executing: executing)
        return nil
      }
    }
    var words = [first]
    // Assignments alone are made one after another, each seeing those before it.
    let areAssignments = executing && assign(first)
    while true {
      scanner.skipBlanks()
      guard let end = scanner.peek else { break }
      if [UInt8(ascii: "\n"), UInt8(ascii: ";"), UInt8(ascii: "&"), UInt8(ascii: "|")].contains(end) {
        break
      }
      if end == UInt8(ascii: "#") {
        scanner.skipLine()
        break
      }
      let next = try word(&scanner)
      if areAssignments, !assign(next) { throw Stop() }
      words.append(next)
    }
    // What is not executed need not be in the subset, as long as its words are.
    if executing, !areAssignments { try simple(words) }
    return nil
  }

  private mutating func conditional(_ scanner: inout ShellScanner, executing: Bool) throws(Stop) {
    var isOpen = executing
    var end: String? = "if"
    while end == "if" || end == "elif" {
      guard try statements(&scanner, executing: isOpen, until: ["then"]) == "then" else { throw Stop() }
      let isTaken = isOpen && succeeded
      end = try statements(&scanner, executing: isTaken, until: ["elif", "else", "fi"])
      if isTaken { isOpen = false } else if isOpen { succeeded = true }
    }
    if end == "else" { end = try statements(&scanner, executing: isOpen, until: ["fi"]) }
    guard end == "fi" else { throw Stop() }
    // Nothing but the end of the command may follow.
    scanner.skipBlanks()
    let ends = "\n;&|#".utf8
    if let next = scanner.peek, !ends.contains(next) { throw Stop() }
  }

  private mutating func simple(_ words: [ShellWord]) throws(Stop) {
    let name = words[0].isQuoted ? "" : words[0].text
    let arguments = words.dropFirst()
    succeeded = true
    switch name {
    case "export":
      for word in arguments {
        if let assignment = word.assignment {
          assign(assignment.name, assignment.value)
        } else if !Self.isName(word.text) {
          throw Stop()
        }
        variables.export(word.assignment?.name ?? word.text)
      }
    case "unset":
      for word in arguments where word.text != "-v" {
        guard Self.isName(word.text) else { throw Stop() }
        variables.remove(word.text)
      }
    case ":", "true": break
    case "false": succeeded = false
    case "return":
      guard arguments.allSatisfy({ $0.text == "0" }) else { throw Stop() }
      hasReturned = true
    case "[":
      guard let last = arguments.last, last.text == "]", !last.isQuoted else { throw Stop() }
      succeeded = try condition(arguments.dropLast().map(\.text))
    case "test": succeeded = try condition(arguments.map(\.text))
    default: throw Stop()
    }
  }

  /// Carries out a word that is an assignment; false for any other.
  private mutating func assign(_ word: ShellWord) -> Bool {
    guard let assignment = word.assignment else { return false }
    assign(assignment.name, assignment.value)
    succeeded = true
    return true
  }

  private mutating func assign(_ name: String, _ value: String) {
    variables.set(name, value, assigned: true)
  }

  private func condition(_ words: [String]) throws(Stop) -> Bool {
    if words.count > 1, words[0] == "!" { return !(try condition(Array(words.dropFirst()))) }
    switch words.count {
    case 1: return !words[0].isEmpty
    case 2 where words[0] == "-n": return !words[1].isEmpty
    case 2 where words[0] == "-z": return words[1].isEmpty
    case 3 where words[1] == "=" || words[1] == "==": return words[0] == words[2]
    case 3 where words[1] == "!=": return words[0] != words[2]
    default: throw Stop()
    }
  }
}
