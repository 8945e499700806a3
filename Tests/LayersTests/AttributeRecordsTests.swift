import Testing
import Tree

@testable import Layers

@Suite struct AttributeRecordsTests {
  static func attributes(_ records: [([UInt8], [UInt8])]) throws -> (kept: [TreeAttribute], notes: [String]) {
    let found = try entries(of: Archive.extended(records.flatMap { Archive.record($0.0, $0.1) }))
    return (found.entries[0].entry.attributes, found.notes)
  }

  static func attribute(_ name: String, _ value: [UInt8]) -> TreeAttribute {
    TreeAttribute(name: Array(name.utf8), value: value)
  }

  @Test func `both forms are read, sorted, and the plain one counts`() throws {
    let found = try Self.attributes([
      (Array("SCHILY.xattr.user.z".utf8), [0, 0x0A, 0xFF, 0x3D]),
      (Array("SCHILY.xattr.security.capability".utf8), [1, 0, 0, 2]),
      (Array("LIBARCHIVE.xattr.user.z".utf8), Array("eA".utf8)),
      (Array("LIBARCHIVE.xattr.user.%41b".utf8), Array("aGVsbG8".utf8)),
      (Array("LIBARCHIVE.xattr.user.c".utf8), Array("/+8=".utf8)),
      (Array("SCHILY.xattr.user.empty".utf8), []),
    ])
    #expect(
      found.kept == [
        Self.attribute("security.capability", [1, 0, 0, 2]), Self.attribute("user.Ab", Array("hello".utf8)),
        Self.attribute("user.c", [0xFF, 0xEF]), Self.attribute("user.empty", []),
        Self.attribute("user.z", [0, 0x0A, 0xFF, 0x3D]),
      ])
    #expect(found.notes.isEmpty)
  }

  @Test func `a name may be any bytes`() throws {
    let name = Array("user.".utf8) + [0xFF, 0xC3]
    let found = try Self.attributes([(Array("SCHILY.xattr.".utf8) + name, [1])])
    #expect(found.kept == [TreeAttribute(name: name, value: [1])])
  }

  @Test(arguments: [
    "security.selinux", "security.ima", "security.evm", "trusted.overlay.opaque", "trusted.x",
    "user.overlay.opaque",
    "user.rootlesscontainers", "system.posix_acl_access", "nospace", "user.", "", "other.name",
    "user." + String(repeating: "n", count: 251),
  ]) func `what is not for an image is left out with a note`(name: String) throws {
    let found = try Self.attributes([(Array("SCHILY.xattr.\(name)".utf8), [1])])
    #expect(found.kept.isEmpty)
    #expect(found.notes.count == 1)
    #expect(found.notes.first?.hasPrefix("/name: attribute \(name) is left out: ") == true)
  }

  @Test func `a value of 64 KiB is kept and a longer one is not`() throws {
    let name = Array("SCHILY.xattr.user.a".utf8)
    #expect(try Self.attributes([(name, [UInt8](repeating: 1, count: 65536))]).kept.count == 1)
    let found = try Self.attributes([(name, [UInt8](repeating: 1, count: 65537))])
    #expect(found.kept.isEmpty && found.notes.count == 1)
  }

  @Test func `notes are bounded`() throws {
    let found = try Self.attributes((0..<150).map { (Array("SCHILY.xattr.a\($0)".utf8), [1]) })
    #expect(found.notes.count == 100)
  }

  @Test func `what a header for all entries would change is noted, a comment is not`() throws {
    let records = [("comment", "x"), ("uid", "7"), ("SCHILY.xattr.user.a", "b")]
    let bytes = records.flatMap { Archive.record(Array($0.0.utf8), Array($0.1.utf8)) }
    let found = try entries(of: Archive.extended(bytes, type: "g"))
    #expect(found.entries.map(\.entry.uid) == [0])
    #expect(found.entries[0].entry.attributes.isEmpty)
    #expect(found.notes.count == 2)
  }
}
