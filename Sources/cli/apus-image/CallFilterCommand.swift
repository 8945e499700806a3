internal import CallFilter
internal import Glibc
internal import Linux
internal import Messages
internal import Model

/// Words of the launcher: LEVEL CAPABILITIES FILE. Reads a profile of system calls and writes what the kernel wants of it
/// to standard output: flags in eight bytes, and the program.
func runCallFilter(_ words: [String]) -> Int32 {
  guard words.count == 3 else { return ExitCode.usage }
  let output = Output(level: Int(words[0]) ?? 1)
  let path = words[2]
  func refuse(_ why: String, _ remedy: String) -> Int32 {
    output.fatal(
      Explanation(what: "cannot use --security \(printable("seccomp:" + path))", why: why, remedy: remedy))
  }
  let text: [UInt8]
  do throws(SystemCallFault) { text = try File.readAll(path, limit: 16 << 20) } catch {
    return refuse(errorText(error.number), "check the path and its permissions")
  }
  let host = ProfileHost(
    architecture: .host, capabilities: Set(words[1].fields(at: UInt8(ascii: ",")).map(String.init)),
    kernel: kernelVersion)
  do throws(ProfileFault) {
    let profile = try CallProfile(parsing: text, for: host)
    let flags = (0..<8).map { UInt8(truncatingIfNeeded: UInt64(profile.flags) >> (8 * $0)) }
    do throws(SystemCallFault) { try File.write(flags, to: 1) } catch { return ExitCode.failure }
    try CallFilter.write(profile, to: 1)
    return 0
  } catch { return refuse(error.why, "it must hold a profile in JSON as Docker and OCI runtimes take it") }
}

/// The first two numbers of the kernel's version.
private var kernelVersion: [Int] {
  let text = (try? File.readAll("/proc/sys/kernel/osrelease", limit: 4096)).map {
    String(decoding: $0, as: UTF8.self)
  }
  let numbers = (text ?? "").fields(at: UInt8(ascii: ".")).map { field in
    Int(String(field.prefix { $0.isNumber })) ?? 0
  }
  return Array((numbers + [0, 0]).prefix(2))
}
