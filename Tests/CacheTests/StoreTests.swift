import Content
import Glibc
import Linux
import Testing

@testable import Cache

extension CacheTests {
  @Suite struct StoreTests {
    static func digest(_ text: String) -> Digest { Digest.of(Array(text.utf8)) }

    /// A cache with two images, their manifests, their tags, and a layer.
    static func filled(_ folder: Folder) throws -> CacheDirectory {
      let cache = try folder.cache()
      for (number, name) in [(1, "docker.io/library/debian:12"), (2, "ghcr.io/org/tool:latest")] {
        let manifest = "manifest \(number)"
        try cache.put(.images, "a\(number)", "image \(number)")
        try cache.put(.manifests, digest(manifest).hex, manifest)
        try cache.setTag(
          TagRecord(
            reference: name, platform: "linux/amd64", digest: digest(manifest), image: "a\(number)",
            checkedSeconds: 1_700_000_000))
      }
      try cache.put(.segments, "cc", "layer")
      return cache
    }

    static func count(_ transfer: StoreTransfer) -> [Int] { [transfer.copied.count, transfer.present.count] }

    @Test func `what was exported can be imported, and used as a store as it is`() throws {
      let folder = try Folder()
      let store = folder.path + "/store"
      let cache = try Self.filled(folder)
      #expect(try Self.count(cache.exportStore(to: store)) == [6, 0])
      #expect(try Self.count(cache.exportStore(to: store, segments: true)) == [3, 4])
      for other in [
        try CacheDirectory.open(path: folder.path + "/second"),
        try CacheDirectory.open(path: folder.path + "/third", stores: [store]),
      ] {
        if other.stores.isEmpty {
          #expect(try Self.count(other.importStore(from: store)) == [7, 0])
          #expect(try Self.count(other.importStore(from: store)) == [0, 7])
        }
        #expect(try other.text(.images, "a1") == "image 1")
        #expect(try other.text(.segments, "cc") == "layer")
        #expect(
          other.tag("docker.io/library/debian:12", platform: "linux/amd64")
            == cache.tag("docker.io/library/debian:12", platform: "linux/amd64"))
      }
    }

    @Test func `of references named only what leads to them is exported`() throws {
      let folder = try Folder()
      let store = folder.path + "/store"
      let cache = try Self.filled(folder)
      let transfer = try cache.exportStore(to: store, references: ["docker://tool"])
      #expect(Set(transfer.copied.map(\.kind)) == [.images, .manifests, .tags])
      #expect(transfer.copied.contains { $0.name == "a2" } && transfer.copied.count == 3)
      #expect(throws: CacheFault.unknownReference("none")) {
        _ = try cache.exportStore(to: store, references: ["none"])
      }
    }

    @Test(arguments: [
      ("docker.io/library/debian:12", true), ("debian:12", true), ("docker://library/debian:12", true),
      ("debian", false), ("ian:12", false), ("", false), ("docker://", false),
    ])
    func `a reference is meant by its whole words`(words: String, isMeant: Bool) {
      #expect(CacheDirectory.means(words, "docker.io/library/debian:12") == isMeant)
    }

    static func damage(_ path: String, _ text: String) throws {
      let file = try File.open(path, O_WRONLY | O_TRUNC)
      try File.write(Array(text.utf8), to: file.number)
    }

    @Test(arguments: ["image X", "image 11", "", "image"])
    func `an object that is not as it was exported does not appear`(text: String) throws {
      let folder = try Folder()
      let store = folder.path + "/store"
      _ = try Self.filled(folder).exportStore(to: store)
      try Self.damage(store + "/images/a1", text)
      let other = try CacheDirectory.open(path: folder.path + "/second")
      #expect(throws: CacheFault.self) { _ = try other.importStore(from: store) }
      #expect(!other.has(.images, "a1"))
      // Records come last: none leads to what did not come.
      #expect(other.tags() == [])
      let images = try? File.open(other.path + "/images", O_RDONLY | O_DIRECTORY)
      if let images { #expect(try File.names(in: images) == []) }
    }

    @Test func `a manifest under the name of another is refused even if the list agrees`() throws {
      let folder = try Folder()
      let store = folder.path + "/store"
      let cache = try folder.cache()
      try cache.put(.manifests, Self.digest("good").hex, "evil")
      _ = try cache.exportStore(to: store)
      let other = try CacheDirectory.open(path: folder.path + "/second")
      #expect(throws: CacheFault.self) { _ = try other.importStore(from: store) }
      #expect(try other.list() == [])
    }

    static let sum = digest("x").text

    @Test(arguments: [
      "", "{}", #"{"format":2,"objects":[]}"#, #"{"format":1,"objects":{}}"#,
      #"{"format":1,"objects":[{"kind":"locks","name":"aa","size":1,"digest":"\#(sum)"}]}"#,
      #"{"format":1,"objects":[{"kind":"images","name":"../aa","size":1,"digest":"\#(sum)"}]}"#,
      #"{"format":1,"objects":[{"kind":"images","name":"aa","size":-1,"digest":"\#(sum)"}]}"#,
      #"{"format":1,"objects":[{"kind":"images","name":"aa","size":1,"digest":"md5:00"}]}"#,
    ])
    func `a list that makes no sense is refused`(text: String) {
      #expect(throws: CacheFault.self) { _ = try StoreManifest(parsing: Array(text.utf8), path: "/store") }
    }

    @Test func `links in a store lead nowhere`() throws {
      let folder = try Folder()
      let store = folder.path + "/store"
      _ = try Self.filled(folder).exportStore(to: store)
      rename(store + "/images/a1", folder.path + "/moved")
      symlink(folder.path + "/moved", store + "/images/a1")
      let other = try CacheDirectory.open(path: folder.path + "/second")
      #expect(throws: CacheFault.notDirectory(path: store + "/images/a1")) {
        _ = try other.importStore(from: store)
      }
      #expect(!other.has(.images, "a1"))
    }

    @Test func `a tag that the registry was asked for later is not replaced`() throws {
      let folder = try Folder()
      let store = folder.path + "/store"
      _ = try Self.filled(folder).exportStore(to: store)
      let other = try CacheDirectory.open(path: folder.path + "/second")
      let newer = TagRecord(
        reference: "docker.io/library/debian:12", platform: "linux/amd64", digest: Self.digest("new"),
        checkedSeconds: 1_800_000_000)
      try other.setTag(newer)
      _ = try other.importStore(from: store)
      #expect(other.tag(newer.reference, platform: "linux/amd64") == newer)
    }
  }
}
