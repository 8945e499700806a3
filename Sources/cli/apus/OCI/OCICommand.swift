internal import Bundle
internal import CommandLine
internal import Containers
internal import Glibc
internal import Linux
internal import Messages
internal import Model
internal import Settings

/// `apus oci …`: containers of bundles, as callers of an OCI runtime ask for them.
func runOCI(_ parsed: Parsed, _ words: [String], _ variables: Variables, _ output: Output) -> Int32 {
  var output = output
  if parsed.isOn("slurm") { output.node = nodeName(variables) }
  let operands: (id: ContainerID, rest: [String])
  do throws(ContainerFault) { operands = try container(parsed) } catch {
    return output.fatal(error.explanation, exit: failure(parsed))
  }
  switch parsed.command.path.last {
  case "run", "create":
    return runBundle(parsed, words, operands.id, arguments: operands.rest, variables, output)
  default: break
  }
  do throws(ContainerFault) {
    let xdg = variables["XDG_RUNTIME_DIR"]
    let uid = try becomeOwner(parsed, of: operands.id, xdg: xdg)
    switch parsed.command.path.last {
    case "start":
      guard let said = try ContainerDirectory.find(operands.id, on: .bundles(uid: uid, xdg: xdg)).start()
      else { return 0 }
      try? File.write(said, to: 2)
      return failure(parsed)
    case "state":
      output.result(try state(parsed, operands.id, uid: uid, xdg: xdg).json.text(indented: true) + "\n")
      return 0
    case "kill":
      return try kill(parsed, operands.id, operands.rest.first ?? "TERM", uid: uid, xdg: xdg, output)
    default:
      do throws(ContainerFault) {
        try ContainerDirectory.find(operands.id, on: .bundles(uid: uid, xdg: xdg)).delete(
          force: parsed.isOn("force"))
      } catch {
        guard case .unknown = error, parsed.isOn("force") else { throw error }
      }
      return 0
    }
  } catch { return output.fatal(error.explanation, exit: failure(parsed)) }
}

/// The exit code for what is no fault of the program's.
func failure(_ parsed: Parsed) -> Int32 { parsed.isOn("slurm") ? ExitCode.jobStep : ExitCode.failure }

/// What Slurm calls this node, else what it calls itself.
func nodeName(_ variables: Variables) -> String {
  if let name = variables["SLURMD_NODENAME"], !name.isEmpty { return printable(name) }
  return printable(hostName())
}

/// The container's ID, an option or the first operand, and the operands behind it.
private func container(_ parsed: Parsed) throws(ContainerFault) -> (id: ContainerID, rest: [String]) {
  if let id = parsed.value("id") { return (try ContainerID(id), parsed.operands) }
  guard let first = parsed.operands.first else { throw .badID(why: "none was given") }
  return (try ContainerID(first), Array(parsed.operands.dropFirst()))
}

/// Becomes the user whose container is meant, and returns it. An ID of Slurm's names its user, where none was named and
/// root has no container of that ID.
private func becomeOwner(_ parsed: Parsed, of id: ContainerID, xdg: String?) throws(ContainerFault) -> UInt32
{
  var name = parsed.value("user")
  if name == nil, geteuid() == 0, let uid = id.user,
    (try? ContainerDirectory.find(id, on: .bundles(uid: 0, xdg: xdg))) == nil
  {
    name = "\(uid)"
  }
  return try becomeUser(named: name)
}

private func state(
  _ parsed: Parsed, _ id: ContainerID, uid: UInt32, xdg: String?
) throws(ContainerFault) -> ContainerState {
  do throws(ContainerFault) {
    if let state = try ContainerDirectory.find(id, on: .bundles(uid: uid, xdg: xdg)).state() { return state }
  } catch {
    guard case .unknown = error else { throw error }
  }
  guard parsed.isOn("force") else { throw .unknown(id: id.text) }
  return ContainerState(id: id, status: .stopped, record: ContainerRecord(bundle: "", annotations: []))
}

private func kill(
  _ parsed: Parsed, _ id: ContainerID, _ name: String, uid: UInt32, xdg: String?, _ output: Output
) throws(ContainerFault) -> Int32 {
  guard let signal = SignalName.number(name) else {
    return output.fatal(
      Explanation(
        what: "cannot send the signal \(printable(name))", why: "there is none of that name",
        remedy: "write it as TERM, SIGTERM or 15"), exit: ExitCode.usage)
  }
  var pid: Int32?
  if let text = parsed.value("pid") {
    // Slurm gives 0 where it knows of no process.
    guard let number = Int32(text), number >= 0 else {
      return output.fatal(
        Explanation(
          what: "cannot signal the process \(printable(text))", why: "it is no number", remedy: ""),
        exit: ExitCode.usage)
    }
    pid = number
  }
  // Slurm asks more than once, and for steps of which nothing is kept.
  let isForced = parsed.isOn("force") || parsed.isOn("slurm")
  do throws(ContainerFault) {
    try ContainerDirectory.find(id, on: .bundles(uid: uid, xdg: xdg)).kill(signal, all: parsed.isOn("all"))
    return 0
  } catch {
    switch error {
    case .unknown:
      if let pid {
        do throws(SystemCallFault) {
          if try ContainerProcess.signal(pid: pid, signal) || isForced { return 0 }
        } catch { throw .system(error) }
      }
      guard isForced else { throw error }
    case .status: guard isForced else { throw error }
    default: throw error
    }
    return 0
  }
}
