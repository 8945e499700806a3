internal import Glibc
internal import ImageMount
internal import Linux
internal import Model

/// Keeps a persistent writable overlay to one container at a time: the kernel lets two of them write to the same
/// upper directory, with undefined results (Linux, Documentation/filesystems/overlayfs.rst, "Sharing and copying
/// layers").
///
/// The lock lies on the directory itself. It must outlive the launcher, which becomes the program, and last until the
/// container's last process has gone. So a small process holds it and waits, without polling, for the kernel to say that
/// the overlay has been unmounted for good (inotify(7), IN_UNMOUNT).
///
/// Whoever can read the directory can take the lock as well, and bar its owner: no directory can be opened for writing,
/// which a lock on bytes would take (`FileImageLock`). Its mode keeps others out.
///
/// Considered: an inherited descriptor of the lock (leaks into the program, which can close or keep it), a parent that
/// stays (signals and exit codes would no longer be the program's own).
public struct OverlayLock: Sendable {
  /// An inotify instance, open until the program is executed.
  private let watch: Int32
  /// Tells the keeper that the watch is set; its end without a word means that the launch failed before.
  private let started: Int32

  /// Takes the lock and starts its keeper. Called before the launcher leaves the host's mount namespace, with one
  /// thread. No child of the caller is left: the keeper is an orphan.
  public static func acquire(directory: String) throws(EngineFault) -> OverlayLock {
    var holder: Int32?
    do throws(SystemCallFault) {
      let lock = try File.open(directory, O_RDONLY | O_DIRECTORY)
      if try waitForLock(lock) { return try startKeeper(of: lock.number) }
      holder = FileLock.holder(of: lock.number)
    } catch {
      throw .setup(activity: "lock the overlay \(printable(directory))", cause: error)
    }
    throw .overlayInUse(directory: directory, pid: holder)
  }

  /// How long a container that has just ended may take to let go of its overlay, in milliseconds: the kernel takes
  /// mounts apart after the last process has been reaped.
  private static let patience = 1000

  private static func waitForLock(_ lock: borrowing Descriptor) throws(SystemCallFault) -> Bool {
    for _ in 0..<patience / 5 {
      if try FileLock.tryAcquire(lock) { return true }
      usleep(5000)
    }
    return try FileLock.tryAcquire(lock)
  }

  private static func startKeeper(of lock: Int32) throws(SystemCallFault) -> OverlayLock {
    let watch = try retrying("inotify_init1") { inotify_init1(Int32(IN_CLOEXEC)) }
    let (started, far) = try Socket.pair()
    let keepers = Descriptor(owning: far)
    let middle = try Process.fork()
    if middle == 0 {
      if (try? Process.fork()) == 0 { keep(lock, watch, keepers.number) }
      _exit(0)
    }
    _ = try Process.wait(middle)
    _ = consume keepers
    // It must be out of the launch's mounts before these change: it would hold what it waits for the end of.
    _ = try Socket.receive(limit: 1, from: started)
    return OverlayLock(watch: watch, started: started)
  }

  /// Ties the lock to the life of the overlay that `root` is the top of.
  func follow(_ root: Int32) throws(SystemCallFault) {
    let number = watch
    let path = Mount.path(of: root)
    // IN_UNMOUNT is always reported; some event has to be asked for, and a directory never has this one.
    try retrying("inotify_add_watch") { unsafe inotify_add_watch(number, path, UInt32(IN_MOVE_SELF)) }
    try Socket.send([1], to: started)
  }

  /// The keeper's life: it holds the lock, nothing else.
  private static func keep(_ lock: Int32, _ watch: Int32, _ started: Int32) -> Never {
    _ = setsid()
    _ = unsafe chdir("/")
    Process.closeAll(except: [lock, watch, started])
    // Real root is in the mount namespace of the launch by now.
    if geteuid() == 0 { try? EmptyRoot.enter() }
    try? Socket.send([1], to: started)
    guard let word = try? Socket.receive(limit: 1, from: started), !word.bytes.isEmpty else { _exit(0) }
    close(started)
    var event = [UInt8](repeating: 0, count: 4096)
    // IN_UNMOUNT, or IN_IGNORED when the watch went: both mean that nothing can write any more.
    while true {
      let count = unsafe event.withUnsafeMutableBytes { unsafe read(watch, $0.baseAddress, $0.count) }
      if count >= 0 || errno != EINTR { _exit(0) }
    }
  }
}
