/// A command line taken apart. Only recorded, not judged: what values mean is decided by who uses them.
public struct Parsed: Sendable {
  public let command: Command
  public internal(set) var operands: [String] = []
  var flags: [String: Bool] = [:]
  var values: [String: [String]] = [:]
  /// Variables of the environment that were taken, in the order of the options: what -d shows.
  public internal(set) var variables: [(name: String, option: String)] = []

  init(_ command: Command) { self.command = command }

  public func isOn(_ name: String) -> Bool { flags[name] ?? false }

  /// The last value given.
  public func value(_ name: String) -> String? { values[name]?.last }

  /// Which of some options stand on the command line.
  public func given(_ names: [String]) -> [String] {
    names.filter { name in
      (isOn(name) || values[name] != nil) && !variables.contains { $0.option == name }
    }
  }

  /// All values in order, those of the environment last.
  public func all(_ name: String) -> [String] { values[name] ?? [] }
}

/// Takes command lines apart by the table of commands.
public struct Parser: Sendable {
  public static let prefixes = ["APUS_", "APPTAINER_", "SINGULARITY_"]

  /// nil: those of `Commands`, made when they are needed.
  private let given: [Command]?
  private let global: [Option]

  public init(commands: [Command]? = nil, global: [Option] = Commands.global) {
    given = commands
    self.global = global
  }

  /// `words` without the program's name. `environment` looks up a variable; nil when none of them can mean an option.
  public func parse(_ words: [String], environment: ((String) -> String?)?) throws(UsageFault) -> Parsed {
    var left = words[...]
    var flags: [String: Bool] = [:]
    var values: [String: [String]] = [:]
    try takeOptions(&left, from: global, command: "", flags: &flags, values: &values)
    let command = try takeCommand(&left)
    var parsed = Parsed(command)
    let options = command.options + global
    if command.mixesOptions {
      while !left.isEmpty {
        try takeOptions(&left, from: options, command: command.name, flags: &flags, values: &values)
        if let operand = left.popFirst() { parsed.operands.append(operand) }
      }
    } else {
      try takeOptions(&left, from: options, command: command.name, flags: &flags, values: &values)
      parsed.operands = Array(left)
    }
    parsed.flags = flags
    parsed.values = values
    if let environment {
      for option in options { try addEnvironment(of: option, to: &parsed, environment) }
    }
    guard parsed.operands.count >= command.fewest, parsed.operands.count <= command.most ?? .max else {
      throw .operandCount(command: command.name, usage: command.usage)
    }
    return parsed
  }

  /// The words with more options behind those that stand there, for a command of which as many operands were found.
  /// Of two values of an option the last counts.
  public static func adding(_ options: [String], to words: [String], operands: Int) -> [String] {
    var place = words.count - operands
    if place > 0, words[place - 1] == "--" { place -= 1 }
    return Array(words[..<place]) + options + words[place...]
  }

  /// The command with the longest path that the words begin with.
  private func takeCommand(_ left: inout ArraySlice<String>) throws(UsageFault) -> Command {
    guard let first = left.first else { throw .noCommand }
    if given == nil, let command = Commands.launch(first) {
      left.removeFirst()
      return command
    }
    let commands = given ?? Commands.all
    let found = commands.filter { left.starts(with: $0.path) }.max { $0.path.count < $1.path.count }
    guard let found else {
      let group = Commands.group(first, of: commands)
      guard !group.isEmpty else {
        let names = commands.filter { !$0.isHidden }.map { $0.path[0] }
        throw .unknownCommand(first, near: Nearest.name(to: first, among: names))
      }
      let second = left.dropFirst().first
      guard let second, !second.hasPrefix("-") else {
        throw .incompleteCommand(first, words: group.map { $0.path[1] })
      }
      let near = Nearest.name(to: second, among: group.map { $0.path[1] })
      throw .unknownCommand(first + " " + second, near: near.map { first + " " + $0 })
    }
    left.removeFirst(found.path.count)
    return found
  }

  private func takeOptions(
    _ left: inout ArraySlice<String>, from options: [Option], command: String, flags: inout [String: Bool],
    values: inout [String: [String]]
  ) throws(UsageFault) {
    while let word = left.first, word.hasPrefix("-"), word != "-" {
      left.removeFirst()
      if word == "--" { return }
      if word.hasPrefix("--") {
        try takeLong(word, &left, options, command, &flags, &values)
      } else {
        try takeShort(word, &left, options, command, &flags, &values)
      }
    }
  }

