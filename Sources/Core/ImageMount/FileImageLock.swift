internal import Glibc
internal import Linux
internal import Model

/// One writer, or any number of readers, of an ext file system in a file: two that mount it know nothing of what the
/// other changes.
///
/// Two locks that both go with the last descriptor of the open file, which whoever mounts it keeps: fuse2fs's keeper or
/// the loop device. One on the whole file (flock(2)), of which the kernel tells who took it; and one on the bytes of the
/// file system, which Apptainer takes as well (its pkg/image, `lockSection`).
enum FileImageLock {
  /// How long a container that has just ended may take to let go of its file system, in milliseconds: what it changed is
  /// written down first.
  private static let patience = 2000

  /// Returns a warning where the file's own file system has no locks.
  static func take(_ image: FileImage) throws(MountFault) -> Notice? {
    let number = image.descriptor
    let mode = image.isWritable ? LOCK_EX : LOCK_SH
    do throws(SystemCallFault) {
      for attempt in 0...patience / 5 {
        if try attemptWhole(number, mode),
          try FileLock.tryAcquire(number, offset: image.offset, length: image.size, shared: !image.isWritable)
        {
          return nil
        }
        if attempt < patience / 5 { usleep(5000) }
      }
    } catch {
      guard [ENOLCK, ENOSYS, EOPNOTSUPP].contains(error.number) else {
        throw .setup(activity: "lock \(printable(image.path))", error)
      }
      let text =
        "the file system that holds \(printable(image.path)) has no locks: two containers that write to it at the same"
        + " time damage it"
      return image.isWritable ? Notice(.warning, text) : nil
    }
    throw .fileInUse(path: image.path, pid: FileLock.holder(of: number), writes: image.isWritable)
  }

  private static func attemptWhole(_ number: Int32, _ mode: Int32) throws(SystemCallFault) -> Bool {
    do throws(SystemCallFault) {
      try retrying("flock") { flock(number, mode | LOCK_NB) }
      return true
    } catch {
      if error.number == EWOULDBLOCK { return false }
      throw error
    }
  }
}
