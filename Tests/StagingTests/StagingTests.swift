import Content
import Glibc
import Linux
import Model
import NodeCache
import Synchronization
import Testing

@testable import Staging

/// One after the other: they share the disk, and the descriptors of a program that a test starts.
@Suite(.serialized) struct StagingTests {
  /// A source and a node cache under `top` for one test.
  final class Site {
    let path: String
    var cachePath: String { path + "/cache" }
    var source: String { path + "/image.sif" }

    init(bytes: Int) throws {
      var template = Array("/tmp/apus-stage-XXXXXX".utf8CString)
      path = try #require(mkdtemp(&template).map { String(cString: $0) })
      mkdir(path + "/cache", 0o1777)
      #expect(system("head -c \(bytes) /dev/urandom > \(path)/image.sif") == 0)
    }

    deinit { _ = system("umount \(path)/cache 2>/dev/null; rm -rf \(path)") }

    var names: [String] {
      get throws { try File.names(in: try NodeCache.open(cachePath).folder).sorted() }
    }

    /// The copy's path; the lines go to `lines`.
    func stage(_ lines: Lines = Lines(), _ change: (inout Staging) -> Void = { _ in }) throws -> String {
      let file = try File.open(source)
      var staging = try Staging(file.number, name: source)
      staging.path = source
      staging.say = { lines.add($0) }
      change(&staging)
      return try staging.stage(in: try NodeCache.open(cachePath)).path
    }
  }

  final class Lines: Sendable {
    private let list = Mutex<[String]>([])
    var all: [String] { list.withLock { $0 } }
    func add(_ line: String) { list.withLock { $0.append(line) } }
  }

  private static func isEqual(_ one: String, _ other: String) -> Bool {
    system("cmp -s \(one) \(other)") == 0
  }

  @Test(arguments: [0, 1, 100_000, 4 << 20, 9_000_001])
  func `the copy is the image, and is made once`(bytes: Int) throws {
    let site = try Site(bytes: bytes)
    let path = try site.stage()
    #expect(Self.isEqual(site.source, path))
    let facts = try File.facts(path)
    #expect(facts.mode == 0o400)
    #expect(try site.stage() == path)
    #expect(try File.facts(path) == facts)
    #expect(try site.names.count == 2)
    let entry = try #require(try NodeCache.open(site.cachePath).entries().first)
    #expect(entry.record?.digest == Digest.of(try File.readAll(site.source, limit: 1 << 30)).text)
    #expect(entry.record?.source == site.source)
  }

  @Test func `of eight who ask at once one copies and the others say that they wait`() throws {
    let site = try Site(bytes: 3_000_000)
    let (path, source) = (site.cachePath, site.source)
    let lines = Lines()
    let copies = Lines()
    for _ in 0..<8 {
      try Linux.Thread.start {
        do {
          let file = try File.open(source)
          var staging = try Staging(file.number, name: source)
          staging.say = { lines.add($0) }
          staging.rate = 1_500_000
          let image = try staging.stage(in: try NodeCache.open(path))
          copies.add("\(try File.facts(image.descriptor).inode)")
        } catch { copies.add("\(error)") }
      }
    }
    for _ in 0..<1000 where copies.all.count < 8 { usleep(10_000) }
    #expect(copies.all.count == 8)
    #expect(Set(copies.all).count == 1)
    #expect(lines.all.count { $0.contains("waiting for image.sif") } == 7)
    #expect(try site.names.count == 2)
  }

