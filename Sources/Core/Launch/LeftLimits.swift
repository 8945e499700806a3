internal import Model

/// Limits of groups that a container leaves because its own is made above them: beside the caller's group, and not in it.
///
/// A limit that somebody has set for the caller (`systemd-run -p MemoryMax=1G`, a job step's) must hold for its containers
/// too. The number of processes is carried over: systemd limits it for everything it starts, mostly at a value that nobody
/// has chosen. Others cannot be: a container beside its caller would have as much again.
extension ControlGroups {
  /// Files of a group that somebody sets to limit the processes in it.
  static let limitFiles = [
    "memory.max", "memory.high", "memory.swap.max", "cpu.max", "pids.max", "cpuset.cpus",
  ]

  /// `values` for a new group in `parent`, with what has to hold there besides.
  func values(
    _ values: [LimitsPlan.Value], in parent: Group, option: String
  ) throws(IsolationFault) -> [LimitsPlan.Value] {
    let left = groups.prefix { $0.path != parent.path }
    // Who leaves a step's group is not ended with the step.
    if let group = left.first(where: { Self.isOfSlurm($0.path) }) {
      throw .leavesStep(option: option, group: group.path)
    }
    var processes: Int?
    for group in left {
      for limit in group.limits {
        if limit.file == "pids.max" {
          // Always a number: `max` is no limit.
          processes = min(processes ?? .max, Int(limit.text) ?? .max)
        } else if !Self.replaces(limit, values) {
          throw .leavesLimit(option: option, group: group.path, limit: "\(limit.file) = \(limit.text)")
        }
      }
    }
    guard let processes else { return values }
    let asked = values.last { $0.file == "pids.max" }.flatMap { Int($0.text) }
    return values.filter { $0.file != "pids.max" } + [.init("pids.max", "\(min(asked ?? .max, processes))")]
  }

  /// Whether a group with `values` is held at least as tightly as one with `limit`. Of several for one file the last counts.
  private static func replaces(_ limit: LimitsPlan.Value, _ values: [LimitsPlan.Value]) -> Bool {
    // memory.max stops what memory.high slows down.
    let files = limit.file == "memory.high" ? [limit.file, "memory.max"] : [limit.file]
    return files.contains { file in
      values.last { $0.file == file }?.isNoHigher(than: limit) ?? false
    }
  }

  /// Groups from `slurmstepd.scope` down: `…/job_7/step_0/user/task_0`. The scope has the node's name before it where a host
  /// has several (Slurm's cgroup_v2.html).
  private static func isOfSlurm(_ path: String) -> Bool {
    let name = ContainerPath.lastComponent(path)
    return name.hasSuffix("slurmstepd.scope") || name.starts(withBytesOf: "job_")
      || path.holds(bytesOf: "/step_")
  }
}

extension LimitsPlan.Value {
  fileprivate func isNoHigher(than limit: LimitsPlan.Value) -> Bool {
    switch file {
    case "cpu.max":
      guard let share, let other = limit.share else { return false }
      return share <= other
    case "cpuset.cpus": return text == limit.text
    default:
      guard let number = Int(text), let other = Int(limit.text) else { return false }
      return number <= other
    }
  }

  /// Processors: quota by period, 100 ms where there is none (cgroup-v2, "CPU Interface Files").
  private var share: Double? {
    let numbers = text.fields(at: 0x20).map { Double($0) ?? .infinity }
    guard let quota = numbers.first else { return nil }
    let period = numbers.count > 1 ? numbers[1] : 100_000
    return quota.isFinite && period.isFinite && period > 0 ? quota / period : nil
  }
}
