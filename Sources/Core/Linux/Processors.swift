internal import Glibc
internal import Model

/// The processors of this node.
public enum Processors {
  /// How many the caller may run on: its affinity, which batch systems and `taskset` set. At least 1.
  public static var allowed: Int {
    var mask = cpu_set_t()
    let size = MemoryLayout<cpu_set_t>.size
    guard unsafe sched_getaffinity(0, size, &mask) == 0 else { return 1 }
    let count = unsafe withUnsafeBytes(of: &mask) { bytes in
      unsafe bytes.reduce(0) { $0 + $1.nonzeroBitCount }
    }
    return max(1, count)
  }

  /// How many threads can compute at the same time: the affinity, and what the limits of the caller's cgroup and of those
  /// above it leave of it, rounded up (cgroups(7): cpu.max of version 2, cpu.cfs_quota_us of version 1). At least 1.
  public static var usable: Int {
    var count = Double(allowed)
    let cgroups = (try? File.readAll("/proc/self/cgroup", limit: 1 << 16)) ?? []
    for line in String(decoding: cgroups, as: UTF8.self).lines {
      // number ":" controllers ":" path; a path may hold further colons
      let fields = line.fields(at: UInt8(ascii: ":"))
      guard fields.count >= 3 else { continue }
      let path = ContainerPath.normalized(String(line[fields[2].startIndex...]))
      if fields[1].isEmpty {
        lower(&count, below: "/sys/fs/cgroup", path)
      } else if fields[1].fields(at: UInt8(ascii: ",")).contains("cpu") {
        lower(&count, below: "/sys/fs/cgroup/cpu", path)
      }
    }
    return max(1, Int(count.rounded(.up)))
  }

  private static func lower(_ count: inout Double, below top: String, _ path: String) {
    var path = path
    while true {
      let folder = top + (path == "/" ? "" : path)
      if let share = share(number(folder + "/cpu.max"))
        ?? share(
          number(folder + "/cpu.cfs_quota_us") + number(folder + "/cpu.cfs_period_us"))
      {
        count = min(count, share)
      }
      if path == "/" { return }
      path = ContainerPath.parent(path)
    }
  }

  /// Quota and period in microseconds; nil without a limit ("max", or a quota of -1).
  static func share(_ numbers: [Double?]) -> Double? {
    guard numbers.count >= 2, let quota = numbers[0], let period = numbers[1], quota > 0, period > 0 else {
      return nil
    }
    return quota / period
  }

  private static func number(_ path: String) -> [Double?] {
    guard let bytes = try? File.readAll(path, limit: 64) else { return [] }
    return String(decoding: bytes, as: UTF8.self).lines.flatMap { $0.fields(at: UInt8(ascii: " ")) }
      .map { Double($0) }
  }
}
