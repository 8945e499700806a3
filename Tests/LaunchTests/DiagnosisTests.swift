import Glibc
import Model
import Testing

@testable import Launch

@Suite struct DiagnosisTests {
  static func diagnose(_ seen: Observation..., change: (inout LaunchRequest) -> Void = { _ in }) throws
    -> Diagnosis
  {
    let host = Facts.node(["/data": .directory])
    return Diagnosis(seen, plan: try Facts.plan(host: host, change: change), home: "/home/ann")
  }

  @Test func `each refusal has its remedy`() throws {
    let image = try Self.diagnose(Observation(.write, "/opt/log", failure: EROFS))
    #expect(image.options == ["--writable-tmpfs"])
    #expect(
      image.findings[0].contains("/opt/log (read-only)")
        && image.findings[0].contains("--bind DIRECTORY:/opt"))
    let owned = try Self.diagnose(Observation(.write, "/opt/log", failure: EACCES))
    #expect(owned.options == ["--writable-tmpfs", "--fakeroot"])
    let bound = try Self.diagnose(Observation(.write, "/mnt/x", failure: EROFS)) {
      $0.binds = ["/data:/mnt:ro"]
    }
    #expect(bound.options == ["--bind /data:/mnt"])
    let host = try Self.diagnose(Observation(.write, "/home/ann/x", failure: EACCES))
    #expect(host.options.isEmpty && host.findings.count == 1)
    let missing = try Self.diagnose(Observation(.look, "/data/a/b", failure: ENOENT, onHost: "/data"))
    #expect(missing.options == ["--bind /data"])
  }

  @Test(arguments: [
    ("/data/of it", "--bind '/data/of it'"), ("/da:ta,1", "--bind '/da\\:ta\\,1'"),
    ("/it's", "--bind '/it'\\''s'"), ("/data-1.2_x", "--bind /data-1.2_x"),
  ])
  func `an option can be pasted into a shell`(path: String, option: String) throws {
    let missing = try Self.diagnose(Observation(.look, path + "/a", failure: ENOENT, onHost: path))
    #expect(missing.options == [option])
  }

  @Test func `what says nothing of the container is not told`() throws {
    let nothing = try Self.diagnose(
      Observation(.read, "/nowhere", failure: ENOENT),
      Observation(.read, "/usr/lib/x", failure: ENOENT, onHost: "/usr/lib/x"),
      Observation(.write, "/proc/sys/x", failure: EROFS), Observation(.read, "/opt/secret", failure: EACCES),
      Observation(.read, "/home/ann/file", failure: 0))
    #expect(nothing.findings.isEmpty && nothing.lines.count == 1)
  }

  @Test(arguments: [
    ("/home/ann/.local/lib/python3.11/site-packages/numpy/__init__.py", "Python packages"),
    ("/home/ann/.local/bin/tool", "programs"), ("/home/ann/R/x86_64/4.2/ggplot2/R", "R packages"),
    ("/home/ann/lib/libfoo.so.1", "libraries"), ("/home/ann/.condarc", "conda settings"),
  ]) func `files of the home directory are told by what they stand in for`(path: String, what: String) throws
  {
    let found = try Self.diagnose(
      Observation(.read, path, failure: 0), Observation(.read, path + "2", failure: 0))
    #expect(found.options == ["--no-home"] && found.findings.count == 1)
    #expect(found.findings[0].hasPrefix("used \(what) of the home directory"))
  }

  @Test func `an option is named once`() throws {
    let found = try Self.diagnose(
      Observation(.write, "/opt/a/x", failure: EROFS), Observation(.write, "/opt/a/y", failure: EROFS),
      Observation(.write, "/opt/b/x", failure: EROFS))
    #expect(
      found.findings.count == 2 && found.lines.last == "diagnosis: add to the command: --writable-tmpfs")
  }
}
