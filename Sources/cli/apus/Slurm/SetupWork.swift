internal import Glibc
internal import Linux
internal import Messages
internal import Model
internal import NodeSetup

/// Carries out the steps of `planSetup`, each only where something differs, and says what it did.
struct SetupWork {
  let isDry: Bool
  let output: Output

  /// Why a step could not be carried out.
  enum Fault: Error {
    case call(SystemCallFault)
    /// What is to be open to all belongs to somebody, or is a link that somebody made.
    case notRoots(path: String)
  }

  func run(_ steps: [SetupStep]) throws(Fault) {
    for case .directory(let path, let mode) in steps where mode & 0o002 != 0 { try checkOwner(path) }
    for step in steps {
      do throws(SystemCallFault) { try carryOut(step) } catch { throw .call(error) }
    }
  }

  private func carryOut(_ step: SetupStep) throws(SystemCallFault) {
    switch step {
    case .directory(let path, let mode): try makeDirectory(path, mode)
    case .file(let path, let content, let mode, let aside): try write(content, to: path, mode, aside)
    case .link(let path, let target): try link(path, to: target)
    case .advice(let text): say("to do", text)
    }
  }

  /// Root opens nothing to all that a user has put there: a link of theirs may lead to any directory.
  private func checkOwner(_ path: String) throws(Fault) {
    for following in [false, true] {
      if let facts = try? File.facts(path, following: following), facts.uid != 0 {
        throw .notRoots(path: path)
      }
    }
  }

  /// By descriptor, so that it is the directory that was looked at.
  private func setMode(of path: String, _ mode: UInt32, _ flags: Int32 = 0) throws(SystemCallFault) {
    let directory = try File.open(path, O_RDONLY | O_DIRECTORY | flags)
    guard try File.facts(directory).uid == geteuid() else { throw SystemCallFault("chmod", path, EPERM) }
    let number = directory.number
    try retrying("chmod", path) { fchmod(number, mode) }
  }

  private func say(_ word: String, _ text: String) {
    guard output.tells(.info) else { return }
    let blanks = String(repeating: " ", count: max(1, 12 - word.utf8.count))
    output.result(word + blanks + printable(text) + "\n")
  }

  private func makeDirectory(_ path: String, _ mode: UInt32) throws(SystemCallFault) {
    let facts = try? File.facts(path)
    if let facts, facts.kind == .directory {
      // What is open to all must be; another directory's mode is its owner's affair.
      guard mode & 0o1000 != 0, facts.mode & 0o1777 != mode else { return }
      if !isDry { try setMode(of: path, mode) }
      say(isDry ? "would set" : "set", "mode \(String(mode, radix: 8)) of \(path)")
      return
    }
    if !isDry {
      var place = ""
      for part in ContainerPath.components(path) {
        place += "/" + part
        if (try? File.facts(place)) != nil { continue }
        let made = place
        try retrying("mkdir", made) { unsafe mkdir(made, 0o755) }
        // Whatever the caller's umask.
        try setMode(of: made, made == path ? mode : 0o755, O_NOFOLLOW)
      }
    }
    say(isDry ? "would make" : "made", path + (mode == 0o755 ? "" : ", mode " + String(mode, radix: 8)))
  }

  private func write(
    _ content: [UInt8], to path: String, _ mode: UInt32, _ aside: String
  ) throws(SystemCallFault) {
    if let facts = try? File.facts(path, following: false), facts.kind == .file, facts.mode & 0o7777 == mode,
      facts.size == content.count, (try? File.readAll(path, limit: content.count)) == content
    {
      say("unchanged", path)
      return
    }
    if !isDry {
      let temporary = "\(aside)/.\(ContainerPath.lastComponent(path)).\(getpid())"
      _ = unsafe unlink(temporary)
      do throws(SystemCallFault) {
        let file = try File.open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: mode)
        try File.write(content, to: file.number, subject: path)
        let number = file.number
        try retrying("fchmod", path) { fchmod(number, mode) }
        try retrying("fsync", path) { fsync(number) }
        try retrying("rename", path) { unsafe rename(temporary, path) }
      } catch {
        _ = unsafe unlink(temporary)
        throw error
      }
    }
    say(isDry ? "would write" : "wrote", path)
  }

  private func link(_ path: String, to target: String) throws(SystemCallFault) {
    if (try? File.target(ofLink: path)) == target {
      say("unchanged", path)
      return
    }
    if !isDry {
      let temporary = "\(ContainerPath.parent(path))/.\(ContainerPath.lastComponent(path)).\(getpid())"
      _ = unsafe unlink(temporary)
      try retrying("symlink", path) { unsafe symlink(target, temporary) }
      do throws(SystemCallFault) {
        try retrying("rename", path) { unsafe rename(temporary, path) }
      } catch {
        _ = unsafe unlink(temporary)
        throw error
      }
    }
    say(isDry ? "would link" : "linked", "\(path) to \(target)")
  }
}

extension SetupWork.Fault: Explained {
  var explanation: Explanation {
    switch self {
    case .call(let fault): fault.explanation
    case .notRoots(let path):
      Explanation(
        what: "cannot open \(printable(path)) to all users",
        why: "the directory, or the link that leads to it, does not belong to root",
        remedy: "see who made it, then remove it or give it to root; or name another directory")
    }
  }
}
