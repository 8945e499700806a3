import Glibc
import Linux
import Testing

@testable import ImageMount

@Suite struct RuntimeDirectoryTests {
  static func withFolder<T>(_ body: (String) throws -> T) throws -> T {
    var template = Array("/tmp/apus-test-XXXXXX".utf8CString)
    let path = try #require(mkdtemp(&template).map { String(cString: $0) })
    defer { _ = system("rm -rf \(path)") }
    return try body(path)
  }

  @Test func `it is made once, for its owner alone`() throws {
    try Self.withFolder { folder in
      for _ in 0..<2 {
        let made = try RuntimeDirectory.make(folder + "/apus", below: "group", uid: geteuid())
        #expect(try File.facts(made).mode == 0o700)
      }
    }
  }

  @Test func `what is open to others, a link, or no directory is refused`() throws {
    try Self.withFolder { folder in
      let path = folder + "/apus"
      mkdir(path, 0o700)
      chmod(path, 0o777)
      #expect(throws: RuntimeDirectoryFault.notOurs(path: path, owner: geteuid(), mode: 0o777)) {
        _ = try RuntimeDirectory.make(path, below: "group", uid: geteuid())
      }
      chmod(path, 0o700)
      #expect(throws: RuntimeDirectoryFault.notOurs(path: path, owner: geteuid(), mode: 0o700)) {
        _ = try RuntimeDirectory.make(path, below: "group", uid: geteuid() + 1)
      }
      symlink(path, folder + "/link")
      #expect(throws: RuntimeDirectoryFault.notADirectory(path: folder + "/link")) {
        _ = try RuntimeDirectory.make(folder + "/link", below: "group", uid: geteuid())
      }
      close(open(folder + "/file", O_CREAT | O_WRONLY, 0o600))
      #expect(throws: RuntimeDirectoryFault.notADirectory(path: folder + "/file")) {
        _ = try RuntimeDirectory.make(folder + "/file", below: "group", uid: geteuid())
      }
    }
  }

  @Test func `a directory of the session is used only if it is the user's own`() throws {
    try Self.withFolder { folder in
      // A path of 40 bytes and more would not fit into a socket's address with what follows.
      let uid = geteuid()
      #expect(RuntimeDirectory.path(uid: uid, xdg: folder) == folder + "/apus")
      #expect(RuntimeDirectory.path(uid: uid + 1, xdg: folder) == "/tmp/apus-\(uid + 1)")
      for other in ["relative", folder + "/none", String(repeating: "/x", count: 30)] {
        #expect(RuntimeDirectory.path(uid: uid, xdg: other) == "/tmp/apus-\(uid)")
      }
      chmod(folder, 0o755)
      #expect(RuntimeDirectory.path(uid: uid, xdg: folder) == "/tmp/apus-\(uid)")
    }
  }
}
