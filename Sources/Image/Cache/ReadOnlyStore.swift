internal import Glibc
internal import Linux

/// A directory in the layout of a cache that somebody else keeps, such as a site's images on a shared file
/// system. It is only read, and never locked: it may be mounted read-only, and whoever keeps it sees to what
/// is in use.
final class ReadOnlyStore: Sendable {
  let path: String
  private let directory: Descriptor

  init(_ path: String) throws(CacheFault) {
    let directory = try onCache(path) { () throws(SystemCallFault) in
      try File.open(path, O_RDONLY | O_DIRECTORY)
    }
    let facts = try onCache(path) { () throws(SystemCallFault) in try File.facts(directory) }
    // What stands there is run without being looked at again.
    guard facts.mode & 0o002 == 0 else { throw .openToAll(path: path) }
    self.path = path
    self.directory = directory
  }

  /// Opens an object for reading; nil where there is no such file.
  func open(_ kind: CacheKind, _ name: String) -> (number: Int32, size: Int)? {
    guard
      let folder = try? File.open(
        kind.rawValue, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, from: directory.number),
      let file = try? File.open(name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, from: folder.number),
      let facts = try? File.facts(file), facts.kind == .file
    else { return nil }
    return (file.release(), facts.size)
  }
}
