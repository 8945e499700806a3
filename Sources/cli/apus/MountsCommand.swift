internal import CommandLine
internal import Glibc
internal import ImageMount
internal import Messages
internal import Model
internal import Settings

/// `apus mounts`: the image servers of this user.
func runMounts(_ parsed: Parsed, _ variables: Variables, _ output: Output) -> Int32 {
  do throws(RuntimeDirectoryFault) {
    let uid = geteuid()
    // No server of ours can be in one that a launch would refuse.
    try RuntimeDirectory.check(
      RuntimeDirectory.path(uid: uid, xdg: variables["XDG_RUNTIME_DIR"]), uid: uid)
  } catch { return output.fatal(error.explanation) }
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
