internal import CommandLine
internal import Containers
internal import Glibc
internal import Linux
internal import Messages
internal import Model

/// `instance stats`
func showUsage(_ parsed: Parsed, _ output: Output) throws(InstanceFault) -> Int32 {
  let instance = try Instance.named(parsed.operands[0], uid: ownerOfInstances(parsed))
  let limit = Memory.limit
  var before = InstanceUsage(of: instance)
  if parsed.isOn("json") {
    output.result(json(instance, before, limit: limit).text(indented: true) + "\n")
    return 0
  }
  let isStream = !parsed.isOn("no-stream") && isatty(1) == 1
  // A share of the processor is one of a stretch of time.
  var milliseconds = isStream ? 1000 : 250
  repeat {
    usleep(UInt32(milliseconds) * 1000)
    let now = InstanceUsage(of: instance)
    guard instance.isRunning else { return 0 }
    let used = max(0, now.processorNanoseconds - before.processorNanoseconds)
    let share = Double(used) / (Double(milliseconds) * 1e6) * 100
    if isStream { output.result("\u{1B}[H\u{1B}[2J") }
    output.result(
      columns([
        ["INSTANCE NAME", "CPU USAGE", "MEM USAGE / LIMIT", "MEM %", "BLOCK I/O", "PIDS"],
        [
          instance.name, percent(share), "\(size(now.memoryBytes)) / \(size(limit))",
          percent(Double(now.memoryBytes) / Double(max(1, limit)) * 100),
          "\(size(now.readBytes)) / \(size(now.writtenBytes))", "\(now.processes)",
        ],
      ]))
    before = now
    milliseconds = 1000
  } while isStream
  return 0
}

private func json(_ instance: Instance, _ usage: InstanceUsage, limit: Int) -> JSON {
  .object([
    ("instance", .string(instance.name)), ("pid", .integer(Int(instance.pid))),
    ("cpuNanoseconds", .integer(usage.processorNanoseconds)), ("memoryBytes", .integer(usage.memoryBytes)),
    ("memoryLimitBytes", .integer(limit)), ("readBytes", .integer(usage.readBytes)),
    ("writtenBytes", .integer(usage.writtenBytes)), ("processes", .integer(usage.processes)),
  ])
}

/// With two digits behind the point.
private func percent(_ value: Double) -> String {
  let hundredths = Int((value * 100).rounded())
  let rest = hundredths % 100
  return "\(hundredths / 100).\(rest < 10 ? "0" : "")\(rest)%"
}

private func size(_ bytes: Int) -> String {
  for (unit, shift) in [("GiB", 30), ("MiB", 20), ("KiB", 10)] where bytes >> shift > 0 {
    let tenths = (bytes * 10) >> shift
    return "\(tenths / 10).\(tenths % 10)\(unit)"
  }
  return "\(bytes)B"
}
