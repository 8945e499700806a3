import Glibc
import Linux
import Model
import Synchronization
import Testing

@testable import NodeCache

extension NodeCacheTests {
  @Suite struct OpeningTests {
    @Test func `the user's folder is made once, for the user alone`() throws {
      let folder = try Folder()
      for _ in 0..<2 {
        let cache = try folder.cache()
        #expect(cache.path == "\(folder.path)/\(geteuid())")
        let facts = try File.facts(cache.folder)
        #expect(facts.mode == 0o700)
        #expect(facts.uid == geteuid())
      }
    }

    @Test func `a listing makes no folder`() throws {
      let folder = try Folder()
      #expect(throws: NodeCacheFault.self) { _ = try NodeCache.open(folder.path, makes: false) }
      #expect(access("\(folder.path)/\(geteuid())", F_OK) != 0)
    }

    @Test func `a folder that is open to others, a link or a file is refused`() throws {
      let folder = try Folder()
      let path = try folder.cache().path
      chmod(path, 0o750)
      #expect(
        throws: NodeCacheFault.notOurs(path: path, uid: geteuid(), owner: geteuid(), mode: 0o750)
      ) { _ = try folder.cache() }
      rmdir(path)
      symlink("/tmp", path)
      #expect(throws: NodeCacheFault.notADirectory(path: path)) { _ = try folder.cache() }
      unlink(path)
      close(open(path, O_CREAT | O_WRONLY, 0o600))
      #expect(throws: NodeCacheFault.notADirectory(path: path)) { _ = try folder.cache() }
    }

