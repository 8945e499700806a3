internal import Bundle
internal import CommandLine
internal import Containers
internal import Glibc
internal import Linux
internal import Messages
internal import Model
internal import Settings

/// `apus instance …`: containers in the background, by name.
func runInstance(_ parsed: Parsed, _ variables: Variables, _ output: Output) -> Int32 {
  do throws(InstanceFault) {
    switch parsed.command.path.last {
    case "start", "run": return try InstanceStart(parsed, variables, output).run()
    case "stop": return try stopInstances(parsed, output)
    case "stats": return try showUsage(parsed, output)
    default: return try listInstances(parsed, output)
    }
  } catch {
    return output.fatal(error.explanation, exit: error.isOfUsage ? ExitCode.usage : ExitCode.failure)
  }
}

/// Whose instances are meant.
func ownerOfInstances(_ parsed: Parsed) throws(InstanceFault) -> UInt32 {
  do throws(ContainerFault) { return try becomeUser(named: parsed.value("user")) } catch {
    throw .container(error)
  }
}

/// `instance list`
private func listInstances(_ parsed: Parsed, _ output: Output) throws(InstanceFault) -> Int32 {
  let isJSON = parsed.isOn("json")
  let showsLogs = parsed.isOn("logs")
  if isJSON, showsLogs {
    return output.fatal(
      Explanation(
        what: "cannot list with --json and --logs", why: "--json shows logs in any case",
        remedy: "leave out --logs"), exit: ExitCode.usage)
  }
  let pattern = parsed.operands.first ?? "*"
  let instances = try Instance.running(uid: ownerOfInstances(parsed)).filter {
    InstanceName.isNamed($0.name, by: pattern)
  }
  if isJSON {
    output.result(JSON.object([("instances", .array(instances.map(\.json)))]).text(indented: true) + "\n")
    return 0
  }
  var rows = [showsLogs ? ["INSTANCE NAME", "PID", "LOGS"] : ["INSTANCE NAME", "PID", "IP", "IMAGE"]]
  for instance in instances {
    let start = [instance.name, "\(instance.pid)"]
    if showsLogs {
      rows += [start + [printable(instance.errLog)], ["", "", printable(instance.outLog)]]
    } else {
      rows.append(start + [instance.address, printable(instance.image)])
    }
  }
  output.result(columns(rows))
  return 0
}

extension Instance {
  /// With the names that tools read.
  fileprivate var json: JSON {
    .object([
      ("instance", .string(name)), ("pid", .integer(Int(pid))), ("img", .string(image)),
      ("ip", .string(address)), ("logErrPath", .string(errLog)), ("logOutPath", .string(outLog)),
    ])
  }
}

/// Rows of text, each column as wide as its widest cell and four blanks.
func columns(_ rows: [[String]]) -> String {
  var text = ""
  for row in rows {
    for (column, cell) in row.enumerated() {
      text += cell
      guard column < row.count - 1 else { break }
      let width = rows.reduce(0) { max($0, $1.count > column ? $1[column].count : 0) }
      text += String(repeating: " ", count: width + 4 - cell.count)
    }
    text += "\n"
  }
  return text
}

/// `instance stop`: all that are meant are told, then waited for together.
private func stopInstances(_ parsed: Parsed, _ output: Output) throws(InstanceFault) -> Int32 {
  var signal = SIGTERM
  if let text = parsed.value("signal") {
    guard let number = SignalName.number(text) else { throw .badSignal(text: text) }
    signal = number
  }
  var seconds = 10.0
  if let text = parsed.value("timeout") {
    guard let number = Settings.seconds(text) else { throw .badSeconds(text: text) }
    seconds = number
  }
  let pattern = parsed.operands.first
  guard pattern != nil || parsed.isOn("all") else { throw .noName }
  let instances = try Instance.running(uid: ownerOfInstances(parsed)).filter { instance in
    pattern.map { InstanceName.isNamed(instance.name, by: $0) } ?? true
  }
  if instances.isEmpty {
    if let pattern { throw .noneNamed(pattern: pattern) }
    output.notice(Notice(.info, "no instance is running"))
    return 0
  }
  for instance in instances {
    output.notice(
      Notice(
        .info,
        "stopping \(instance.name), an instance of \(printable(instance.image)) (process \(instance.pid))"))
    if parsed.isOn("force") || signal == SIGKILL {
      try instance.kill()
    } else {
      try instance.tellToStop(signal)
    }
  }
  // Seconds are those of all together.
  var left = Int(min(seconds, 1e6) * 1000)
  var code: Int32 = 0
  for instance in instances {
    let start = Clock.milliseconds
    if !instance.awaitEnd(milliseconds: left) {
      output.notice(
        Notice(.info, "killing \(instance.name): it did not end within the time (process \(instance.pid))"))
      try instance.kill()
      if !instance.awaitEnd(milliseconds: 10_000) {
        code = output.fatal(InstanceFault.stillRunning(name: instance.name).explanation)
        continue
      }
    }
    left = max(0, left - (Clock.milliseconds - start))
    instance.awaitRemoval(milliseconds: 60_000)
  }
  return code
}

private enum Clock {
  static var milliseconds: Int {
    var time = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return time.tv_sec * 1000 + time.tv_nsec / 1_000_000
  }
}