  private func takeLong(
    _ word: String, _ left: inout ArraySlice<String>, _ options: [Option], _ command: String,
    _ flags: inout [String: Bool], _ values: inout [String: [String]]
  ) throws(UsageFault) {
    let parts = word.dropFirst(2).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(
      String.init)
    guard let option = options.first(where: { $0.name == parts[0] || $0.synonyms.contains(parts[0]) }) else {
      let names = options.filter { !$0.isHidden }.map(\.name)
      throw .unknownOption(word, command: command, near: Nearest.name(to: parts[0], among: names))
    }
    let given = parts.count > 1 ? parts[1] : nil
    if option.kind == .flag {
      flags[option.name] =
        try given.map { text throws(UsageFault) in try Self.boolean(text, "--" + option.name) } ?? true
      return
    }
    guard let value = given ?? left.popFirst() else { throw .missingValue(option: "--" + option.name) }
    try record(value, for: option, "--" + option.name, &values)
  }

  /// `-cv`, `-B/a:/b`, `-B /a:/b`, `-B=/a:/b`
  private func takeShort(
    _ word: String, _ left: inout ArraySlice<String>, _ options: [Option], _ command: String,
    _ flags: inout [String: Bool], _ values: inout [String: [String]]
  ) throws(UsageFault) {
    var letters = word.dropFirst()
    while let letter = letters.popFirst() {
      guard let option = options.first(where: { $0.letter == letter }) else {
        throw .unknownOption("-\(letter)", command: command, near: nil)
      }
      if option.kind == .flag {
        if letters.first == "=" {
          flags[option.name] = try Self.boolean(String(letters.dropFirst()), "-\(letter)")
          return
        }
        flags[option.name] = true
        continue
      }
      if letters.first == "=" { letters.removeFirst() }
      guard let value = letters.isEmpty ? left.popFirst() : String(letters) else {
        throw .missingValue(option: "-\(letter)")
      }
      return try record(value, for: option, "-\(letter)", &values)
    }
  }

  private func record(
    _ value: String, for option: Option, _ source: String, _ values: inout [String: [String]]
  ) throws(UsageFault) {
    guard !value.isEmpty || !option.refusesEmpty else { throw .emptyValue(option: source) }
    values[option.name, default: []] += Self.items(of: value, option.kind)
  }

  private static func items(of value: String, _ kind: Option.Kind) -> [String] {
    switch kind {
    case .flag, .value, .many: return [value]
    case .list: return value.split(separator: ",").map { trimmed($0) }.filter { !$0.isEmpty }
    case .lines:
      let lines = value.split(separator: "\n").map(String.init)
      // Nothing at all is a value too: who takes it says what is wrong with it.
      return lines.isEmpty ? [value] : lines
    }
  }

  /// The command line hides the environment, except for what adds up. An empty variable is as good as none.
  private func addEnvironment(
    of option: Option, to parsed: inout Parsed, _ environment: (String) -> String?
  ) throws(UsageFault) {
    let isGiven = parsed.flags[option.name] != nil || parsed.values[option.name] != nil
    guard !isGiven || option.addsEnvironment else { return }
    for prefix in Self.prefixes {
      for variable in option.variables {
        let name = prefix + variable
        guard let value = environment(name), !value.isEmpty else { continue }
        parsed.variables.append((name, option.name))
        switch option.kind {
        case .flag: parsed.flags[option.name] = try Self.boolean(value, name)
        // A variable is there once only: several values stand on lines of their own.
        case .many: parsed.values[option.name, default: []] += Self.items(of: value, .lines(""))
        case .value, .lines, .list: try record(value, for: option, name, &parsed.values)
        }
        return
      }
    }
  }

  private static func boolean(_ text: String, _ source: String) throws(UsageFault) -> Bool {
    switch text {
    case "1", "t", "T", "true", "TRUE", "True": true
    case "0", "f", "F", "false", "FALSE", "False": false
    default: throw .notBoolean(source: source, value: text)
    }
  }

  private static func trimmed(_ text: Substring) -> String {
    let start = text.drop { $0 == " " || $0 == "\t" }
    return String(start.reversed().drop { $0 == " " || $0 == "\t" }.reversed())
  }
}
