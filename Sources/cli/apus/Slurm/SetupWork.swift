internal import Glibc
internal import Linux
internal import Messages
internal import Model
internal import NodeSetup

/// Carries out the steps of `planSetup`, each only where something differs, and says what it did.
struct SetupWork {
  let isDry: Bool
  let output: Output

  func run(_ steps: [SetupStep]) throws(SystemCallFault) {
    for step in steps {
      switch step {
      case .directory(let path, let mode): try makeDirectory(path, mode)
      case .file(let path, let content, let mode, let aside): try write(content, to: path, mode, aside)
      case .link(let path, let target): try link(path, to: target)
      case .advice(let text): say("to do", text)
      }
    }
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
      if !isDry { try retrying("chmod", path) { unsafe chmod(path, mode) } }
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
        try retrying("chmod", made) { unsafe chmod(made, made == path ? mode : 0o755) }
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
