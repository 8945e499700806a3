import Glibc
import Linux
import Model
import Testing

@testable import NodeCache

extension NodeCacheTests {
  @Suite struct EvictionTests {
    private func sources(_ room: Room) -> [String]? {
      guard case .enough(let removed) = room else { return nil }
      return removed.compactMap { $0.record?.source }
    }

    @Test func `the longest unused go first, and no more than must`() throws {
      let folder = try Folder()
      for (name, minutes) in [("new", 1), ("oldest", 90), ("old", 60)] {
        _ = try folder.put(name, bytes: 1000, minutesAgo: minutes)
      }
      let room = try folder.makeRoom(for: 1500, most: 3000)
      #expect(sources(room) == ["/images/oldest", "/images/old"])
      #expect(try folder.entries().compactMap { $0.record?.source } == ["/images/new"])
      #expect(try folder.names().count == 2)
    }

    @Test func `a copy in use stays, whoever is older`() throws {
      let folder = try Folder()
      let used = try folder.put("used", bytes: 1000, minutesAgo: 90)
      _ = try folder.put("idle", bytes: 1000, minutesAgo: 5)
      let image = try folder.found(used)
      // Looked up makes it the newest: old again.
      let then = timespec(tv_sec: time(nil) - 9000, tv_nsec: 0)
      utimensat(AT_FDCWD, try folder.record(used), [then, then], 0)
      #expect(try folder.entries().map { $0.isInUse } == [true, false])
      let room = try folder.makeRoom(for: 500, most: 2000)
      #expect(sources(room) == ["/images/idle"])
      #expect(try !folder.remove(used))
      _ = consume image
      // A program that another test starts has a copy until it runs.
      #expect(eventually { (try? folder.remove(used)) == true })
      #expect(try folder.names() == [])
    }

    @Test func `nothing goes where that would not be enough`() throws {
      let folder = try Folder()
      let used = try folder.put("used", bytes: 1000, minutesAgo: 90)
      _ = try folder.put("idle", bytes: 1000, minutesAgo: 5)
      let image = try folder.found(used)
      #expect(
        try folder.makeRoom(for: 1500, most: 2000) == .short(bytes: 500, isInUse: true))
      #expect(try folder.makeRoom(for: 2001, most: 2000) == .never(most: 2000))
      #expect(try folder.entries().count == 2)
      _ = consume image
    }

    @Test func `a copy that others make now takes its room already`() throws {
      let folder = try Folder()
      _ = try folder.put("idle", bytes: 1000)
      let other = try folder.lock(ImageKey(object: "other", size: 1000))
      other.tell(CopyProgress(pid: 1, job: "", source: "/images/other", size: 1000))
      let room = try folder.makeRoom(for: 1000, most: 2500)
      #expect(sources(room) == ["/images/idle"])
      other.release()
    }

    @Test func `what crashes left is swept, and what is used is not`() throws {
      let folder = try Folder()
      let kept = try folder.put("kept", bytes: 10)
      let lost = try folder.put("lost", bytes: 10)
      unlink(try folder.image(lost))
      let cache = try folder.cache()
      let lock = try folder.lock(ImageKey(object: "copying", size: 1))
      _ = system("touch \(cache.path)/\(ImageKey(object: "left", size: 1).name).lock")
      try cache.sweep()
      #expect(try folder.names().count == 3)
      #expect(try folder.outcome(kept) == "found")
      lock.release()
    }
  }

  @Suite struct LimitTests {
    @Test(
      arguments: [
        ("80%", .percent(80)), ("100%", .percent(100)), ("0%", nil), ("101%", nil),
        ("200G", .bytes(200 << 30)),
        ("1k", .bytes(1024)), ("2PiB", .bytes(2 << 50)), ("3MiB", .bytes(3 << 20)), ("2TB", .bytes(2 << 40)),
        ("512", .bytes(512)),
        ("0", .bytes(0)), ("", nil), ("G", nil), ("-1G", nil), ("1.5G", nil), ("1X", nil), ("9999999T", nil),
        ("99999999999999999999", nil),
      ] as [(String, SpaceLimit?)])
    func `sizes are understood or refused`(text: String, limit: SpaceLimit?) {
      #expect(SpaceLimit(text) == limit)
    }

    static let volume = Volume(size: 1000, free: 300)

    @Test(arguments: [SpaceLimit.percent(80), .bytes(0), .bytes(200 << 30)])
    func `a size is written as it is read`(limit: SpaceLimit) { #expect(SpaceLimit(limit.text) == limit) }

    @Test func `what is on the disk already needs no room there, but counts for the quota`() {
      let limits = CacheLimits(most: .bytes(500), leastFree: 250)
      #expect(limits.shortage(for: 400, used: 0, volume: Self.volume, isOnDisk: true) == .bytes(0))
      #expect(limits.shortage(for: 400, used: 200, volume: Self.volume, isOnDisk: true) == .bytes(100))
      #expect(limits.shortage(for: 501, used: 0, volume: Self.volume, isOnDisk: true) == .never(most: 500))
    }

    @Test(
      arguments: [
        (CacheLimits(most: .bytes(500)), 100, 0, .bytes(0)),
        (CacheLimits(most: .bytes(500)), 100, 450, .bytes(50)),
        (CacheLimits(most: .percent(50)), 100, 450, .bytes(50)),
        (CacheLimits(most: .bytes(500)), 501, 0, .never(most: 500)),
        (CacheLimits(most: .bytes(500), leastFree: 250), 100, 0, .bytes(50)),
        (CacheLimits(most: .bytes(500), leastFree: 250), 100, 470, .bytes(70)),
        (CacheLimits(most: .percent(100)), 400, 0, .bytes(100)),
      ] as [(CacheLimits, Int, Int, CacheLimits.Shortage)])
    func `the larger of what the quota and the free space lack must go`(
      limits: CacheLimits, size: Int, used: Int, shortage: CacheLimits.Shortage
    ) {
      #expect(limits.shortage(for: size, used: used, volume: Self.volume) == shortage)
    }
  }
}
