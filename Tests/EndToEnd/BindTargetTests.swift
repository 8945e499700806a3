import Foundation
import Testing

/// Where a bind lands whose target leads through links of the image.
@Suite struct BindTargetTests {
  @Test(arguments: Caller.allCases)
  func `a bind through a link of the image lands in the container, and nothing of it outside`(caller: Caller)
    throws
  {
    try Installed.withFolder { folder in
      try Installed.write(Data("content".utf8), to: folder + "/file")
      let before = try FileManager.default.contentsOfDirectory(atPath: "/etc").sorted()
      // /mnt/outside of the image leads to /../../../../etc.
      let outcome = try Installed.run(
        "exec", "--bind", "\(folder):/mnt/outside/apus-test-target", Installed.image("tiny.sif"), "sh", "-c",
        "cat /etc/apus-test-target/file && cat /mnt/outside/apus-test-target/file && touch /etc/apus-test-target/new",
        as: caller)
      #expect(outcome.code == 0 && outcome.out == "contentcontent", "\(outcome.err)")
      #expect(FileManager.default.fileExists(atPath: folder + "/new"))
      #expect(try FileManager.default.contentsOfDirectory(atPath: "/etc").sorted() == before)
      let mounts = try String(contentsOfFile: "/proc/self/mountinfo", encoding: .utf8)
      #expect(!mounts.contains("apus-test-target"))
    }
  }
}
