/// Completions for the shells, from the table. Each script walks through the words before the cursor as the parser would,
/// and so knows which command they name and whether an option, its value or an operand comes next.
public enum Completion {
  public static func script(for shell: String) -> String? {
    switch shell {
    case "bash": BashCompletion.script(entries)
    case "zsh": ZshCompletion.script(entries)
    case "fish": FishCompletion.script(entries)
    default: nil
    }
  }

  /// What may follow some words.
  struct Entry: Equatable {
    /// As `["sif", "list"]`; empty: nothing yet.
    let path: [String]
    let options: [Option]
    /// Words that may come next, each with a line about it.
    var words: [(word: String, summary: String)] = []
    var takesFiles = false
    /// Whether everything behind the first operand belongs to a program.
    var endsOptions = false

    var name: String { path.joined(separator: " ") }

    static func == (left: Entry, right: Entry) -> Bool {
      left.path == right.path && left.options == right.options && left.takesFiles == right.takesFiles
        && left.endsOptions == right.endsOptions && left.words.map(\.word) == right.words.map(\.word)
    }
  }

  static var entries: [Entry] {
    let commands = Commands.all.filter { !$0.isHidden }
    let groups = groups(of: commands)
    let first = Entry(path: [], options: Commands.global, words: firstWords(of: commands, groups))
    var entries = [first]
    for command in commands {
      var entry = Entry(path: command.path, options: shown(command.options + Commands.global))
      switch command.completes {
      case .nothing: break
      case .files: entry.takesFiles = true
      case .words(let words): entry.words = words.map { ($0, "") }
      case .commands:
        entry.words = first.words
        entries += groups.map { Entry(path: command.path + [$0], options: [], words: inner($0, commands)) }
      }
      entry.endsOptions = !command.mixesOptions
      entries.append(entry)
    }
    return entries + groups.map { Entry(path: [$0], options: [], words: inner($0, commands)) }
  }

  private static func shown(_ options: [Option]) -> [Option] { options.filter { !$0.isHidden } }

  private static func groups(of commands: [Command]) -> [String] {
    var groups: [String] = []
    for command in commands where command.path.count > 1 && !groups.contains(command.path[0]) {
      groups.append(command.path[0])
    }
    return groups
  }

  private static func firstWords(
    of commands: [Command], _ groups: [String]
  ) -> [(word: String, summary: String)] {
    let plain = commands.filter { $0.path.count == 1 }.map { (word: $0.path[0], summary: $0.summary) }
    return plain
      + groups.map { group in
        (group, inner(group, commands).map(\.word).joined(separator: ", "))
      }
  }

  private static func inner(_ group: String, _ commands: [Command]) -> [(word: String, summary: String)] {
    Commands.group(group, of: commands).map { ($0.path[1], $0.summary) }
  }
}

extension Option {
  /// The ways to write it: `-B`, `--bind`.
  var spellings: [String] { (letter.map { ["-\($0)"] } ?? []) + ["--" + name] }
}

extension Completion {
  /// Text between single quotes, for shells in which only their closing one is special.
  static func quoted(_ text: String, quote: String) -> String {
    "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: quote) + "'"
  }
}
