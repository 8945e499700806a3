import Content
import Glibc
import Linux
import Model
import Synchronization
import Testing

@testable import Cache

extension CacheTests {
  /// Locks belong to open files, so two caches in one process stand for two processes.
  @Suite struct CacheLockTests {
    static func rules(leases: Bool, patience: Double = 60) -> LockRules {
      var rules = LockRules()
      rules.heartbeat = 0.02
      rules.shortestPause = 0.002
      rules.longestPause = 0.01
      rules.firstNotice = 0.03
      rules.patience = patience
      rules.usesLeases = leases
      return rules
    }

    /// "held", "done" or "unguarded", and whatever was held goes at once.
    static func name(_ outcome: consuming LockOutcome) -> String {
      switch consume outcome {
      case .held: "held"
      case .done: "done"
      case .unguarded: "unguarded"
      }
    }

    @Test(arguments: [false, true])
    func `one at a time has it, the next when the first is done`(leases: Bool) throws {
      let folder = try Folder()
      let cache = try folder.cache()
      let (inside, most, runs) = (Shared(0), Shared(0), Shared(0))
      for _ in 0..<8 {
        try Thread.start {
          let outcome = try? cache.lock(
            "ab", work: "counts", rules: Self.rules(leases: leases), isDone: { false }, notice: { _ in })
          if case .held(let lock)? = consume outcome {
            let now = inside.add(1)
            most.raise(to: now)
            usleep(2000)
            _ = inside.add(-1)
            withExtendedLifetime(lock) {}
          }
          _ = runs.add(1)
        }
      }
      #expect(eventually { runs.value == 8 })
      #expect(most.value == 1)
    }

    @Test(arguments: [false, true])
    func `of many that want the same one makes it and all have it`(leases: Bool) throws {
      let folder = try Folder()
      let cache = try folder.cache()
      let (made, got, runs) = (Shared(0), Shared(0), Shared(0))
      for _ in 0..<32 {
        try Thread.start {
          let outcome = try? cache.lock(
            "ab", work: "", rules: Self.rules(leases: leases), isDone: { cache.has(.images, "ab") },
            notice: { _ in })
          if case .held(let lock)? = consume outcome {
            _ = made.add(1)
            usleep(5000)
            try? cache.put(.images, "ab", "content")
            withExtendedLifetime(lock) {}
          }
          if (try? cache.text(.images, "ab")) == "content" { _ = got.add(1) }
          _ = runs.add(1)
        }
      }
      #expect(eventually { runs.value == 32 })
      #expect(made.value == 1 && got.value == 32)
    }

    @Test(arguments: [false, true])
    func `who waits is told by whom it is held, and goes on when the work is done`(leases: Bool) throws {
      let folder = try Folder()
      let cache = try folder.cache()
      let rules = Self.rules(leases: leases)
      let held = try cache.lock(
        "ab", work: "converts \u{1B}x", rules: rules, isDone: { false }, notice: { _ in })
      var notices: [Notice] = []
      let second = try cache.lock(
        "ab", work: "converts y", rules: rules, isDone: { !notices.isEmpty }, notice: { notices.append($0) })
      #expect(Self.name(second) == "done")
      #expect(notices.map(\.level) == [.info])
      let text = notices.first?.text ?? ""
      #expect(
        text.hasPrefix("waiting for ") && text.hasSuffix(" pid \(getpid()) which converts \\x1bx"), "\(text)")
      #expect(Self.name(held) == "held")
    }

    @Test(arguments: [false, true]) func `who gets it after the work was done is told so`(leases: Bool) throws
    {
      let folder = try Folder()
      let cache = try folder.cache()
      let outcome = try cache.lock(
        "ab", work: "", rules: Self.rules(leases: leases), isDone: { true }, notice: { _ in })
      #expect(Self.name(outcome) == "done")
    }

    @Test(arguments: [false, true])
    func `a holder that beats is waited for, however long it takes`(leases: Bool) throws {
      let folder = try Folder()
      let cache = try folder.cache()
      let rules = Self.rules(leases: leases, patience: 0.2)
      let held = try cache.lock("ab", work: "", rules: rules, isDone: { false }, notice: { _ in })
      let began = now()
      var warnings = 0
      let second = try cache.lock(
        "ab", work: "", rules: rules, isDone: { now() - began >= 0.5 },
        notice: { if $0.level == .warning { warnings += 1 } })
      #expect(Self.name(second) == "done")
      #expect(warnings == 0)
      #expect(Self.name(held) == "held")
    }

