internal import Glibc
internal import Linux
internal import Model

/// What changes of a lock's file while its holder lives.
struct SignOfLife: Equatable {
  let inode: UInt64
  let seconds: Int
  let nanoseconds: Int

  init(_ facts: FileFacts) {
    inode = facts.inode
    seconds = facts.modifiedSeconds
    nanoseconds = facts.modifiedNanoseconds
  }
}

/// The patience of one who waits for a lock, by a clock that nobody sets.
struct Watch {
  private let rules: LockRules
  private let began: Double
  private var nextNotice: Double
  private var sign: SignOfLife?
  private var signAt: Double
  private var holder: LockOwner?

  init(_ rules: LockRules) {
    self.rules = rules
    began = Self.now()
    signAt = began
    nextNotice = began + rules.firstNotice
  }

  /// Notes what was seen in one round; a sentence for the user where it is time for one.
  mutating func see(_ holder: LockOwner?, _ sign: SignOfLife) -> Notice? {
    let now = Self.now()
    self.holder = holder ?? self.holder
    if sign != self.sign {
      self.sign = sign
      signAt = now
    }
    guard now >= nextNotice else { return nil }
    nextNotice = now + rules.nextNotice
    let since = Int(now - began)
    return Notice(.info, "waiting for \(name)" + (since < 2 ? "" : " (\(since) s)"))
  }

  var isPatient: Bool { Self.now() - signAt < rules.patience }

  var farewell: Notice {
    Notice(.warning, "no sign of life from \(name) for \(Int(rules.patience)) s: going on without waiting")
  }

  private var name: String { holder?.sentence ?? "another process" }

  private static func now() -> Double {
    var time = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }
}
