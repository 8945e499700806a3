import Foundation
import Testing

/// A control group of a test's own with a limit of memory, of either version of the interface.
struct MemoryGroup {
  /// Where groups are made, and the name of the limit's file.
  private static let place: (folder: String, limit: String)? =
    if FileManager.default.fileExists(atPath: "/sys/fs/cgroup/memory/memory.limit_in_bytes") {
      ("/sys/fs/cgroup/memory", "memory.limit_in_bytes")
    } else if (try? String(contentsOfFile: "/sys/fs/cgroup/cgroup.subtree_control", encoding: .utf8))?
      .contains("memory") == true
    {
      ("/sys/fs/cgroup", "memory.max")
    } else {
      nil
    }

  static var canBeMade: Bool { place != nil }

  private let folder: String

  /// `limit` in bytes.
  init(_ name: String, limit: Int) throws {
    let place = try #require(Self.place)
    folder = place.folder + "/apus-test-\(name)-\(getpid())"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
    try "\(limit)".write(toFile: folder + "/" + place.limit, atomically: false, encoding: .utf8)
  }

  /// The file that a process writes its number to, to be in the group.
  var processes: String { folder + "/cgroup.procs" }
  var isEmpty: Bool { (try? String(contentsOfFile: processes, encoding: .utf8)) == "" }

  /// The group can only go when its processes have.
  func remove() { rmdir(folder) }
}

/// How much of decoded blocks a server keeps, by what its job may use.
@Suite(.serialized) struct ServerMemoryTests {
  @Test(.enabled(if: MemoryGroup.canBeMade, "needs a memory controller"), arguments: [(320, 10), (512, 16)])
  func `decoded blocks take a thirty-second of the control group's memory at most`(limit: Int, most: Int)
    throws
  {
    let group = try MemoryGroup("server", limit: limit << 20)
    defer { group.remove() }
    // A file of its own: another test's server of the same image has that test's limit.
    let image = Installed.home + "/limited-\(limit).sif"
    try FileManager.default.copyItem(atPath: Installed.image("debian.sif"), toPath: image)
    defer { try? FileManager.default.removeItem(atPath: image) }
    // Reads far more than the limit of blocks, then asks from within the same group.
    let script = """
      echo $$ >\(group.processes)
      exec setpriv --reuid apus-test --regid apus-test --init-groups /bin/sh -c '
        \(Installed.apus) exec \(image) sh -c "find /usr -type f -exec cat {} + >/dev/null"
        \(Installed.apus) mounts --json'
      """
    let outcome = try Installed.execute(
      ["/bin/sh", "-c", script], as: .root, environment: ["HOME": Installed.home])
    let list = try JSONSerialization.jsonObject(with: Data(outcome.out.utf8)) as? [[String: Any]]
    let state = try #require(list?.first { $0["image"] as? String == image }, "\(outcome.err)")
    let bytes = try #require(state["cacheBytes"] as? Int)
    #expect(bytes > most << 19 && bytes <= most << 20, "\(bytes)")
    // The group can only go when its processes have.
    for pid in SharedMountTests.servers(of: image) where state["pid"] as? Int == Int(pid) {
      kill(pid, SIGKILL)
    }
    #expect(SharedMountTests.wait(seconds: 5) { group.isEmpty })
  }
}
