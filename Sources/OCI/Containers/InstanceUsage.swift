internal import Glibc
internal import Linux
internal import Model

/// What the processes of an instance use at a moment, added up from procfs: no control group is needed.
public struct InstanceUsage: Equatable, Sendable {
  public var processes = 0
  /// Of processes that are there; what others used before they ended counts with those that waited for them.
  public var processorNanoseconds = 0
  /// What each has to itself, and its part of what it shares.
  public var memoryBytes = 0
  public var readBytes = 0
  public var writtenBytes = 0

  public init() {}

  /// Looks at all processes in the instance: those of its PID namespace, else its first process and its descendants.
  public init(of instance: Instance) {
    for pid in InstanceMembers.all(of: instance.pid) { add(pid) }
  }

  private mutating func add(_ pid: Int32) {
    let place = "/proc/\(pid)"
    guard let stat = Process.statFields(of: pid) else { return }
    processes += 1
    let ticks = [11, 12, 13, 14].reduce(0) { $0 + (stat.count > $1 ? Int(stat[$1]) ?? 0 : 0) }
    processorNanoseconds += ticks * (1_000_000_000 / max(1, Int(sysconf(Int32(_SC_CLK_TCK)))))
    let memory = Self.numbers(of: place + "/smaps_rollup")
    if let share = memory["Pss"] {
      memoryBytes += share << 10
    } else if let resident = Self.numbers(of: place + "/status")["VmRSS"] {
      memoryBytes += resident << 10
    }
    let transfers = Self.numbers(of: place + "/io")
    readBytes += transfers["read_bytes"] ?? 0
    writtenBytes += transfers["write_bytes"] ?? 0
  }

  /// The first number on each line `name: number …`.
  static func numbers(in text: String) -> Lookup<Int> {
    var found: Lookup<Int> = [:]
    for line in text.lines {
      let parts = line.fields(at: UInt8(ascii: ":"))
      guard parts.count == 2 else { continue }
      let words = parts[1].split { $0 == " " || $0 == "\t" }
      if let number = words.first.flatMap({ Int($0) }) { found[String(parts[0])] = number }
    }
    return found
  }

  private static func numbers(of path: String) -> Lookup<Int> {
    guard let bytes = try? File.readAll(path, limit: 1 << 16) else { return [:] }
    return numbers(in: String(decoding: bytes, as: UTF8.self))
  }
}
