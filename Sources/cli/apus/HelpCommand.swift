internal import CommandLine
internal import Messages
internal import Model

/// `apus help` and `--help`.
func runHelp(_ words: [String], _ output: Output) -> Int32 {
  guard !words.isEmpty else {
    output.result(Help.overview())
    return 0
  }
  if let command = Commands.find(words) {
    output.result(Help.page(command))
    return 0
  }
  let group = Commands.all.filter { $0.path.starts(with: words) && !$0.isHidden }
  guard !group.isEmpty else {
    return output.fatal(
      Explanation(
        what: "no help for \(printable(words.joined(separator: " ")))", why: "there is no such command",
        remedy: "`apus help` lists them"), exit: ExitCode.usage)
  }
  output.result(Help.list(group))
  return 0
}

/// `apus completion SHELL`
func runCompletion(_ parsed: Parsed, _ output: Output) -> Int32 {
  guard let script = Completion.script(for: parsed.operands[0]) else {
    return output.fatal(
      Explanation(
        what: "no completions for \(printable(parsed.operands[0]))", why: "bash, zsh and fish are known",
        remedy: "name one of them"), exit: ExitCode.usage)
  }
  output.result(script)
  return 0
}

/// `apus man [COMMAND...]`
func runManual(_ parsed: Parsed, _ output: Output) -> Int32 {
  if parsed.isOn("markdown") {
    output.result(Manual.markdown())
    return 0
  }
  if parsed.isOn("list") {
    output.result(Manual.pages.map { $0.connected(by: " ") + "\n" }.connected(by: ""))
    return 0
  }
  guard let page = Manual.page(parsed.operands, version: Installation.version) else {
    return output.fatal(
      Explanation(
        what: "no manual page", why: "there is no command of that name", remedy: "`apus help` lists them"),
      exit: ExitCode.usage)
  }
  output.result(page)
  return 0
}
