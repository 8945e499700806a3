import Glibc
import Testing

@testable import Linux

@Suite struct FileTests {
  @Test func `a file larger than the limit is refused`() throws {
    #expect(throws: SystemCallFault("read", "/etc/passwd", EFBIG)) {
      try File.readAll("/etc/passwd", limit: 10)
    }
    #expect(try File.readAll("/etc/passwd", limit: 1 << 20).count == File.facts("/etc/passwd").size)
  }

  @Test func `a lock is held by one, and free when its descriptor is closed`() throws {
    var template = Array("/tmp/apus-test-XXXXXX".utf8CString)
    close(mkstemp(&template))
    let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    defer { unlink(path) }
    let second = try File.open(path, O_RDWR)
    do {
      let first = try File.open(path, O_RDWR)
      #expect(try FileLock.tryAcquire(first))
      #expect(try !FileLock.tryAcquire(second))
    }
    #expect(try FileLock.tryAcquire(second))
  }

  @Test(
    arguments: [
      ("ann:x:1000:100:Ann:/home/ann:/bin/sh", UInt32(1000), "ann"),
      ("a:x:10000:1::/:/\nb:x:1000:1::/:/\n", 1000, "b"),
      ("ann:x:1000:100:Ann:/home/ann", 1000, nil), (":x:1000:1::/:/", 1000, nil),
      ("x:1000:1000:1::/:/", 1, nil),
      ("", 0, nil), ("root:x:0:0:root:/root:/bin/bash\n# 0:0:0\n", 0, "root"), ("\n\n::0", 0, nil),
    ] as [(String, UInt32, String?)])
  func `a user's line is found by the number in its third field`(text: String, uid: UInt32, name: String?) {
    #expect(PasswordEntry.find(uid: uid, in: text)?.name == name)
  }

  @Test func `the memory of a job is no more than the machine's`() {
    let machine = Int(sysconf(Int32(_SC_PHYS_PAGES))) * Int(sysconf(Int32(_SC_PAGESIZE)))
    #expect(Memory.limit > 1 << 20 && Memory.limit <= machine)
  }
}
