internal import CommandLine
internal import Glibc
internal import ImageMount
internal import Linux
internal import Messages
internal import Model
internal import Settings

/// `apus mounts`: the image servers of this user.
func runMounts(_ parsed: Parsed, _ variables: Variables, _ output: Output) -> Int32 {
  do throws(RuntimeDirectoryFault) { try checkRuntimeDirectory(variables) } catch {
    return output.fatal(error.explanation)
  }
  let servers = ImageMount.servers(all: parsed.isOn("all")) { variables[$0] }
  if parsed.isOn("json") {
    output.result(JSON.array(servers.map(\.json)).text(indented: true) + "\n")
    return 0
  }
  output.result("PID       PROGRAMS  MEMORY    AGE       IMAGE\n")
  for server in servers {
    let columns = [
      "\(server.pid)", "\(server.programs)", "\(server.memoryBytes >> 10) KiB", "\(server.ageSeconds) s",
    ]
    let padded = columns.map { $0 + String(repeating: " ", count: max(1, 10 - $0.count)) }
    output.result(padded.joined() + printable(server.image) + "\n")
  }
  return 0
}

/// Refuses a directory that a launch would refuse: no server of ours can be in it. None at all is fine.
private func checkRuntimeDirectory(_ variables: Variables) throws(RuntimeDirectoryFault) {
  let uid = geteuid()
  let path = RuntimeDirectory.path(uid: uid, xdg: variables["XDG_RUNTIME_DIR"])
  guard let facts = try? File.facts(path, following: false) else { return }
  guard facts.kind == .directory else { throw .notADirectory(path: path) }
  guard facts.uid == uid, facts.mode & 0o077 == 0 else {
    throw .notOurs(path: path, owner: facts.uid, mode: facts.mode)
  }
}

extension ServerState {
  fileprivate var json: JSON {
    .object([
      ("image", .string(image)), ("pid", .integer(Int(pid))), ("programs", .integer(programs)),
      ("memoryBytes", .integer(memoryBytes)), ("cacheBytes", .integer(cacheBytes)),
      ("ageSeconds", .integer(ageSeconds)),
      ("lingerSeconds", .number(lingerSeconds)),
    ])
  }
}
