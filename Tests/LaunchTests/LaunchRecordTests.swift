import Testing

@testable import Launch

@Suite struct LaunchRecordTests {
  static func record(_ image: String = "/images/a.sif", _ command: [String] = ["true"], job: String? = nil)
    -> LaunchRecord
  {
    LaunchRecord(
      user: "ann", uid: 1000, job: job, image: image, content: "sha256:ab", version: "1", command: command)
  }

  @Test func `syslog has one line, with quotes where they are needed`() {
    let bytes = Self.record("/images/my image.sif", ["sh", "-c", "say \"x\""], job: "77")
      .syslog(time: "Jan  2 03:04:05", pid: 9)
    #expect(
      String(decoding: bytes, as: UTF8.self)
        == #"<14>Jan  2 03:04:05 apus[9]: launch user=ann uid=1000 job=77 image="/images/my image.sif" "#
        + #"content=sha256:ab version=1 command="sh -c say \"x\"""#)
  }

  @Test func `the journal has a field for each, and nothing can add one`() {
    let bytes = Self.record("/a\nMESSAGE=forged", ["x\nAPUS_USER=root"]).journal
    let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n")
    #expect(lines.count == 9 && lines.contains("APUS_UID=1000") && lines.contains("APUS_USER=ann"))
    #expect(lines.contains(#"APUS_IMAGE=/a\x0aMESSAGE=forged"#))
  }

  @Test func `what is long is cut`() {
    let long = String(repeating: "\"é\n", count: 5000)
    let record = Self.record(long, [long], job: long)
    #expect(record.syslog(time: "Jan  2 03:04:05", pid: 9).count < 2048)
    #expect(String(validating: record.journal, as: UTF8.self) != nil)
  }
}
