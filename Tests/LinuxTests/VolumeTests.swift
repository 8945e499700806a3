import Glibc
import Testing

@testable import Linux

@Suite struct VolumeTests {
  @Test func `the room of a directory is known`() throws {
    let volume = try Volume.of(try File.open("/tmp", O_RDONLY | O_DIRECTORY))
    #expect(volume.size > 0)
    #expect(volume.free <= volume.size)
  }

  @Test(arguments: [(0x6969, "NFS"), (0x0BD0_0BD0, "Lustre"), (0xEF53, nil), (0x0102_1994, nil)])
  func `file systems that other nodes see are known by their numbers`(type: Int, name: String?) {
    #expect(Volume.networkName(ofType: type) == name)
  }
}
