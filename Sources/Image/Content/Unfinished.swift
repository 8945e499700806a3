internal import Glibc
public import Linux

/// Names under which outputs grow beside their target: `.TARGET.apus-PID`. Whoever writes one holds a lock on
/// it, so the next writer can tell what a killed one left from what is being written, on another node too.
public enum Unfinished {
  public static func name(for target: String) -> String { prefix(target) + "\(getpid())" }

  private static func prefix(_ target: String) -> String { ".\(target.prefix(200))" + mark }

  private static let mark = ".apus-"

  /// Marks an output as being written. Without locks on the file system it is never taken for abandoned
  /// either.
  public static func claim(_ output: borrowing Descriptor) { _ = try? FileLock.tryAcquire(output) }

  /// Removes what writers of the same target left that are no more. `directory` is open for reading or as a
  /// path.
  public static func removeAbandoned(of target: String, in directory: Int32) {
    let prefix = Array(prefix(target).utf8)
    remove(in: directory) { $0.starts(with: prefix) && isNumber($0.dropFirst(prefix.count)) }
  }

  /// Removes what writers of any target left that are no more.
  public static func removeAbandoned(in directory: Int32) { remove(in: directory, isUnfinished) }

  /// Whether a name is one of those under which outputs grow.
  public static func isUnfinished(_ name: [UInt8]) -> Bool {
    guard name.first == UInt8(ascii: "."), let end = name.lastIndex(of: UInt8(ascii: "s")) else {
      return false
    }
    let (head, number) = (name[...end], name[(end + 1)...])
    return number.count > 1 && isNumber(number)
      && (head + number.prefix(1)).suffix(mark.utf8.count) == ArraySlice(mark.utf8)
  }

  /// A process number; behind it, from the second file of a process on, a dash and another number.
  private static func isNumber(_ text: some Sequence<UInt8>) -> Bool {
    text.allSatisfy { 0x30...0x39 ~= $0 || $0 == UInt8(ascii: "-") }
  }

  private static func remove(in directory: Int32, _ isMeant: ([UInt8]) -> Bool) {
    guard let listing = try? File.open(".", O_RDONLY | O_DIRECTORY, from: directory),
      let names = try? RawName.names(in: listing.number)
    else { return }
    for name in names where isMeant(name) {
      if isAbandoned(name, in: directory) { DirectoryRemoval.remove(name, in: directory) }
    }
  }

  private static func isAbandoned(_ name: [UInt8], in directory: Int32) -> Bool {
    // NFS locks only what is open for writing; a directory cannot be.
    if let left = try? RawName.open(name, O_RDWR | O_NONBLOCK, in: directory) {
      return (try? FileLock.tryAcquire(left)) == true
    }
    guard let left = try? RawName.open(name, O_RDONLY | O_NONBLOCK, in: directory) else { return false }
    return (try? FileLock.tryAcquire(left)) == true
  }
}
