internal import Glibc

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

  public static func release(_ file: borrowing Descriptor) {
    _ = flock(file.number, LOCK_UN)
  }
}
