import Glibc
import Linux
import Model
import Testing

@testable import ImageMount

/// What the names of sockets depend on.
@Suite struct ProtocolKeyTests {
  /// The key written out, for a version of the protocol.
  private func name(protocolNumber: Int, job: String, step: String) throws -> String {
    let namespaces = try ["user", "mnt", "pid"].map { "\(try File.facts("/proc/self/ns/" + $0).inode)" }
    let cgroups = String(decoding: try File.readAll("/proc/self/cgroup", limit: 1 << 20), as: UTF8.self)
    let parts =
      ["\(protocolNumber)", "1000", "100"] + namespaces + [job, step, GroupKey.lifePath(ofCgroups: cgroups)]
    return Hash.hexadecimal(of: parts.joined(separator: "\n"))
  }

  @Test(arguments: [(nil, nil), ("7", nil), ("7", "0"), ("7", "1")] as [(String?, String?)])
  func `two versions of the protocol, two jobs and two steps never meet on one socket`(
    job: String?, step: String?
  ) throws {
    let variables = ["SLURM_JOB_ID": job, "SLURM_STEP_ID": step]
    let key = GroupKey(uid: 1000, gid: 100) { variables[$0] ?? nil }.name
    let number = GroupKey.protocolNumber
    #expect(try key == name(protocolNumber: number, job: job ?? "", step: step ?? ""))
    #expect(try key != name(protocolNumber: number + 1, job: job ?? "", step: step ?? ""))
    #expect(try key != name(protocolNumber: number, job: "8", step: step ?? ""))
    #expect(try key != name(protocolNumber: number, job: job ?? "", step: "2"))
    #expect(key != GroupKey(uid: 1001, gid: 100) { variables[$0] ?? nil }.name)
    #expect(key != GroupKey(uid: 1000, gid: 101) { variables[$0] ?? nil }.name)
  }

  @Test func `groups with other users are others, and known as alike`() {
    func key(_ first: UInt32?, job: String = "1") -> GroupKey {
      let ids = first.map { IDMap(uid: 1000, gid: 100, users: [$0...$0 + 9], groups: [5...6]) }
      return GroupKey(uid: 1000, gid: 100, ids: ids) { $0 == "SLURM_JOB_ID" ? job : nil }
    }
    #expect(Set([key(nil), key(5000), key(6000)].map(\.name)).count == 3)
    #expect(key(5000) == key(5000) && key(5000).name.utf8.count == key(nil).name.utf8.count)
    #expect(key(nil).isAlike(key(5000).name) && key(5000).isAlike(key(6000).name))
    #expect(!key(nil).isAlike(key(nil, job: "2").name) && !key(nil).isAlike("user"))
  }
}
