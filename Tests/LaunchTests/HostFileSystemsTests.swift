import Model
import Settings
import Testing

@testable import Launch

@Suite struct HostFileSystemsTests {
  static let mounts = """
    20 1 0:1 / / rw - ext4 /dev/a rw
    21 20 0:2 / /proc rw - proc proc rw
    22 20 0:3 / /sys rw - sysfs sysfs rw
    23 20 0:4 / /run/user/5 rw - tmpfs tmpfs rw
    24 20 0:5 / /scratch rw - lustre a rw
    25 24 0:6 / /scratch/deep rw - lustre b rw
    26 20 0:7 / /my\\040data rw - nfs c rw
    27 20 0:8 / /usr rw - ext4 d rw
    28 20 0:9 / /usr/local rw - nfs e rw
    29 20 0:10 / /etc/hosts rw - ext4 f rw
    30 20 0:11 / /tmp rw - tmpfs g rw
    31 20 0:12 / /var rw - ext4 h rw
    32 20 0:13 / /var/lib/docker rw - ext4 i rw
    33 20 0:14 / /lib/modules rw - ext4 j rw
    34 20 0:15 / /opt rw - nfs k rw
    35 20 0:16 / /variable rw - nfs l rw

    """

  @Test func `file systems right below the root are shown, and none that an image has itself`() {
    #expect(hostFileSystems(mountInformation: Self.mounts) == ["/my data", "/opt", "/scratch", "/variable"])
    #expect(hostFileSystems(mountInformation: "").isEmpty)
    #expect(hostFileSystems(mountInformation: "garbage\n1 2\n").isEmpty)
  }

  @Test(
    arguments: [
      ("mount hostfs = yes", [], false, ["/scratch"]), ("", [], false, []),
      ("mount hostfs = yes", ["hostfs"], false, []), ("mount hostfs = yes", ["/scratch"], false, []),
      ("mount hostfs = yes", [], true, []),
    ] as [(String, [String], Bool, [String])])
  func `hostfs shows them unless the launch leaves them out`(
    text: String, noMount: [String], contain: Bool, shown: [String]
  ) throws {
    var host = Facts.node(["/scratch": .directory])
    host.fileSystems = ["/scratch"]
    let request = Facts.request {
      $0.noMount = noMount
      $0.contain = contain
    }
    let wanted = try WantedMounts(request, Settings(parsing: text, path: "c"), host)
    #expect(wanted.mounts.filter { $0.reason.contains("hostfs") }.map(\.target) == shown)
  }
}
