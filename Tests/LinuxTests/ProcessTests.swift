import Glibc
import Testing

@testable import Linux

@Suite struct ProcessTests {
  @Test(arguments: [(UInt32.max, UInt32(65534)), (65534, .max)])
  func `no user is taken on that means no change to the kernel`(uid: UInt32, gid: UInt32) {
    let before = geteuid()
    do throws(SystemCallFault) {
      try Process.takeIdentity(uid: uid, gid: gid)
      Issue.record("taken")
    } catch { #expect(error.number == EINVAL) }
    #expect(geteuid() == before)
  }
}
