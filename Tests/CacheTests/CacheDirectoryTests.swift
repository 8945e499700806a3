import Cache
import Content
import Glibc
import Linux
import Testing

extension CacheTests {
  @Suite struct CacheDirectoryTests {
    @Test(arguments: [
      (["APUS_CACHEDIR": "/a/b/", "HOME": "/h"], "/a/b"),
      (["APPTAINER_CACHEDIR": "/a", "SINGULARITY_CACHEDIR": "/s", "HOME": "/h"], "/a/apus"),
      (["SINGULARITY_CACHEDIR": "/s", "HOME": "/h"], "/s/apus"),
      (["APUS_CACHEDIR": "", "HOME": "/h"], "/h/.apus/cache"),
    ])
    func `it lies where the variables say, else below the home directory`(
      variables: [String: String], path: String
    ) throws {
      #expect(try CacheLocation.path { variables[$0] } == path)
    }

    @Test func `without any place there is none`() {
      #expect(throws: CacheFault.noPlace) { try CacheLocation.path { _ in nil } }
      #expect(throws: CacheFault.noPlace) { try CacheLocation.path { $0 == "HOME" ? "relative" : nil } }
    }

    @Test func `it is made with its parents, for its owner alone, and marked as a cache`() throws {
      let folder = try Folder()
      let path = folder.path + "/one/two/cache"
      _ = try CacheDirectory.open(path: path)
      for part in ["/one", "/one/two", "/one/two/cache"] {
        #expect(try File.facts(folder.path + part).mode == 0o700)
      }
      let tag = String(decoding: try File.readAll(path + "/CACHEDIR.TAG", limit: 4096), as: UTF8.self)
      #expect(tag.hasPrefix("Signature: 8a477f597d28d172789f06886806bc55"))
    }

    @Test(.enabled(if: geteuid() == 0, "only root can give a directory away"))
    func `a directory of somebody else's, and their link, are refused`() throws {
      let folder = try Folder()
      let path = folder.path + "/cache"
      mkdir(path, 0o700)
      chown(path, 4711, 4711)
      #expect(throws: CacheFault.foreign(path: path, owner: 4711)) { _ = try folder.cache() }
      let link = folder.path + "/link"
      symlink(path, link)
      #expect(throws: CacheFault.foreign(path: link, owner: 4711)) { _ = try CacheDirectory.open(path: link) }
      // Even where it leads to a directory of our own.
      chown(path, 0, 0)
      _ = try CacheDirectory.open(path: link)
      lchown(link, 4711, 4711)
      #expect(throws: CacheFault.foreign(path: link, owner: 4711)) { _ = try CacheDirectory.open(path: link) }
    }

    @Test func `what everybody may write to, or is no directory, is refused`() throws {
      let folder = try Folder()
      let path = folder.path + "/cache"
      mkdir(path, 0o700)
      chmod(path, 0o777)
      #expect(throws: CacheFault.openToAll(path: path)) { _ = try folder.cache() }
      let file = folder.path + "/file"
      _ = try File.open(file, O_CREAT | O_WRONLY, mode: 0o600)
      #expect(throws: CacheFault.notDirectory(path: file)) { _ = try CacheDirectory.open(path: file) }
    }

    @Test(arguments: [
      "", ".", "..", "../x", "a/b", "A", "xyz", ".a", "a\0", String(repeating: "a", count: 201),
    ])
    func `a name that is no object's never reaches the file system`(name: String) throws {
      let folder = try Folder()
      let cache = try folder.cache()
      #expect(throws: CacheFault.name(name)) { _ = try cache.create(.images, name) }
      #expect(throws: CacheFault.name(name)) { _ = try cache.openPartial(name) }
      #expect(!cache.finds(.images, name))
      #expect(!cache.has(.images, name))
    }

    @Test func `an object appears when it is published and not before`() throws {
      let folder = try Folder()
      let cache = try folder.cache()
      do {
        var object = try cache.create(.images, "ab-1.2")
        try File.write(Array("content".utf8), to: object.number)
        #expect(!cache.finds(.images, "ab-1.2"))
        try object.publish()
        #expect(try cache.text(.images, "ab-1.2") == "content")
      }
      #expect(try folder.names("images") == ["ab-1.2"])
    }

