internal import Glibc

/// Copying between files in the kernel where it can: blocks are shared on file systems that know how, and no byte comes
/// into this process (copy_file_range(2), Linux 4.5).
public enum FileCopy {
  private static let piece = 1 << 20

  /// Copies `count` bytes between open files, leaving their positions alone. A source that ends earlier is EIO.
  public static func copy(
    _ count: Int, from source: Int32, at start: Int, to target: Int32, at place: Int
  ) throws(SystemCallFault) {
    var done = 0
    while done < count {
      var from = off_t(start + done)
      var to = off_t(place + done)
      let copied = unsafe copy_file_range(source, &from, target, &to, count - done, 0)
      if copied > 0 {
        done += copied
        continue
      }
      if copied < 0, errno == EINTR { continue }
      // Between file systems before Linux 5.3, on those that do not know how, and where the source ends early: by hand,
      // which finds the same error if there is one.
      return try copyByHand(count - done, from: source, at: start + done, to: target, at: place + done)
    }
  }

  private static func copyByHand(
    _ count: Int, from source: Int32, at start: Int, to target: Int32, at place: Int
  ) throws(SystemCallFault) {
    var buffer = [UInt8](repeating: 0, count: min(piece, count))
    var done = 0
    while done < count {
      let wanted = min(buffer.count, count - done)
      var failure: SystemCallFault?
      unsafe buffer.withUnsafeMutableBytes { buffer in
        let part = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[..<wanted])
        do throws(SystemCallFault) {
          guard try unsafe File.read(source, at: start + done, into: part) == wanted else {
            throw SystemCallFault("read", "", EIO)
          }
          try unsafe File.write(UnsafeRawBufferPointer(part), to: target, at: place + done)
        } catch { failure = error }
      }
      if let failure { throw failure }
      done += wanted
    }
  }
}
