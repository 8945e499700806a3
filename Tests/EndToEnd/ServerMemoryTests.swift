import Foundation
import Testing

/// How much of decoded blocks a server keeps, by what its job may use.
@Suite(.serialized) struct ServerMemoryTests {
  /// A folder of a control group's own memory limit, of either version, and the name of the limit's file.
  private static let place: (folder: String, limit: String)? =
    if FileManager.default.fileExists(atPath: "/sys/fs/cgroup/memory/memory.limit_in_bytes") {
      ("/sys/fs/cgroup/memory/apus-test-\(getpid())", "memory.limit_in_bytes")
    } else if (try? String(contentsOfFile: "/sys/fs/cgroup/cgroup.subtree_control", encoding: .utf8))?
      .contains("memory") == true
    {
      ("/sys/fs/cgroup/apus-test-\(getpid())", "memory.max")
    } else {
      nil
    }

  @Test(.enabled(if: place != nil, "needs a memory controller"), arguments: [(320, 10), (512, 16)])
  func `decoded blocks take a thirty-second of the control group's memory at most`(limit: Int, most: Int)
    throws
  {
    let place = try #require(Self.place)
    try FileManager.default.createDirectory(atPath: place.folder, withIntermediateDirectories: false)
    defer { rmdir(place.folder) }
    try "\(limit << 20)".write(toFile: place.folder + "/" + place.limit, atomically: false, encoding: .utf8)
    // A file of its own: another test's server of the same image has that test's limit.
    let image = Installed.home + "/limited-\(limit).sif"
    try FileManager.default.copyItem(atPath: Installed.image("debian.sif"), toPath: image)
    defer { try? FileManager.default.removeItem(atPath: image) }
    // Reads far more than the limit of blocks, then asks from within the same group.
    let script = """
      echo $$ >\(place.folder)/cgroup.procs
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
    #expect(
      SharedMountTests.wait(seconds: 5) {
        (try? String(contentsOfFile: place.folder + "/cgroup.procs", encoding: .utf8)) == ""
      })
  }
}
