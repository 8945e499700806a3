internal import CommandLine
internal import Doctor
internal import Linux
internal import Messages
internal import Model
internal import Settings

/// `apus doctor`: what this node offers, what is missing, what that costs and who can change it.
func runDoctor(_ parsed: Parsed, _ variables: Variables, _ output: Output) -> Int32 {
  if parsed.isOn("apparmor-profile") {
    output.result(appArmorProfile(program: Installation.program))
    return 0
  }
  let facts = NodeSurvey.facts(
    user: User.current(cache: nil), xdg: variables["XDG_RUNTIME_DIR"], searchPath: variables["PATH"])
  let checks = diagnose(facts)
  let isFailing = checks.contains { $0.state == .failing }
  if parsed.isOn("json") {
    let items = checks.map { check in
      JSON.object([
        ("name", .string(check.name)), ("state", .string(check.state.rawValue)),
        ("found", .string(check.found)),
        ("cost", .string(check.cost)), ("remedy", .string(check.remedy)),
      ])
    }
    output.result(
      JSON.object([("canRunImages", .bool(!isFailing)), ("checks", .array(items))]).text(indented: true)
        + "\n")
  } else {
    for check in checks {
      let mark = check.state.rawValue + String(repeating: " ", count: 9 - check.state.rawValue.count)
      output.result("\(mark)\(check.name): \(printable(check.found))\n")
      if !check.cost.isEmpty { output.result("         costs: \(printable(check.cost))\n") }
      if !check.remedy.isEmpty { output.result("         remedy: \(printable(check.remedy))\n") }
    }
  }
  return isFailing ? ExitCode.failure : 0
}