    @Test func `a holder without a sign of life is waited for no longer than patience lasts`() throws {
      let folder = try Folder()
      let cache = try folder.cache()
      mkdir(cache.path + "/locks", 0o700)
      let silent = try File.open(cache.path + "/locks/ab", O_RDWR | O_CREAT, mode: 0o600)
      let isHeld = try FileLock.tryAcquire(silent)
      #expect(isHeld)
      var levels: [Notice.Level] = []
      let outcome = try cache.lock(
        "ab", work: "", rules: Self.rules(leases: false, patience: 0.1), isDone: { false },
        notice: { levels.append($0.level) })
      #expect(Self.name(outcome) == "unguarded")
      #expect(levels == [.info, .warning])
    }

    @Test func `a lease without a sign of life is taken over`() throws {
      let folder = try Folder()
      let cache = try folder.cache()
      mkdir(cache.path + "/locks", 0o700)
      var other = LockOwner(work: "converts x")
      other.host = "elsewhere"
      let lease = try File.open(cache.path + "/locks/ab.lease", O_RDWR | O_CREAT, mode: 0o600)
      try File.write(Array(other.text.utf8), to: lease.number)
      var warnings: [String] = []
      let outcome = try cache.lock(
        "ab", work: "", rules: Self.rules(leases: true, patience: 0.1), isDone: { false },
        notice: { if $0.level == .warning { warnings.append($0.text) } })
      #expect(Self.name(outcome) == "held")
      #expect(warnings.count == 1 && warnings[0].contains("elsewhere pid \(getpid()) which converts x"))
      #expect(try folder.names("locks") == [])
    }

    @Test func `the lease of a process of this host that is no more is taken at once`() throws {
      let folder = try Folder()
      let cache = try folder.cache()
      mkdir(cache.path + "/locks", 0o700)
      let child = try Process.spawn("/bin/true", [], environment: [])
      _ = try Process.wait(child)
      var dead = LockOwner(work: "")
      dead.pid = child
      let lease = try File.open(cache.path + "/locks/ab.lease", O_RDWR | O_CREAT, mode: 0o600)
      try File.write(Array(dead.text.utf8), to: lease.number)
      let outcome = try cache.lock(
        "ab", work: "", rules: Self.rules(leases: true), isDone: { false },
        notice: { _ in Issue.record("nothing is to be waited for") })
      #expect(Self.name(outcome) == "held")
    }

    @Test func `a link in the place of a lease leads nowhere, and nobody turns in circles for it`() throws {
      let folder = try Folder()
      let cache = try folder.cache()
      mkdir(cache.path + "/locks", 0o700)
      symlink(folder.path + "/elsewhere", cache.path + "/locks/ab.lease")
      let outcome = try cache.lock(
        "ab", work: "", rules: Self.rules(leases: true), isDone: { false }, notice: { _ in })
      #expect(Self.name(outcome) == "unguarded")
      #expect((try? File.facts(folder.path + "/elsewhere")) == nil)
      #expect(try folder.names("locks") == ["ab.lease"])
    }

    @Test func `the lock of a process that was killed is free at once`() throws {
      let folder = try Folder()
      let cache = try folder.cache()
      mkdir(cache.path + "/locks", 0o700)
      let path = cache.path + "/locks/ab"
      let holder = try Helper("exec 9>\(path); flock 9; echo no owner >&9; exec sleep 60")
      #expect(eventually { (try? File.facts(path).size) == 9 })
      var notices = 0
      let outcome = try cache.lock(
        "ab", work: "", rules: Self.rules(leases: false), isDone: { false },
        notice: { _ in
          notices += 1
          holder.kill()
        })
      #expect(Self.name(outcome) == "held")
      #expect(notices == 1)
    }

    @Test(arguments: [
      "", "{}", "no owner", #"{"host":"h","pid":0,"uid":1,"since":1}"#,
      #"{"host":"h","pid":-1,"uid":1,"since":1}"#,
      #"{"host":"h","pid":99999999999,"uid":1,"since":1}"#, #"{"host":1,"pid":1,"uid":1,"since":1}"#,
    ])
    func `a text that is no owner's names nobody`(text: String) {
      #expect(LockOwner(parsing: Array(text.utf8)) == nil)
    }

    @Test func `an owner's text comes back`() {
      let owner = LockOwner(work: "converts \"x\"\n")
      #expect(LockOwner(parsing: Array(owner.text.utf8)) == owner)
      #expect(!owner.isDead)
    }
  }
}

/// A number that threads share.
final class Shared: Sendable {
  private let number: Mutex<Int>

  init(_ value: Int) { number = Mutex(value) }

  var value: Int { number.withLock { $0 } }

  func add(_ step: Int) -> Int {
    number.withLock {
      $0 += step
      return $0
    }
  }

  func raise(to value: Int) { number.withLock { $0 = max($0, value) } }
}