    @Test func `an object that is given up leaves nothing`() throws {
      let folder = try Folder()
      let cache = try folder.cache()
      do {
        let object = try cache.create(.images, "ab")
        try File.write(Array("content".utf8), to: object.number)
      }
      #expect(try folder.names("images") == [])
    }

    @Test func `of two that publish the same the first stays`() throws {
      let folder = try Folder()
      let cache = try folder.cache()
      var first = try cache.create(.segments, "ab")
      var second = try cache.create(.segments, "ab")
      try File.write(Array("one".utf8), to: first.number)
      try File.write(Array("two".utf8), to: second.number)
      try first.publish()
      try second.publish()
      #expect(try cache.text(.segments, "ab") == "one")
      #expect(try folder.names("segments") == ["ab"])
    }

    @Test func `links, pipes and files of others under an object's name are not opened`() throws {
      let folder = try Folder()
      let cache = try folder.cache()
      try cache.put(.images, "aa", "real")
      let images = folder.path + "/cache/images"
      symlink("aa", images + "/bb")
      mkfifo(images + "/cc", 0o600)
      mkdir(images + "/dd", 0o700)
      for name in ["bb", "cc", "dd"] { #expect(!cache.finds(.images, name)) }
      #expect(try cache.list().map(\.name) == ["aa"])
      guard geteuid() == 0 else { return }
      chown(images + "/aa", 4711, 4711)
      #expect(!cache.finds(.images, "aa"))
    }

    @Test func `a use is written down once an hour at most`() throws {
      let folder = try Folder()
      let cache = try folder.cache()
      func used() throws -> Int { try #require(try cache.list([.images]).first).usedSeconds }
      try cache.put(.images, "ab", "x", hoursAgo: 5)
      let before = try used()
      #expect(cache.finds(.images, "ab"))
      #expect(try used() >= before + 4 * 3600)
      let then = timespec(tv_sec: time(nil) - 1800, tv_nsec: 0)
      utimensat(AT_FDCWD, cache.path + "/images/ab", [then, then], 0)
      #expect(cache.finds(.images, "ab"))
      #expect(try used() == then.tv_sec)
    }

    @Test func `stores are asked in their order for what the cache lacks, and missing ones skipped`() throws {
      let folder = try Folder()
      for (store, name) in [("s1", "aa"), ("s2", "aa"), ("s2", "bb"), ("s2", "cc")] {
        let other = try CacheDirectory.open(path: folder.path + "/" + store)
        try other.put(.images, name, store)
      }
      let cache = try folder.cache(stores: ["/none/such", folder.path + "/s1", folder.path + "/s2"])
      try cache.put(.images, "cc", "own")
      #expect(cache.notices.count == 1)
      #expect(try cache.text(.images, "aa") == "s1")
      #expect(try cache.text(.images, "bb") == "s2")
      #expect(try cache.text(.images, "cc") == "own")
      #expect(!cache.finds(.images, "dd"))
      let place = folder.path + "/s2/images/bb"
      guard let found = cache.locate(.images, "bb") else { throw Missing(what: "it was there") }
      let facts = (found.isOfStore, found.path, found.size)
      #expect(facts == (true, place, 2))
      // Never locked: the keeper can take it away.
      let file = try File.open(place, O_RDWR)
      let isFree = try FileLock.tryAcquire(file)
      #expect(isFree)
    }

    @Test func `a store that everybody may write to is skipped`() throws {
      let folder = try Folder()
      let path = folder.path + "/store"
      mkdir(path, 0o700)
      chmod(path, 0o777)
      #expect(try folder.cache(stores: [path]).notices.count == 1)
    }

    @Test func `what a killed writer left goes with the next one`() throws {
      let folder = try Folder()
      let cache = try folder.cache()
      try cache.put(.images, "aa", "x")
      let left = folder.path + "/cache/images/.bb.apus-4711"
      let writer = try Helper("exec 9>\(left); flock 9; echo half >&9; exec sleep 60")
      #expect(eventually { (try? File.facts(left).size) == 5 })
      try cache.put(.images, "cc", "x")
      #expect(try folder.names("images") == [".bb.apus-4711", "aa", "cc"])
      writer.kill()
      try cache.put(.images, "dd", "x")
      #expect(try folder.names("images") == ["aa", "cc", "dd"])
    }
  }
}
