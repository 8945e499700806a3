import Content
import Glibc
import Linux
import Testing

@testable import Cache

extension CacheTests {
  @Suite struct TagRecordTests {
    static let digest = Digest.of(Array("manifest".utf8))
    static let record = TagRecord(
      reference: "docker.io/library/debian:12", platform: "linux/amd64", digest: digest, image: "ab-1",
      checkedSeconds: 1_700_000_000, etag: "\"x\u{1B}\"", warnings: ["says: \"old\"", "left out"])

    @Test func `a record comes back as it was set, by reference and platform, and is replaced`() throws {
      let folder = try Folder()
      let cache = try folder.cache()
      #expect(cache.tag(Self.record.reference, platform: "linux/amd64") == nil)
      try cache.setTag(Self.record)
      #expect(cache.tag(Self.record.reference, platform: "linux/amd64") == Self.record)
      #expect(cache.tag(Self.record.reference, platform: "linux/arm64") == nil)
      var later = Self.record
      later.checkedSeconds += 1
      later.image = nil
      later.etag = nil
      try cache.setTag(later)
      #expect(cache.tag(Self.record.reference, platform: "linux/amd64") == later)
      #expect(cache.tags() == [later])
      #expect(try folder.names("tags") == [later.fileName])
    }

    @Test func `of more warnings than there is room for the first are kept`() throws {
      let folder = try Folder()
      let cache = try folder.cache()
      var record = Self.record
      record.warnings = (0..<100).map { "\($0) " + String(repeating: "\u{1}", count: 1000) }
      try cache.setTag(record)
      let kept = try #require(cache.tag(record.reference, platform: "linux/amd64")).warnings
      #expect(kept == Array(record.warnings.prefix(kept.count)) && (1..<100).contains(kept.count))
    }

    static let digestText = digest.text

    @Test(arguments: [
      "", "null", "[", "{}",
      #"{"reference":"r","platform":"p","digest":"sha256:00","checked":1}"#,
      #"{"reference":"r","platform":"p","digest":"\#(digestText)","checked":"1"}"#,
      #"{"reference":"r","platform":"p","digest":"\#(digestText)","checked":1,"image":"../../x"}"#,
      #"{"reference":"other","platform":"p","digest":"\#(digestText)","checked":1}"#,
      #"{"reference":"r","platform":"p","digest":"\#(digestText)","checked":1}"#
        + String(repeating: " ", count: 70000),
      String(repeating: "[", count: 60000),
    ])
    func `a record that is not ours, or another's, is as good as none`(text: String) throws {
      let folder = try Folder()
      let cache = try folder.cache()
      try cache.put(.tags, TagRecord.name("r", "p"), text)
      #expect(cache.tag("r", platform: "p") == nil)
      #expect(cache.tags() == [])
    }

    @Test func `an image's name in a record is checked`() throws {
      let folder = try Folder()
      let cache = try folder.cache()
      var record = Self.record
      record.image = "../x"
      #expect(throws: CacheFault.name("../x")) { try cache.setTag(record) }
    }
  }
}
