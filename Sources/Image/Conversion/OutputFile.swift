internal import Glibc
internal import Linux

/// A file that appears under its name only when it is finished: written without a name (O_TMPFILE) where the file
/// system can, else under a hidden name beside the target. Whatever goes wrong, the target stays as it was and nothing
/// half-written remains.
struct OutputFile: ~Copyable {
  private let target: String
  private let directory: Descriptor
  private let name: String
  /// Hidden name beside the target; empty while the file has none.
  private var hidden: String
  let descriptor: Descriptor
  private let replaces: Bool

  var number: Int32 { descriptor.number }

  /// Checks the target first: a long conversion must not fail at its end for what could be known at its start.
  init(_ target: String, replaces: Bool) throws(BuildFault) {
    let (parent, name) = Self.split(target)
    let directory: Descriptor
    do throws(SystemCallFault) { directory = try File.open(parent, O_PATH | O_DIRECTORY) } catch {
      throw .output(path: parent, error)
    }
    if let facts = try? File.facts(name, from: directory.number, following: false) {
      guard facts.kind != .directory else { throw .targetIsDirectory(path: target) }
      guard replaces else { throw .targetExists(path: target) }
    }
    Unfinished.removeAbandoned(of: name, in: directory.number)
    var hidden = ""
    let descriptor: Descriptor
    do throws(SystemCallFault) {
      descriptor = try Self.open(beside: name, in: directory.number, &hidden)
    } catch {
      throw .output(path: target, error)
    }
    Unfinished.claim(descriptor)
    self.target = target
    self.name = name
    self.replaces = replaces
    self.hidden = hidden
    self.directory = directory
    self.descriptor = descriptor
  }

  private static func open(
    beside name: String, in directory: Int32, _ hidden: inout String
  ) throws(SystemCallFault) -> Descriptor {
    do throws(SystemCallFault) {
      return try File.open(".", O_TMPFILE | O_RDWR, mode: 0o755, from: directory)
    } catch {
      // EOPNOTSUPP: no such files there; EISDIR and ENOENT: a kernel or file system that does not know the flag.
      guard [EOPNOTSUPP, EISDIR, ENOENT, EINVAL].contains(error.number) else { throw error }
    }
    let candidate = Unfinished.name(for: name)
    let file = try File.open(candidate, O_CREAT | O_EXCL | O_RDWR, mode: 0o755, from: directory)
    hidden = candidate
    return file
  }

  deinit { if !hidden.isEmpty { _ = unsafe unlinkat(directory.number, hidden, 0) } }

  /// Gives the finished file its name, after its bytes are on the disk.
  mutating func publish() throws(BuildFault) {
    do throws(SystemCallFault) {
      let file = descriptor.number
      let directory = directory.number
      let name = name
      try retrying("fsync", target) { fsync(file) }
      if hidden.isEmpty {
        let first = replaces ? Unfinished.name(for: name) : name
        try retrying("linkat", target) {
          unsafe linkat(AT_FDCWD, "/proc/self/fd/\(file)", directory, first, AT_SYMLINK_FOLLOW)
        }
        if first == name { return }
        hidden = first
      } else if !replaces {
        let hidden = hidden
        try retrying("linkat", target) { unsafe linkat(directory, hidden, directory, name, 0) }
        return
      }
      let from = hidden
      try retrying("rename", target) { unsafe renameat(directory, from, directory, name) }
      hidden = ""
    } catch { throw error.number == EEXIST ? .targetExists(path: target) : .output(path: target, error) }
  }

  /// Directory and last name of a path.
  static func split(_ path: String) -> (parent: String, name: String) {
    let trimmed = path.utf8.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
    guard let slash = trimmed.lastIndex(of: "/") else { return (".", trimmed) }
    let parent = String(trimmed[..<slash])
    return (parent.isEmpty ? "/" : parent, String(trimmed[trimmed.index(after: slash)...]))
  }
}
