internal import Glibc
internal import Linux

/// Names under which outputs grow beside their target: `.TARGET.apus-PID`. Whoever writes one holds a lock on it, so the
/// next writer can tell what a killed one left from what is being written, on another node too.
enum Unfinished {
  static func name(for target: String) -> String { prefix(target) + "\(getpid())" }

  private static func prefix(_ target: String) -> String { ".\(target.prefix(200)).apus-" }

  /// Marks an output as being written. Without locks on the file system it is never taken for abandoned either.
  static func claim(_ output: borrowing Descriptor) { _ = try? FileLock.tryAcquire(output) }

  /// Removes what writers of the same target left that are no more. `directory` is open for reading or as a path.
  static func removeAbandoned(of target: String, in directory: Int32) {
    guard let listing = try? File.open(".", O_RDONLY | O_DIRECTORY, from: directory),
      let names = try? RawName.names(in: listing.number)
    else { return }
    let prefix = Array(prefix(target).utf8)
    for name in names
    where name.starts(with: prefix) && name.dropFirst(prefix.count).allSatisfy({ 0x30...0x39 ~= $0 }) {
      guard let left = try? RawName.open(name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, in: directory),
        (try? FileLock.tryAcquire(left)) == true
      else { continue }
      DirectoryRemoval.remove(name, in: directory)
    }
  }
}
