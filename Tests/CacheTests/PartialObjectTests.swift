import Cache
import Content
import Glibc
import Linux
import Testing

extension CacheTests {
  @Suite struct PartialObjectTests {
    @Test func `a download that was cut off is resumed where it ended`() throws {
      let folder = try Folder()
      let cache = try folder.cache()
      do {
        let partial = try cache.openPartial("ab")
        guard let partial else { throw Missing(what: "it is ours alone") }
        let size = partial.size
        #expect(size == 0)
        try File.write(Array("first ".utf8), to: partial.number)
      }
      guard let partial = try cache.openPartial("ab") else { throw Missing(what: "it is free again") }
      let size = partial.size
      #expect(size == 6)
      let rest = Array("second".utf8)
      try rest.withUnsafeBytes { try File.write($0, to: partial.number, at: 6) }
      try partial.publish(as: .manifests, "cd")
      #expect(try cache.text(.manifests, "cd") == "first second")
      #expect(try folder.names("partial") == [])
    }

    @Test func `one writer at a time has it, and no cleaning takes it away`() throws {
      let folder = try Folder()
      let cache = try folder.cache()
      guard let partial = try cache.openPartial("ab") else { throw Missing(what: "it is ours alone") }
      #expect(try cache.partialSize("ab") == nil)
      #expect(try cache.clean().inUse.map(\.name) == ["ab"])
      #expect(try cache.evict(limit: -1).inUse.map(\.name) == ["ab"])
      partial.discard()
      #expect(try folder.names("partial") == [])
    }

    @Test func `a writer that was killed leaves its bytes to the next`() throws {
      let folder = try Folder()
      let cache = try folder.cache()
      _ = try cache.openPartial("ab")
      let path = folder.path + "/cache/partial/ab"
      let writer = try Helper("exec 9>\(path); flock 9; echo half >&9; exec sleep 60")
      #expect(eventually { (try? File.facts(path).size) == 5 })
      #expect(try cache.partialSize("ab") == nil)
      writer.kill()
      #expect(try cache.partialSize("ab") == 5)
    }
  }
}
