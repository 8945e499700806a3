internal import Glibc
internal import Linux
public import Model

/// How long things take while locks are waited for, in seconds. Tests shorten them.
public struct LockRules: Sendable {
  public var heartbeat = 5.0
  public var shortestPause = 0.02
  public var longestPause = 0.25
  public var firstNotice = 1.0
  public var nextNotice = 60.0
  /// How long a holder without a sign of life is waited for, by the waiter's own clock: clocks of nodes
  /// differ.
  public var patience = 120.0
  /// Do as on a file system that has no locks.
  public var usesLeases = false

  public init() {}
}

/// The right to make something, one per name. It saves work and guards nothing: objects are published in one
/// step and two makers of the same make the same, so whoever waits too long goes on without it.
public struct CacheLock: ~Copyable, Sendable {
  private let folder: Descriptor
  private let name: String
  private let file: Descriptor
  /// Of the lease; 0 for a lock of the kernel's.
  private let leaseInode: UInt64
  private let heartbeat: Heartbeat?

  fileprivate init(
    _ name: String, _ file: consuming Descriptor, leaseInode: UInt64, _ folder: consuming Descriptor,
    _ rules: LockRules
  ) {
    if let copy = try? file.duplicate() {
      heartbeat = Heartbeat.start(touching: copy, everySeconds: rules.heartbeat)
    } else {
      heartbeat = nil
    }
    self.name = name
    self.file = file
    self.folder = folder
    self.leaseInode = leaseInode
  }

  deinit {
    // The heartbeat's copy of the descriptor may live a little longer: the lock goes now.
    if leaseInode == 0 {
      FileLock.release(file)
    } else {
      Lease.remove(name, inode: leaseInode, in: folder.number)
    }
  }
}

/// What came of waiting for a lock.
public enum LockOutcome: ~Copyable {
  case held(CacheLock)
  /// What was to be made is there.
  case done
  /// The holder gives no sign of life: go on without.
  case unguarded
}

extension CacheDirectory {
  /// Waits for the lock of `name`. `work` says what the caller will do with it, behind "which": "converts X".
  /// `isDone` is asked in every round and once more when the lock is there; `notice` hears what a user should
  /// know.
  public func lock(
    _ name: String, work: String, rules: LockRules = LockRules(), isDone: () -> Bool,
    notice: (Notice) -> Void
  ) throws(CacheFault) -> LockOutcome {
    try ObjectName.check(name)
    var rules = rules
    var watch = Watch(rules)
    let owner = LockOwner(work: String(work.prefix(512)))
    var pause = rules.shortestPause
    var takesOver = true
    var circles = 0
    while true {
      let attempt: Attempt
      do throws(SystemCallFault) {
        attempt = try rules.usesLeases ? tryLease(name, owner, rules) : tryLock(name, owner, rules)
      } catch {
        // flock(2) where the file system, or the server behind it, has no locks.
        guard [ENOLCK, ENOSYS, EOPNOTSUPP, EINVAL].contains(error.number), !rules.usesLeases else {
          throw .call(path: path(.locks, name), error)
        }
        rules.usesLeases = true
        continue
      }
      switch consume attempt {
      case .taken(let lock): return isDone() ? .done : .held(lock)
      case .again:
        // Whatever lies under the name instead of a lock's file, nobody turns in circles for it.
        circles += 1
        if circles > 200 { return .unguarded }
        usleep(1000)
      case .busy(let holder, let sign):
        circles = 0
        if isDone() { return .done }
        if let text = watch.see(holder, sign) { notice(text) }
        guard watch.isPatient else {
          notice(watch.farewell)
          // A lease does not go with its holder: without this everybody after us would wait as long.
          if rules.usesLeases, takesOver, let folder = existingFolder(.locks) {
            Lease.remove(name, inode: sign.inode, in: folder.number)
            takesOver = false
            watch = Watch(rules)
            continue
          }
          return .unguarded
        }
        usleep(UInt32(max(0, min(pause, 10)) * 1e6))
        pause = min(pause * 2, rules.longestPause)
      }
    }
  }

  private enum Attempt: ~Copyable {
    case taken(CacheLock)
    case busy(LockOwner?, SignOfLife)
    /// The file was not the one under the name any more.
    case again
  }

  private func lockFolder() throws(SystemCallFault) -> Descriptor {
    do throws(CacheFault) { return try folder(.locks) } catch {
      if case .call(_, let fault) = error { throw fault }
      throw SystemCallFault("open", path + "/locks", ENOTDIR)
    }
  }

  private func tryLock(_ name: String, _ owner: LockOwner, _ rules: LockRules) throws(SystemCallFault)
    -> Attempt
  {
    let folder = try lockFolder()
    let file = try File.open(
      name, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK, mode: 0o600, from: folder.number)
    guard try FileLock.tryAcquire(file) else {
      let facts = try File.facts(file)
      return .busy(Self.owner(file), SignOfLife(facts))
    }
    // Cleaning may have removed it between the open and the lock.
    guard let named = try? File.facts(name, from: folder.number, following: false),
      try File.facts(file).inode == named.inode
    else { return .again }
    let number = file.number
    try retrying("ftruncate", name) { ftruncate(number, 0) }
    try File.write(Array(owner.text.utf8), to: number, subject: name)
    return .taken(CacheLock(name, file, leaseInode: 0, folder, rules))
  }

  private func tryLease(_ name: String, _ owner: LockOwner, _ rules: LockRules) throws(SystemCallFault)
    -> Attempt
  {
    let folder = try lockFolder()
    // First a look: making one costs a server several writes, and there is nearly always one while somebody
    // waits.
    guard
      let file = try? File.open(Lease.name(name), O_RDONLY | O_NOFOLLOW | O_NONBLOCK, from: folder.number)
    else {
      guard let file = try Lease.take(name, owner, in: folder.number) else { return .again }
      let inode = try File.facts(file).inode
      return .taken(CacheLock(name, file, leaseInode: inode, folder, rules))
    }
    let sign = SignOfLife(try File.facts(file))
    let holder = Self.owner(file)
    if let holder, holder.isDead {
      Lease.remove(name, inode: sign.inode, in: folder.number)
      return .again
    }
    return .busy(holder, sign)
  }

  private static func owner(_ file: borrowing Descriptor) -> LockOwner? {
    (try? file.firstBytes(LockOwner.limit)).flatMap { LockOwner(parsing: $0) }
  }
}
