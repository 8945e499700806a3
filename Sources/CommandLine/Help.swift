/// Help on the terminal, from the table.
public enum Help {
  public static func overview() -> String {
    "usage: apus [OPTION...] COMMAND [ARGUMENT...]\n\nRuns programs in images, as an ordinary user.\n\n"
      + list(Commands.all.filter { !$0.isHidden }) + "\n"
      + options(Commands.global, title: "Options before the command")
      + "\n`apus help COMMAND` explains one.\n"
  }

  public static func list(_ commands: [Command]) -> String {
    let width = (commands.map(\.name.count).max() ?? 0) + 2
    return "Commands:\n" + commands.map { "  " + padded($0.name, width) + $0.summary + "\n" }.joined()
  }

  public static func page(_ command: Command) -> String {
    var out = "usage: apus \(command.usage)\n\n"
    out += command.summary + ".\n"
    if !command.description.isEmpty { out += "\n" + wrapped(command.description) + "\n" }
    if !command.options.isEmpty { out += "\n" + options(command.options, title: "Options") }
    if !command.examples.isEmpty {
      out += "\nExamples:\n" + command.examples.map { "  " + $0 + "\n" }.joined()
    }
    return out
  }

  private static func options(_ options: [Option], title: String) -> String {
    let shown = options.filter { !$0.isHidden }
    let width = min(34, (shown.map(\.usage.count).max() ?? 0) + 2)
    return title + ":\n"
      + shown.map { option in
        let usage = "  " + option.usage
        let variable = option.variables.first.map { " [APUS_\($0)]" } ?? ""
        let lead =
          usage.count < width + 2
          ? padded(usage, width + 2) : usage + "\n" + String(repeating: " ", count: width + 2)
        return lead + option.help + variable + "\n"
      }.joined()
  }

  private static func padded(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(1, width - text.count))
  }

  /// Text in lines of at most 78 columns.
  static func wrapped(_ text: String) -> String {
    var lines: [String] = []
    var line = ""
    for word in text.split(whereSeparator: { $0 == " " || $0 == "\n" }) {
      if !line.isEmpty, line.count + 1 + word.count > 78 {
        lines.append(line)
        line = ""
      }
      line += (line.isEmpty ? "" : " ") + word
    }
    return (lines + [line]).joined(separator: "\n")
  }
}