    @Test(.enabled(if: geteuid() == 0, "only root can give a directory away"))
    func `a folder that somebody else made is refused`() throws {
      let folder = try Folder()
      let path = try folder.cache().path
      chown(path, 54321, 54321)
      #expect(throws: NodeCacheFault.notOurs(path: path, uid: 0, owner: 54321, mode: 0o700)) {
        _ = try folder.cache()
      }
    }

    @Test func `a site without the directory is told how to make it`() {
      #expect(throws: NodeCacheFault.noDirectory(path: "/tmp/apus-none")) {
        _ = try NodeCache.open("/tmp/apus-none")
      }
    }

    @Test(
      arguments: [
        ("/var/cache/apus/0", nil, 0), ("/tmp/apus/0", nil, 0), ("/shared/apus/0", "NFS", 1),
      ] as [(String, String?, Int)])
    func `a place that nodes share is warned of`(path: String, network: String?, count: Int) {
      #expect(NodeCache.notices(path: path, networkName: network).count == count)
    }
  }

  @Suite struct ImageKeyTests {
    @Test func `a file has its key for as long as it is the same`() throws {
      let folder = try Folder()
      let path = folder.path + "/x.sif"
      _ = system("echo one > \(path)")
      let first = ImageKey(try File.facts(path))
      #expect(ImageKey(try File.facts(path)) == first)
      let times = try File.facts(path)
      usleep(20_000)
      // In place, of the same size, with the old time of modification.
      _ = system("echo two > \(path)")
      let then = timespec(tv_sec: times.modifiedSeconds, tv_nsec: times.modifiedNanoseconds)
      utimensat(AT_FDCWD, path, [then, then], 0)
      let now = try File.facts(path)
      #expect(now.modifiedNanoseconds == times.modifiedNanoseconds)
      #expect(ImageKey(now) != first)
    }

    @Test(arguments: ["", "abc", String(repeating: "g", count: 32), String(repeating: "A", count: 32)])
    func `refuses what is no key`(text: String) { #expect(ImageKey(text) == nil) }

    @Test func `accepts its own names`() {
      let key = ImageKey(object: "x", size: 1)
      #expect(ImageKey(key.name) == key)
      #expect(ImageKey(ofName: key.name + ".sif", suffix: ".sif") == key)
      #expect(ImageKey(ofName: key.name + ".json", suffix: ".sif") == nil)
      #expect(ImageKey(ofName: "x" + key.name + ".sif", suffix: ".sif") == nil)
    }
  }

  @Suite struct LookUpTests {
    @Test func `what is there is found, and what is not is not`() throws {
      let folder = try Folder()
      let key = try folder.put("a", bytes: 1 << 20)
      for verification in [Verification.stat, .sample] {
        #expect(try folder.outcome(key, verification) == "found")
      }
      #expect(try folder.outcome(ImageKey(object: "b", size: 1)) == "missing")
    }

    @Test(arguments: [
      ("truncate -s -1 $image", Verification.stat), ("truncate -s 0 $image", .stat), ("rm $record", .stat),
      ("echo > $record", .stat), ("printf x | dd of=$image bs=1 seek=40 conv=notrunc status=none", .stat),
      ("printf x | dd of=$image bs=1 seek=66000 conv=notrunc status=none", .sample),
      ("printf x | dd of=$image bs=1 seek=1048575 conv=notrunc status=none", .sample),
      ("chmod 0666 $image", .stat),
    ])
    func `a damaged copy is seen`(damage: String, verification: Verification) throws {
      let folder = try Folder()
      let key = try folder.put("a", bytes: 1 << 20)
      let paths = "image=\(try folder.image(key)) record=\(try folder.record(key))"
      #expect(system("\(paths); chmod 0600 $image; \(damage)") == 0)
      #expect(try folder.outcome(key, verification) == "damaged")
    }

    @Test func `a look-up is written down, on the record and not on the image`() throws {
      let folder = try Folder()
      let key = try folder.put("a", bytes: 100, minutesAgo: 50)
      let before = try File.facts(try folder.image(key))
      _ = try folder.outcome(key)
      #expect(try File.facts(try folder.image(key)) == before)
      #expect(try time(nil) - File.facts(try folder.record(key)).modifiedSeconds < 10)
    }

    @Test func `a copy that was removed during the look-up is looked up again`() throws {
      let folder = try Folder()
      let key = try folder.put("a", bytes: 100)
      let image = try File.open(try folder.image(key))
      try FileLock.acquire(image)
      let done = Done()
      try Linux.Thread.start {
        done.set((try? folder.outcome(key)) ?? "failed")
      }
      usleep(100_000)
      #expect(done.value == nil)
      unlink(try folder.image(key))
      FileLock.release(image)
      #expect(eventually { done.value == "missing" })
    }
  }

  @Suite struct LockTests {
    @Test func `one has it, others see how far that one is, and nothing is left`() throws {
      let folder = try Folder()
      let key = ImageKey(object: "a", size: 1)
      let lock = try folder.lock(key)
      #expect(try folder.holder(key) == nil)
      var progress = CopyProgress(pid: 7, job: "12", source: "/images/a", size: 4_800_000_000, done: 1)
      lock.tell(progress)
      #expect(try folder.holder(key) == progress)
      progress.done = 1_200_000_000
      lock.tell(progress)
      #expect(try folder.holder(key) == progress)
      #expect(try folder.copies() == [progress])
      lock.release()
      #expect(try folder.names() == [])
      #expect(try folder.copies().isEmpty)
    }

    @Test func `a killed holder lets the next one in`() throws {
      let folder = try Folder()
      let cache = try folder.cache()
      let key = ImageKey(object: "a", size: 1)
      let path = "\(cache.path)/\(key.name).lock"
      let pid = try Process.spawn(
        "/bin/sh", ["-c", "exec 9>\(path); flock 9; : >\(path).held; exec sleep 100"],
        environment: ["PATH=/usr/bin:/bin"])
      // Not asked for before: whoever tries the lock first, and lets it go, takes the file away.
      for _ in 0..<1000 where access(path + ".held", F_OK) != 0 { usleep(10_000) }
      unlink(path + ".held")
      #expect(try folder.isLocked(key))
      kill(pid, SIGKILL)
      _ = try Process.wait(pid)
      try folder.lock(key).release()
      #expect(try folder.names() == [])
    }
  }
}

/// A word from another thread.
final class Done: Sendable {
  private let word = Mutex<String?>(nil)
  var value: String? { word.withLock { $0 } }
  func set(_ value: String) { word.withLock { $0 = value } }
}

/// Asks again until something holds, for two seconds at most.
func eventually(_ condition: () -> Bool) -> Bool {
  for _ in 0..<200 {
    if condition() { return true }
    usleep(10_000)
  }
  return condition()
}
