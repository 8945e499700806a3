import Model
import Testing

@Suite struct IDMapTests {
  @Test func `ids follow each other without a gap, and the last number is none`() {
    let map = IDMap(uid: 7, gid: 8, users: [100...109, 5...5], groups: [20...UInt32.max - 1])
    #expect(map.userCount == 12 && map.groupCount == UInt32.max - 19)
    #expect(map.users.words == ["0", "7", "1", "1", "100", "10", "11", "5", "1"])
    #expect(map.users.identity == "0 0 1\n1 1 10\n11 11 1\n")
    #expect(map.users.text == "0 is 7, 1 to 10 are 100 to 109, 11 is 5")
    let whole = IDMap(uid: 7, gid: 8, users: [0...UInt32.max - 1, 1...2], groups: [])
    #expect(whole.userCount == .max && whole.users.count == 2)
    #expect(
      IDMap(uid: 1, gid: 1, users: (0..<400).map { $0 * 2 + 10...$0 * 2 + 10 }, groups: []).users.count == 340
    )
  }

  @Test func `the kernel's text is read, and that of a namespace without root is none`() {
    let extents = IDMap.extents(
      parsing: "         0       1000          1\n         1     100000      65536\n")
    #expect(extents?.words == ["0", "1000", "1", "1", "100000", "65536"])
    #expect(IDMap.extents(parsing: "      1000       1000          1\n") == nil)
    #expect(IDMap.extents(parsing: "") == nil)
  }
}
