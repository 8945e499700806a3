internal import CommandLine
internal import Glibc
internal import Launch
internal import Linux
internal import Messages
internal import Model

/// `apus config fakeroot`: ranges of ids for users, in /etc/subuid and /etc/subgid.
func runFakerootRanges(_ parsed: Parsed, _ output: Output) -> Int32 {
  let asked = ["add", "remove", "enable", "disable"].filter { parsed.isOn($0) }
  guard asked.count == 1 else {
    return output.fatal(
      Explanation(
        what: "cannot change a range", why: "not one of --add, --remove, --enable and --disable is given",
        remedy: "say one of them: apus config fakeroot --add USER"), exit: ExitCode.usage)
  }
  guard geteuid() == 0 else {
    return output.fatal(
      Explanation(
        what: "cannot change /etc/subuid", why: "it requires root privileges", remedy: "ask the administrator"
      ))
  }
  let name = parsed.operands[0]
  guard let user = User.entry(named: name) else {
    return output.fatal(
      Explanation(
        what: "cannot change the range of \(printable(name))", why: "the user database has no such user",
        remedy: "check the name"))
  }
  do throws(SystemCallFault) {
    let lock = try lockUserDatabase()
    defer { _ = lock.number }
    var files = try ["/etc/subuid", "/etc/subgid"].map { path throws(SystemCallFault) in try read(path) }
    do throws(SubordinateFileFault) { try change(&files, asked[0], user) } catch {
      return output.fatal(error.explanation)
    }
    for file in files { try write(file) }
  } catch {
    return output.fatal(
      Explanation(
        what: "cannot change \(printable(error.subject))", why: error.explanation.why,
        remedy: error.explanation.remedy))
  }
  return 0
}

/// Both files or none: whoever has ids of one kind alone has no use of them.
private func change(
  _ files: inout [SubordinateFile], _ what: String, _ user: PasswordEntry
) throws(SubordinateFileFault) {
  if what == "add" {
    guard let first = SubordinateFile.freeBlock(in: files) else { throw .isFull(path: files[0].path) }
    for index in files.indices { try files[index].add(user, first: first) }
    return
  }
  for index in files.indices {
    switch what {
    case "remove": try files[index].remove(user)
    default: try files[index].switch(user, on: what == "enable")
    }
  }
}

private func read(_ path: String) throws(SystemCallFault) -> SubordinateFile {
  do throws(SystemCallFault) {
    return SubordinateFile(
      path: path, text: String(decoding: try File.readAll(path, limit: 16 << 20), as: UTF8.self))
  } catch {
    guard error.number == ENOENT else { throw error }
    return SubordinateFile(path: path, text: "")
  }
}

/// Written aside and put in place: whoever reads sees the old text or the new one.
private func write(_ file: SubordinateFile) throws(SystemCallFault) {
  let aside = file.path + ".apus"
  let mode = (try? File.facts(file.path))?.mode ?? 0o644
  _ = unsafe unlink(aside)
  let new = try File.open(aside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: mode)
  let number = new.number
  try File.write(Array(file.text.utf8), to: number, subject: aside)
  try retrying("fchmod", aside) { fchmod(number, mode) }
  try retrying("fsync", aside) { fsync(number) }
  try retrying("rename", file.path) { unsafe rename(aside, file.path) }
}

/// The lock that usermod(8) and its kin take (lckpwdf(3)); it goes with the process.
private func lockUserDatabase() throws(SystemCallFault) -> Descriptor {
  let lock = try File.open("/etc/.pwd.lock", O_WRONLY | O_CREAT, mode: 0o600)
  let number = lock.number
  var whole = flock()
  whole.l_type = Int16(F_WRLCK)
  whole.l_whence = Int16(SEEK_SET)
  try retrying("fcntl", "/etc/.pwd.lock") { unsafe fcntl(number, F_SETLKW, &whole) }
  return lock
}
