internal import Glibc
internal import Model

/// An advisory lock on a whole file that the kernel drops with the last copy of its descriptor (flock(2)).
public enum FileLock {
  /// Waits for the lock. `shared` lets other shared holders in.
  public static func acquire(_ file: borrowing Descriptor, shared: Bool = false) throws(SystemCallFault) {
    let number = file.number
    try retrying("flock") { flock(number, shared ? LOCK_SH : LOCK_EX) }
  }

  /// Takes the lock only if nobody holds it.
  public static func tryAcquire(_ file: borrowing Descriptor, shared: Bool = false) throws(SystemCallFault)
    -> Bool
  {
    let number = file.number
    do throws(SystemCallFault) {
      try retrying("flock") { flock(number, (shared ? LOCK_SH : LOCK_EX) | LOCK_NB) }
      return true
    } catch {
      if error.number == EWOULDBLOCK { return false }
      throw error
    }
  }

  /// Takes a lock on bytes of a file that belongs to the open file and goes with its last descriptor, if nobody holds
  /// another (F_OFD_SETLK, fcntl(2)). A lock that is not `shared` needs a file open for writing.
  public static func tryAcquire(
    _ file: Int32, offset: Int, length: Int, shared: Bool
  ) throws(SystemCallFault) -> Bool {
    var range = Glibc.flock()
    range.l_type = Int16(shared ? F_RDLCK : F_WRLCK)
    range.l_whence = Int16(SEEK_SET)
    range.l_start = offset
    range.l_len = length
    // F_OFD_SETLK
    while unsafe fcntl(file, 37, &range) != 0 {
      switch errno {
      case EINTR: continue
      case EACCES, EAGAIN: return false
      default: throw SystemCallFault("fcntl", "", errno)
      }
    }
    return true
  }

  /// The process that took a lock of `tryAcquire` on a whole file, by the kernel's list of locks (proc_locks(5)). nil where
  /// there is none, it is of another node, or it has ended and left the lock to others.
  public static func holder(of file: Int32) -> Int32? {
    guard let facts = try? File.facts("", from: file),
      let bytes = try? File.readAll("/proc/locks", limit: 16 << 20)
    else { return nil }
    func hexadecimal(_ number: UInt32) -> String { (number < 16 ? "0" : "") + String(number, radix: 16) }
    let device = facts.deviceNumbers
    let place = "\(hexadecimal(device.major)):\(hexadecimal(device.minor)):\(facts.inode)"
    for line in String(decoding: bytes, as: UTF8.self).lines {
      // 1: FLOCK  ADVISORY  WRITE 1234 fd:01:5678 0 EOF; one that waits has an arrow before the kind.
      let words = line.fields(at: UInt8(ascii: " ")).filter { !$0.isEmpty }
      guard words.count > 5, words[1] == "FLOCK", words[5] == place, let pid = Int32(words[4]) else {
        continue
      }
      if pid > 0, kill(pid, 0) == 0 || errno == EPERM { return pid }
    }
    return nil
  }

  public static func release(_ file: borrowing Descriptor) {
    _ = flock(file.number, LOCK_UN)
  }
}
