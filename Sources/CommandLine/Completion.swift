/// Completions for the shells, from the table.
public enum Completion {
  public static func script(for shell: String) -> String? {
    switch shell {
    case "bash": bash()
    case "zsh": "#compdef apus\nautoload -U +X bashcompinit && bashcompinit\n" + bash()
    case "fish": fish()
    default: nil
    }
  }

  private static var commands: [Command] { Commands.all.filter { !$0.isHidden } }

  static func words(_ command: Command) -> [String] {
    (command.options + Commands.global).filter { !$0.isHidden }.map { "--" + $0.name }
  }

  private static func bash() -> String {
    var out = """
      _apus() {
        local word=${COMP_WORDS[COMP_CWORD]} line=" ${COMP_WORDS[*]:1:COMP_CWORD-1} " words=""
        case "$line" in

      """
    // The longest names first, so that `explain exec` is not taken for `exec`.
    for command in commands.sorted(by: { $0.path.count > $1.path.count }) {
      out += "    *\" \(command.name) \"*) words=\"\(words(command).joined(separator: " "))\" ;;\n"
    }
    for group in Set(commands.filter { $0.path.count > 1 }.map { $0.path[0] }).sorted() {
      let inner = commands.filter { $0.path.count > 1 && $0.path[0] == group }.map { $0.path[1] }
      out += "    *\" \(group) \"*) words=\"\(inner.joined(separator: " "))\" ;;\n"
    }
    let top = Array(Set(commands.map { $0.path[0] })).sorted()
    out += """
          *) words="\(top.joined(separator: " ")) \(Commands.global.map { "--" + $0.name }.joined(separator: " "))" ;;
        esac
        case "$word" in
          -*) COMPREPLY=($(compgen -W "$words" -- "$word")) ;;
          *) COMPREPLY=($(compgen -W "${words//--[a-z-]/}" -- "$word") $(compgen -f -- "$word")) ;;
        esac
      }
      complete -o filenames -F _apus apus

      """
    return out
  }

  private static func fish() -> String {
    var out = ""
    for command in commands {
      let condition =
        command.path.count == 1
        ? "__fish_use_subcommand" : "__fish_seen_subcommand_from \(command.path[0])"
      out +=
        "complete -c apus -n '\(condition)' -a '\(command.path.last ?? "")' -d '\(quoted(command.summary))'\n"
      for option in command.options where !option.isHidden {
        let letter = option.letter.map { " -s \($0)" } ?? ""
        let value = option.placeholder == nil ? "" : " -r"
        out +=
          "complete -c apus -n '__fish_seen_subcommand_from \(command.path.last ?? "")' -l \(option.name)\(letter)\(value) -d '\(quoted(option.help))'\n"
      }
    }
    return out
  }

  private static func quoted(_ text: String) -> String { text.split(separator: "'").joined(separator: "\\'") }
}
