/// Manual pages (man(7)) and the Markdown reference, from the table.
public enum Manual {
  /// The page of a command, or of the program without words. nil: no such command.
  public static func page(_ words: [String], version: String) -> String? {
    guard !words.isEmpty else { return overview(version) }
    guard let command = Commands.find(words) else { return nil }
    let title = (["apus"] + command.path).joined(separator: "-")
    var out = head(title, version)
    out += ".SH NAME\n\(title) \\- \(escaped(command.summary))\n"
    out += ".SH SYNOPSIS\n.B apus \(escaped(command.name))\n"
    let operands = command.operands.isEmpty ? "" : "\\fI\(escaped(command.operands))\\fR"
    let synopsis = [command.options.isEmpty ? "" : "[\\fIOPTION\\fR...]", operands].filter { !$0.isEmpty }
    if !synopsis.isEmpty { out += synopsis.joined(separator: " ") + "\n" }
    if !command.description.isEmpty {
      out += ".SH DESCRIPTION\n\(escaped(Help.wrapped(command.description)))\n"
    }
    if !command.options.isEmpty { out += ".SH OPTIONS\n" + options(command.options) }
    if !command.examples.isEmpty {
      out += ".SH EXAMPLES\n.nf\n" + command.examples.map { escaped($0) + "\n" }.joined() + ".fi\n"
    }
    return out + exitStatus(of: command) + ".SH SEE ALSO\n.BR apus (1)\n"
  }

  /// The words of the commands that have a page of their own.
  public static var pages: [[String]] { Commands.all.filter { !$0.isHidden }.map(\.path) }

  private static func overview(_ version: String) -> String {
    var out = head("apus", version)
    out += ".SH NAME\napus \\- run programs in images, as an ordinary user\n"
    out += ".SH SYNOPSIS\n.B apus\n[\\fIOPTION\\fR...] \\fICOMMAND\\fR [\\fIARGUMENT\\fR...]\n.SH COMMANDS\n"
    for command in Commands.all where !command.isHidden {
      out += ".TP\n.B \(escaped(command.name))\n\(escaped(command.summary))\n"
    }
    return out + ".SH OPTIONS\n" + options(Commands.global) + exitStatus(of: nil)
  }

  private static func head(_ title: String, _ version: String) -> String {
    ".TH \"\(title.uppercased())\" 1 \"\" \"apus \(version)\"\n"
  }

  private static func options(_ options: [Option]) -> String {
    options.filter { !$0.isHidden }.map { option in
      var names = option.letter.map { "\\fB\\-\($0)\\fR, " } ?? ""
      names += "\\fB\\-\\-\(escaped(option.name))\\fR"
      if let placeholder = option.placeholder { names += " \\fI\(escaped(placeholder))\\fR" }
      let variable = option.variables.first.map { "\nEnvironment: \\fBAPUS_\($0)\\fR." } ?? ""
      return ".TP\n\(names)\n\(escaped(option.help)).\(variable)\n"
    }.joined()
  }

  /// Of a command that starts a program, or of the others. nil: of all.
  private static func exitStatus(of command: Command?) -> String {
    let ofPrograms =
      "Commands that start a program end with its exit status; 128 + the number of the signal that ended it; 127 if it "
      + "was not found, 126 if it cannot be executed; 255 if Apus failed before it started.\n"
    let ofOthers = "0, or 255 if the command failed.\n"
    let usage = "1 for a command line that makes no sense"
    let ofApps = ", or names an application that the image does not have"
    guard let command else {
      return ".SH EXIT STATUS\n" + ofPrograms + "The other commands: " + ofOthers + usage + ofApps + ".\n"
    }
    let own = (Commands.launches + ["oci run"]).contains(command.name) ? ofPrograms : ofOthers
    let hasApps = command.options.contains { $0.name == "app" }
    return ".SH EXIT STATUS\n" + own + usage + (hasApps ? ofApps : "") + ".\n"
  }

  /// Characters that begin requests or escapes in man(7).
  private static func escaped(_ text: String) -> String {
    var out = ""
    for character in text {
      switch character {
      case "\\": out += "\\e"
      case "-": out += "\\-"
      case "'" where out.isEmpty || out.hasSuffix("\n"): out += "\\(aq"
      case "." where out.isEmpty || out.hasSuffix("\n"): out += "\\&."
      default: out.append(character)
      }
    }
    return out
  }

  public static func markdown() -> String {
    var out = "# Commands\n\nMade from the declarations in `Sources/CommandLine` by `apus man --markdown`.\n"
    for command in Commands.all where !command.isHidden {
      out += "\n## apus \(command.name)\n\n`apus \(command.usage)`\n\n"
      out += command.summary + "."
      if !command.description.isEmpty { out += " " + command.description }
      out += "\n"
      guard !command.options.isEmpty else { continue }
      out += "\n| option | variable | meaning |\n|---|---|---|\n"
      for option in command.options where !option.isHidden {
        let usage = option.usage.drop { $0 == " " }.replacing("|", with: "\\|")
        out += "| `\(usage)` | \(option.variables.first.map { "`APUS_\($0)`" } ?? "") | \(option.help) |\n"
      }
    }
    return out
  }
}

extension StringProtocol {
  /// The text with each `old` replaced.
  fileprivate func replacing(_ old: Character, with new: String) -> String {
    map { $0 == old ? new : String($0) }.joined()
  }
}
