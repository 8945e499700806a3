import Content
import Glibc
import Linux
import Testing

@testable import Cache

extension CacheTests {
  @Suite struct EvictionTests {
    static let text = String(repeating: "x", count: 100)

    @Test(arguments: [
      (limit: 400, removed: [String]()),
      (limit: 399, removed: ["c4"]),
      (limit: 250, removed: ["c4", "c3"]),
      (limit: 0, removed: ["c4", "c3", "c2", "c1"]),
    ])
    func `the longest unused go first, of whatever kind, and no more than needed`(
      limit: Int, removed: [String]
    ) throws {
      let folder = try Folder()
      let cache = try folder.cache()
      try cache.put(.partial, "c3", Self.text, hoursAgo: 3)
      try cache.put(.images, "c1", Self.text, hoursAgo: 1)
      try cache.put(.segments, "c2", Self.text, hoursAgo: 2)
      try cache.put(.manifests, "c4", Self.text, hoursAgo: 4)
      try cache.put(.tags, "c5", Self.text, hoursAgo: 5)
      let eviction = try cache.evict(limit: limit)
      #expect(eviction.removed.map(\.name) == removed)
      #expect(eviction.bytes == 400 - 100 * removed.count)
      #expect(try cache.list().count == 5 - removed.count)
    }

    @Test func `what is in use stays, as long as it is`() throws {
      let folder = try Folder()
      let cache = try folder.cache()
      try cache.put(.images, "aa", Self.text, hoursAgo: 9)
      try cache.put(.images, "bb", Self.text, hoursAgo: 8)
      do {
        let used = cache.find(.images, "aa")
        let eviction = try cache.evict(limit: 0)
        if used == nil { Issue.record("it was there") }
        #expect(eviction.removed.map(\.name) == ["bb"])
        #expect(eviction.inUse.map(\.name) == ["aa"])
      }
      #expect(try cache.evict(limit: 0).removed.map(\.name) == ["aa"])
    }

    @Test func `publishing makes room, and not at the cost of what was just published`() throws {
      let folder = try Folder()
      let cache = try folder.cache(limit: 150)
      try cache.put(.images, "aa", Self.text, hoursAgo: 1)
      var object = try cache.create(.images, "bb")
      try File.write(Array((Self.text + Self.text).utf8), to: object.number)
      let eviction = try object.publish()
      #expect(eviction.removed.map(\.name) == ["aa"])
      #expect(eviction.inUse.map(\.name) == ["bb"])
      #expect(cache.has(.images, "bb"))
    }

    @Test func `who finds an object can read it whatever is removed meanwhile`() throws {
      let folder = try Folder()
      let cache = try folder.cache()
      let (end, found, wrong) = (Shared(0), Shared(0), Shared(0))
      for _ in 0..<2 {
        try Thread.start {
          while end.value == 0 {
            guard let text = try? cache.text(.images, "aa") else { continue }
            _ = (text == Self.text ? found : wrong).add(1)
          }
          _ = end.add(1)
        }
      }
      for _ in 0..<50 {
        try cache.put(.images, "aa", Self.text)
        _ = try cache.evict(limit: 0)
      }
      _ = end.add(1)
      #expect(eventually { end.value == 3 })
      #expect(wrong.value == 0)
    }

    @Test func `sizes that no sum can hold are no trap`() {
      let entry = CacheEntry(kind: .images, name: "aa", bytes: .max, usedSeconds: 0)
      #expect([entry, entry].totalBytes == .max)
    }

    @Test func `cleaning takes what is old enough, of the kinds named, and says so beforehand`() throws {
      let folder = try Folder()
      let cache = try folder.cache()
      try cache.put(.images, "aa", Self.text, hoursAgo: 24 * 10)
      try cache.put(.images, "bb", Self.text, hoursAgo: 24 * 2)
      try cache.put(.segments, "cc", Self.text, hoursAgo: 24 * 10)
      let dry = try cache.clean([.images], days: 5, dryRun: true)
      #expect(dry.removed.map(\.name) == ["aa"])
      #expect(try cache.list().count == 3)
      #expect(try cache.clean([.images], days: 5) == dry)
      #expect(try cache.list().map(\.name) == ["bb", "cc"])
      #expect(try cache.usage().map(\.count) == [1, 1, 0, 0, 0])
      #expect(try cache.clean().removed.count == 2)
    }

    @Test func `cleaning leaves no litter, and what is not ours alone`() throws {
      let folder = try Folder()
      let cache = try folder.cache()
      try cache.put(.images, "aa", Self.text)
      let outcome = try cache.lock("aa", work: "", isDone: { false }, notice: { _ in })
      switch consume outcome {
      case .held: break
      default: Issue.record("nobody else has it")
      }
      for name in ["images/.x.apus-12", "segments/.y.apus-13-2", "images/letter.txt"] {
        mkdir(folder.path + "/cache/segments", 0o700)
        _ = try File.open(folder.path + "/cache/" + name, O_CREAT | O_WRONLY, mode: 0o600)
      }
      _ = try cache.clean()
      #expect(try folder.names("images") == ["letter.txt"])
      #expect(try folder.names("segments") == [])
      #expect(try folder.names("locks") == [])
    }
  }
}
