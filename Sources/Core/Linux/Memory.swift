internal import Glibc
internal import Model

/// How much memory there is to use.
public enum Memory {
  /// Bytes this process may use: the least of the limits of its cgroup and of those above it, and the machine's memory
  /// (cgroups(7); memory.max of version 2, memory.limit_in_bytes of version 1).
  public static var limit: Int {
    var limit = Int(sysconf(Int32(_SC_PHYS_PAGES))) * Int(sysconf(Int32(_SC_PAGESIZE)))
    let cgroups = (try? File.readAll("/proc/self/cgroup", limit: 1 << 16)) ?? []
    for line in String(decoding: cgroups, as: UTF8.self).lines {
      // number ":" controllers ":" path; a path may hold further colons
      let fields = line.fields(at: UInt8(ascii: ":"))
      guard fields.count >= 3 else { continue }
      let path = ContainerPath.normalized(String(line[fields[2].startIndex...]))
      if fields[1].isEmpty {
        lower(&limit, below: "/sys/fs/cgroup", path, "memory.max")
      } else if fields[1].fields(at: UInt8(ascii: ",")).contains("memory") {
        lower(&limit, below: "/sys/fs/cgroup/memory", path, "memory.limit_in_bytes")
      }
    }
    return limit
  }

  private static func lower(_ limit: inout Int, below top: String, _ path: String, _ name: String) {
    var path = path
    while true {
      let file = top + (path == "/" ? "" : path) + "/" + name
      if let bytes = try? File.readAll(file, limit: 64),
        let value = Int(String(decoding: bytes.prefix { $0 > 0x20 }, as: UTF8.self))
      {
        limit = min(limit, value)
      }
      if path == "/" { return }
      path = ContainerPath.parent(path)
    }
  }

  /// Whether the caller has a limit of its own on CPU time or address space, which what it starts would inherit.
  public static var hasProcessLimit: Bool {
    [cpuTime, addressSpace].contains { resource in
      var limit = rlimit()
      return unsafe getrlimit(resource, &limit) == 0 && limit.rlim_cur != rlim_t.max
    }
  }

  private static let cpuTime = __rlimit_resource_t(RLIMIT_CPU.rawValue)
  private static let addressSpace = __rlimit_resource_t(RLIMIT_AS.rawValue)
}
