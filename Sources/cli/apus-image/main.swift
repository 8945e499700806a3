internal import CommandLine
internal import Glibc
internal import Linux
internal import Messages
internal import Model

// `apus-image` does what needs no launch: `apus build …` executes it with the same words.
StandardStreams.reserveNumbers()
Process.expectChildren()
exit(run(Array(Inheritance.arguments.dropFirst())))

/// Takes the words apart and calls the command. Returns the exit code.
func run(_ words: [String]) -> Int32 {
  // Words of the launcher, for none but this program.
  if words.first == "slurm-helper", ["start", "stage"].contains(words.dropFirst().first) {
    return runSlurmStage(Array(words.dropFirst(2)), isLaunch: words[1] == "start", Output())
  }
  if words.first == "call-filter" { return runCallFilter(Array(words.dropFirst())) }
  if words.first == "slurm-helper" { return runSlurmBroadcast(Array(words.dropFirst(2)), Output()) }
  var output = Output()
  let parsed: Parsed
  do throws(UsageFault) { parsed = try Parser().parse(words, environment: variable) } catch {
    let text = error.text
    return output.fatal(
      Explanation(
        what: printable(text.what), why: printable(text.why), remedy: printable(text.remedy)),
      exit: ExitCode.usage)
  }
  output.level = level(parsed)
  if parsed.isOn("nocolor") { output.usesColor = false }
  for (name, option) in parsed.variables { output.notice(Notice(.debug, "\(name) counts as --\(option)")) }
  switch parsed.command.path {
  case ["build"]: return runBuild(parsed, output)
  case ["pull"]: return runPull(parsed, output)
  case ["overlay", "create"]: return runOverlay(parsed, output)
  case ["push"]: return runPush(parsed, output)
  case let path where path.first == "registry": return runRegistry(parsed, output)
  case let path where ["exec", "run", "shell", "test", "explain", "inspect", "run-help"].contains(path.first):
    return runReference(parsed, words, output)
  case ["instance", "start"], ["instance", "run"]: return runReference(parsed, words, output)
  case ["oci", "run"], ["oci", "create"]: return runBundle(parsed, words, output)
  case let path where path.first == "cache": return runCache(parsed, output)
  default:
    return output.fatal(
      Explanation(
        what: "cannot run apus \(parsed.command.name)", why: "apus-image makes images only",
        remedy: "use apus: it starts this program where it is needed"), exit: ExitCode.usage)
  }
}

/// A variable of the environment. One thread runs while they are read.
func variable(_ name: String) -> String? { unsafe getenv(name).map { unsafe String(cString: $0) } }

private func level(_ parsed: Parsed) -> Int {
  if parsed.isOn("silent") { return -3 }
  if parsed.isOn("quiet") { return -1 }
  if parsed.isOn("debug") { return 5 }
  if parsed.isOn("verbose") { return 4 }
  let set = Parser.prefixes.lazy.compactMap { variable($0 + "MESSAGELEVEL") }.first { !$0.isEmpty }
  return set.flatMap { Int($0) } ?? 1
}
