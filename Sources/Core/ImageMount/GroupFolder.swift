internal import Glibc
internal import Linux

/// The folder of a group: how it goes when nobody needs it. A node that runs thousands of job steps would else collect
/// one for each.
///
/// Whoever holds the lock may remove the lock file, and the folder with it, when nothing else lies in it. So a client
/// that was waiting for the lock may get one that nobody else can find any more: it has no link left, and the client
/// starts again from the folder's name. Whoever makes a new lock file in a folder that is being removed keeps the folder
/// alive by that, because only an empty one can be removed.
enum GroupFolder {
  static let lockName = "lock"
  /// What the older mount interface leaves in it (`FUSEMount`).
  static let mountPointName = "image"
  /// Seconds after which a folder that nobody has changed may be looked into: long beyond every start of a server.
  static let agedSeconds = 86400

  /// Waits for the lock of a group; nil when what was locked, or the folder itself, has been removed meanwhile.
  static func takeLock(in directory: Int32) throws(SystemCallFault) -> Descriptor? {
    let lock: Descriptor
    do throws(SystemCallFault) {
      lock = try File.open(lockName, O_RDWR | O_CREAT | O_NOFOLLOW, mode: 0o600, from: directory)
    } catch {
      if error.number == ENOENT { return nil }
      throw error
    }
    try FileLock.acquire(lock)
    guard try isInPlace(lock) else { return nil }
    return lock
  }

  /// Whether others can still find the lock. Only its holder removes it: the answer holds for as long as the lock.
  static func isInPlace(_ lock: borrowing Descriptor) throws(SystemCallFault) -> Bool {
    try File.facts(lock).linkCount > 0
  }

  /// Removes a folder that holds nothing but the lock, which the caller holds.
  static func remove(_ name: String, _ directory: Int32, _ lock: borrowing Descriptor, in parent: Int32) {
    guard (try? isInPlace(lock)) == true,
      let folder = try? File.open(".", O_RDONLY | O_DIRECTORY, from: directory),
      let names = try? File.names(in: folder), names.allSatisfy({ $0 == lockName || $0 == mountPointName })
    else { return }
    if names.contains(mountPointName), unsafe unlinkat(directory, mountPointName, AT_REMOVEDIR) != 0 {
      return
    }
    if unsafe unlinkat(directory, lockName, 0) == 0 { _ = unsafe unlinkat(parent, name, AT_REMOVEDIR) }
  }

  /// The runtime directory that a group's folder lies in, if it is still found there by its name.
  static func parent(of directory: Int32, named name: String) -> Int32? {
    guard let parent = try? File.open("..", O_RDONLY | O_DIRECTORY, from: directory),
      let here = try? File.facts("", from: directory),
      let there = try? File.facts(name, from: parent.number, following: false),
      here.inode == there.inode, here.device == there.device
    else { return nil }
    return parent.release()
  }

  /// Removes the folders of other groups whose servers were killed: not changed for a day, the lock free, every socket
  /// dead. Leaves the process in the directory `/`.
  static func sweep(_ parent: Int32, except own: String) {
    guard let directory = try? File.open(".", O_RDONLY | O_DIRECTORY, from: parent) else { return }
    var now = timespec()
    unsafe clock_gettime(CLOCK_REALTIME, &now)
    for name in (try? File.names(in: directory)) ?? [] where name != own {
      guard let folder = try? File.open(name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, from: parent),
        let facts = try? File.facts(folder), facts.uid == geteuid(),
        facts.modifiedSeconds < now.tv_sec - agedSeconds,
        let lock = try? File.open(lockName, O_RDWR | O_NOFOLLOW, from: folder.number),
        (try? FileLock.tryAcquire(lock)) == true, (try? isInPlace(lock)) == true
      else { continue }
      let sockets = ((try? File.names(in: folder)) ?? []).filter { $0 != lockName && $0 != mountPointName }
      // A server that serves without being found has no socket any more, and needs nothing of its folder.
      guard sockets.allSatisfy({ isDead($0, in: folder.number) }) else { continue }
      for socket in sockets { _ = unsafe unlinkat(folder.number, socket, 0) }
      remove(name, folder.number, lock, in: parent)
    }
    _ = unsafe chdir("/")
  }

  /// Whether nobody listens at a socket. By a relative name: the folder has no path in a server's root.
  private static func isDead(_ name: String, in directory: Int32) -> Bool {
    guard let facts = try? File.facts(name, from: directory, following: false), facts.kind == .socket,
      fchdir(directory) == 0, let socket = try? Socket.make(nonBlocking: true)
    else { return false }
    do throws(SystemCallFault) {
      try Socket.connect(socket, name)
      return false
    } catch { return error.number == ECONNREFUSED }
  }
}
