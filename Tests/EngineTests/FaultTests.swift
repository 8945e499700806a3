import Glibc
import Linux
import Model
import Testing

@testable import Engine

@Suite struct EngineFaultTests {
  static let cause = SystemCallFault("mount", "/x", EPERM)

  @Test(arguments: [
    (EngineFault.programMissing(name: "x", path: "/bin"), Int32(127)),
    (.programNotExecutable(name: "x", why: "it is a directory"), 126),
    (.setup(activity: "x", cause: cause), 255),
    (.step(description: "x", reason: "y", cause: cause), 255), (.namespacesRefused(cause: cause), 255),
    (.workingDirectory(path: "/x", cause: cause), 255), (.workingDirectoryOutside(path: "/x"), 255),
    (.overlayInUse(directory: "/x", pid: 7), 255),
    (.targetMissing(description: "x", target: "/x", under: "/a"), 255),
  ])
  func `each fault has its exit code, and says what and why`(fault: EngineFault, code: Int32) {
    #expect(fault.exitCode == code)
    let text = fault.explanation
    #expect(!text.what.isEmpty && !text.why.isEmpty)
    #expect(!(text.what + text.why + text.remedy).contains("\n"))
  }

  @Test func `a name with control characters is shown without them`() {
    let text = EngineFault.programMissing(name: "a\u{1B}[31m", path: "/b\u{7}").explanation
    #expect(!(text.what + text.why).unicodeScalars.contains { $0.value < 0x20 })
  }

  @Test(arguments: [
    (Step.bind(source: "/a", target: "/a", writable: true, devices: false), "bind /a"),
    (.bind(source: "/a", target: "/b", writable: true, devices: false), "bind /a at /b"),
    (.makeDirectory(path: "/d", mode: 0o755), "make the directory /d"),
    (.hostName("h"), "set the host name h"),
  ])
  func `a step says what it does`(step: Step, text: String) { #expect(step.summary == text) }
}
