internal import Glibc
internal import Linux
internal import Model

/// One writer, or any number of readers, of an ext file system in a file: two that mount it know nothing of what the
/// other changes.
///
/// Two locks that both go with the last descriptor of the open file, which whoever mounts it keeps: fuse2fs's keeper or
/// the loop device. The one on the bytes of the file system decides, as Apptainer's does (its pkg/image, `lockSection`): to
/// write takes a descriptor that can. The one on the whole file (flock(2)) only names its holder, which the kernel tells of
/// no other; anybody who can read the file could take it, and so bar everybody.
enum FileImageLock {
  /// How long a container that has just ended may take to let go of its file system, in milliseconds: what it changed is
  /// written down first.
  private static let patience = 2000

  /// Returns a warning where the file's own file system has no locks.
  static func take(_ image: FileImage) throws(MountFault) -> Notice? {
    let number = image.descriptor
    do throws(SystemCallFault) {
      for attempt in 0...patience / 5 {
        if try FileLock.tryAcquire(
          number, offset: image.offset, length: image.size, shared: !image.isWritable)
        {
          _ = flock(number, (image.isWritable ? LOCK_EX : LOCK_SH) | LOCK_NB)
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
}
