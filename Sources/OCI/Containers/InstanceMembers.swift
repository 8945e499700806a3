internal import Glibc
internal import Linux

/// The processes in an instance: those of its PID namespace, else its first process and its descendants.
enum InstanceMembers {
  static func all(of first: Int32) -> [Int32] {
    guard let directory = try? File.open("/proc", O_RDONLY | O_DIRECTORY),
      let names = try? File.names(in: directory)
    else { return [] }
    let pids = names.compactMap { Int32($0) }
    if hasNamespace(first), let own = namespace("\(first)") {
      return pids.filter { namespace("\($0)") == own }
    }
    var members: Set<Int32> = [first]
    let parents = pids.compactMap { pid in parent(of: pid).map { (pid, $0) } }
    var count = 0
    while count != members.count {
      count = members.count
      for (pid, parent) in parents where members.contains(parent) { members.insert(pid) }
    }
    return Array(members)
  }

  /// Sends a signal to those that no signal to its first process reaches: without a PID namespace, what is in groups of
  /// its own. `everyone`: and to its first process's group, but not to that process. `told`: who has had it, and is spared.
  static func signal(_ number: Int32, of first: Int32, everyone: Bool = false, told: inout Set<Int32>) {
    guard !hasNamespace(first) else { return }
    // What makes children meanwhile, or gets another parent, is found the next time.
    for _ in 0..<3 {
      for pid in all(of: first) where pid != first && !told.contains(pid) {
        do throws(SystemCallFault) {
          // Held, so that its number cannot become another's before the signal (Linux 5.3).
          let held = try Process.pidfd(pid)
          guard isMember(pid, of: first, everyone: everyone) else { continue }
          try Process.signal(held, number)
        } catch {
          guard error.number == ENOSYS, isMember(pid, of: first, everyone: everyone) else { continue }
          kill(pid, number)
        }
        told.insert(pid)
      }
    }
  }

  private static func isMember(_ pid: Int32, of first: Int32, everyone: Bool) -> Bool {
    guard let facts = Process.statFields(of: pid), facts.count > 2 else { return false }
    var ancestor = Int32(facts[1])
    while let found = ancestor, found != first { ancestor = found > 1 ? parent(of: found) : nil }
    return ancestor == first && (everyone || Int32(facts[2]) != first)
  }

  private static func hasNamespace(_ first: Int32) -> Bool {
    namespace("\(first)").map { $0 != namespace("self") } ?? false
  }

  private static func namespace(_ pid: String) -> UInt64? { (try? File.facts("/proc/\(pid)/ns/pid"))?.inode }

  private static func parent(of pid: Int32) -> Int32? {
    Process.statFields(of: pid).flatMap { $0.count > 1 ? Int32($0[1]) : nil }
  }
}