  @Test func `a source that is written to while it is copied is refused, and nothing is left`() throws {
    let site = try Site(bytes: 500_000)
    #expect(throws: StagingFault.changed(name: site.source)) {
      _ = try site.stage {
        $0.rate = 1_000_000
        _ = system("(sleep 0.2; printf x | dd of=\(site.source) bs=1 conv=notrunc status=none) &")
      }
    }
    #expect(try site.names == [])
  }

  @Test(arguments: ["mv $source.new $source", "rm $source", "truncate -s 10 $source"])
  func `a source that is replaced while it is copied is refused`(how: String) throws {
    let site = try Site(bytes: 500_000)
    #expect(throws: StagingFault.changed(name: site.source)) {
      _ = try site.stage {
        $0.rate = 1_000_000
        _ = system("source=\(site.source); cp $source $source.new; (sleep 0.2; \(how)) &")
      }
    }
    #expect(try site.names == [])
  }

  @Test(arguments: [
    ("truncate -s -1 $copy", Verification.stat), ("rm ${copy%.sif}.json", .stat),
    ("printf xyz | dd of=$copy bs=1 seek=500000 conv=notrunc status=none", .full),
  ])
  func `a damaged copy is made anew`(damage: String, verification: Verification) throws {
    let site = try Site(bytes: 1_000_000)
    let path = try site.stage()
    #expect(system("copy=\(path); chmod 0600 $copy; \(damage)") == 0)
    let lines = Lines()
    #expect(try site.stage(lines) { $0.verification = verification } == path)
    #expect(Self.isEqual(site.source, path))
    #expect(lines.all.count { $0.contains("is made anew") } == 1)
  }

  @Test func `bytes that are not those that were promised are refused`() throws {
    let site = try Site(bytes: 1000)
    let other = Digest.of([1])
    #expect(throws: StagingFault.self) { _ = try site.stage { $0.expected = other } }
    #expect(try site.names == [])
  }

  @Test(arguments: [
    ("cp $source $incoming", true), ("head -c 1000 /dev/zero > $incoming", false),
    ("cp $source $incoming; ln $incoming $incoming.2", false),
    ("cp $source $incoming; chmod 0666 $incoming", false),
    ("ln -s $source $incoming", false), ("true", false),
  ])
  func `a file that was broadcast is taken if it is the image and nobody else's`(how: String, isTaken: Bool)
    throws
  {
    let site = try Site(bytes: 1000)
    let digest = Digest.of(try File.readAll(site.source, limit: 1000))
    let incoming = IncomingFile.path(
      of: try File.facts(site.source), digest: digest.text, in: site.cachePath, uid: geteuid())
    #expect(system("source=\(site.source); incoming=\(incoming); \(how)") == 0)
    // Held open, or another file may get its number.
    let held = open(incoming, O_PATH | O_NOFOLLOW)
    defer { close(held) }
    let inode = (try? File.facts("", from: held))?.inode
    let path = try site.stage { $0.incoming = IncomingFile(path: incoming) }
    #expect(try (File.facts(path).inode == inode) == isTaken)
    #expect(Self.isEqual(site.source, path))
    #expect(try File.facts(path).mode == 0o400)
    #expect(try File.facts(path).linkCount == 1)
    #expect(access(incoming, F_OK) != 0)
  }

  @Test func `a broadcast of other bytes fails nothing, and goes`() throws {
    let site = try Site(bytes: 1000)
    let incoming = IncomingFile.path(
      of: try File.facts(site.source), digest: Digest.of([1]).text, in: site.cachePath, uid: geteuid())
    #expect(system("cp \(site.source) \(incoming)") == 0)
    let path = try site.stage { $0.incoming = IncomingFile(path: incoming) }
    #expect(Self.isEqual(site.source, path))
    #expect(access(incoming, F_OK) != 0)
  }

  @Test func `a broadcast to a node that has the image, or no room for it, goes`() throws {
    let site = try Site(bytes: 1000)
    let digest = Digest.of(try File.readAll(site.source, limit: 1000))
    let incoming = IncomingFile.path(
      of: try File.facts(site.source), digest: digest.text, in: site.cachePath, uid: geteuid())
    #expect(system("cp \(site.source) \(incoming)") == 0)
    #expect(throws: StagingFault.self) {
      _ = try site.stage {
        $0.incoming = IncomingFile(path: incoming)
        $0.limits = CacheLimits(most: .bytes(999))
      }
    }
    #expect(try site.names == [] && access(incoming, F_OK) != 0)
    _ = try site.stage()
    #expect(system("cp \(site.source) \(incoming)") == 0)
    _ = try site.stage { $0.incoming = IncomingFile(path: incoming) }
    #expect(access(incoming, F_OK) != 0)
  }

  @Test func `who waits for a copy that was damaged verifies what is made of it`() throws {
    let site = try Site(bytes: 1_000_000)
    let path = try site.stage()
    let damage = "printf xyz | dd of=\(path) bs=1 seek=500000 conv=notrunc status=none"
    #expect(system("chmod 0600 \(path); \(damage)") == 0)
    let (cachePath, key) = (site.cachePath, ImageKey(try File.facts(site.source)))
    let steps = Lines()
    // Has the lock, and goes without making the copy anew.
    try Linux.Thread.start {
      do {
        let cache = try NodeCache.open(cachePath)
        guard case .held(let lock) = try cache.tryLock(key) else { return steps.add("busy") }
        steps.add("held")
        for _ in 0..<500 where steps.all.last != "waiting" { usleep(10_000) }
        lock.release()
        steps.add("gone")
      } catch { steps.add("\(error)") }
    }
    for _ in 0..<500 where steps.all.isEmpty { usleep(10_000) }
    #expect(steps.all == ["held"])
    _ = try site.stage {
      $0.verification = .full
      $0.say = { if $0.contains("waiting") { steps.add("waiting") } }
    }
    #expect(Self.isEqual(site.source, path))
  }

  @Test func `what is larger than the quota is not even begun`() throws {
    let site = try Site(bytes: 1_000_000)
    #expect(throws: StagingFault.self) {
      _ = try site.stage { $0.limits = CacheLimits(most: .bytes(999_999)) }
    }
    #expect(try site.names == [])
  }

  @Test func `a directory is not copied`() throws {
    let folder = try File.open("/tmp", O_RDONLY | O_DIRECTORY)
    #expect(throws: StagingFault.notAFile(name: "/tmp")) { _ = try Staging(folder.number, name: "/tmp") }
  }

  @Test(.enabled(if: geteuid() == 0, "only root can mount"))
  func `a full disk is seen before the first byte, and the source is still good`() throws {
    let site = try Site(bytes: 3_000_000)
    guard system("mount -t tmpfs -o size=2m tmpfs \(site.cachePath)") == 0 else {
      Issue.record("no tmpfs can be mounted")
      return
    }
    // No quota and no file system's own figure stops it: the allocation does.
    do {
      _ = try site.stage { $0.limits = CacheLimits(most: .bytes(1 << 40), leastFree: -(1 << 40)) }
      Issue.record("it was copied")
    } catch let fault as StagingFault {
      #expect(fault.leavesSource)
      #expect(fault.explanation.why == "No space left on device")
    }
    do {
      _ = try site.stage { $0.limits = CacheLimits(most: .bytes(1 << 40)) }
      Issue.record("it was copied")
    } catch let fault as StagingFault {
      #expect(fault.explanation.why.hasPrefix("No space left for it: "))
    }
    #expect(try site.names == [])
  }

  @Test func `a copy makes room by the longest unused`() throws {
    let site = try Site(bytes: 600_000)
    let first = try site.stage()
    _ = system("head -c 600000 /dev/urandom > \(site.source).2; mv \(site.source).2 \(site.source)")
    let second = try site.stage { $0.limits = CacheLimits(most: .bytes(1_000_000)) }
    #expect(first != second)
    #expect(access(first, F_OK) != 0)
    #expect(Self.isEqual(site.source, second))
  }
}
