internal import CommandLine
internal import Messages
internal import Model
internal import Settings

/// Takes the words apart and calls the command. Returns the exit code; a launch that succeeds never returns.
func run(_ arguments: [String], _ variables: Variables) -> Int32 {
  var words = Array(arguments.dropFirst())
  // A SIF's first line names the runtime by this name: the file is the first word, and is run quietly.
  let name = ContainerPath.lastComponent(arguments.first ?? "apus")
  let called = ProgramName(name)
  if name == "run-apus" || name == "run-singularity" { words = ["--quiet", "run"] + words }
  var output = Output()
  if words.first == "slurm-helper" { return runSlurmHelper(words, variables, output) }
  let parsed: Parsed
  let settings = variables.settings
  do throws(UsageFault) {
    parsed = try Parser().parse(words, environment: settings.all.isEmpty ? nil : { settings[$0] })
  } catch {
    if words.contains("--version") { return runVersion(output, calledAs: called, named: true) }
    if error == .noCommand || words.first == "--help" || words.first == "-h" { return runHelp([], output) }
    // `apus exec --help` lacks its operands.
    if case .operandCount = error, let command = helpAsked(words) { return runHelp(command, output) }
    if case .incompleteCommand(let group, _) = error, words.contains("--help") || words.contains("-h") {
      return runHelp([group], output)
    }
    let text = error.text
    return output.fatal(
      Explanation(
        what: printable(text.what), why: printable(text.why), remedy: printable(text.remedy)),
      exit: ExitCode.usage)
  }
  output.level = level(parsed, variables)
  if parsed.isOn("nocolor") { output.usesColor = false }
  if parsed.isOn("version") { return runVersion(output, calledAs: called, named: true) }
  if parsed.isOn("help") { return runHelp(parsed.command.path, output) }
  if reference(of: parsed) != nil { return runImageProgram(words, variables, output) }
  return dispatch(parsed, words, calledAs: called, variables, output)
}

private func dispatch(
  _ parsed: Parsed, _ words: [String], calledAs called: ProgramName, _ variables: Variables, _ output: Output
) -> Int32 {
  switch parsed.command.path.first {
  case "exec", "run", "shell", "test", "explain": runAction(parsed, variables, output)
  case "instance": runInstance(parsed, variables, output)
  case "build", "pull", "push", "registry", "cache", "overlay": runImageProgram(words, variables, output)
  case "oci": runOCI(parsed, words, variables, output)
  case "slurm": runSlurm(parsed, variables, output)
  case "inspect": runInspect(parsed, output)
  case "run-help": runHelpOfImage(parsed, output)
  case "sif": runSIF(parsed, output)
  case "doctor": runDoctor(parsed, variables, output)
  case "config": runConfig(parsed, variables, output)
  case "mounts": runMounts(parsed, variables, output)
  case "version": runVersion(output, calledAs: called, named: false)
  case "completion": runCompletion(parsed, output)
  case "man": runManual(parsed, output)
  default: runHelp(parsed.operands, output)
  }
}

/// The command that `--help` was asked for, when its operands are missing.
private func helpAsked(_ words: [String]) -> [String]? {
  guard words.contains("--help") || words.contains("-h") else { return nil }
  let plain = words.filter { !$0.hasPrefix("-") }
  return (1...2).reversed().lazy.map { Array(plain.prefix($0)) }.first { Commands.find($0) != nil }
}

private func level(_ parsed: Parsed, _ variables: Variables) -> Int {
  if parsed.isOn("silent") { return -3 }
  if parsed.isOn("quiet") { return -1 }
  if parsed.isOn("debug") { return 5 }
  if parsed.isOn("verbose") { return 4 }
  return variables.setting("MESSAGELEVEL").flatMap { Int($0) } ?? 1
}
