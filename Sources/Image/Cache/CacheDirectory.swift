internal import Glibc
internal import Linux
public import Model

/// The cache of one user: what was converted and downloaded once, under names that say what it is. Objects
/// never change: they are written aside and linked into place when they are complete, so any number of
/// processes of any number of nodes may use a cache at the same time. It decides nothing about images;
/// conversions and pulls call it.
///
///     CACHEDIR.TAG          tells backup programs to leave it out (bford.info/cachedir)
///     images/NAME           segments/NAME   manifests/NAME
///     tags/SHA256           what a reference pointed to (TagRecord)
///     partial/NAME          downloads to be resumed
///     locks/NAME            who is making what (CacheLock)
///
/// Whoever uses an object holds a shared lock on it, and what is locked is not removed.
public final class CacheDirectory: Sendable {
  public let path: String
  /// Bytes that the objects may take (`cache max size`); nil: any number.
  public let limit: Int?
  /// What the user should know about the stores.
  public let notices: [Notice]
  let directory: Descriptor
  let uid: UInt32
  let stores: [ReadOnlyStore]

  /// Opens the cache at `path`, which is absolute, and makes what is missing. `stores` are directories of the
  /// same layout (`image store`), in their order: they are only read, and only for what the cache itself
  /// lacks.
  public static func open(
    path: String, limit: Int? = nil, stores: [String] = []
  ) throws(CacheFault) -> CacheDirectory {
    let directory = try openTop(path, uid: geteuid())
    var opened: [ReadOnlyStore] = []
    var notices: [Notice] = []
    for store in stores {
      do throws(CacheFault) { opened.append(try ReadOnlyStore(store)) } catch {
        notices.append(
          Notice(.verbose, "the image store \(printable(store)) is skipped: \(error.explanation.why)"))
      }
    }
    let cache = CacheDirectory(path, directory, limit: limit, stores: opened, notices: notices)
    cache.mark()
    return cache
  }

  private init(
    _ path: String, _ directory: consuming Descriptor, limit: Int?, stores: [ReadOnlyStore], notices: [Notice]
  ) {
    self.path = path
    self.directory = directory
    self.limit = limit
    self.stores = stores
    self.notices = notices
    uid = geteuid()
  }

  private static func openTop(_ path: String, uid: UInt32) throws(CacheFault) -> Descriptor {
    let named = try? File.facts(path, following: false)
    // Not even to a place of the user's own: where it leads is not for others to say.
    if let named, named.kind == .link, named.uid != uid, named.uid != 0 {
      throw .foreign(path: path, owner: named.uid)
    }
    if named == nil {
      try refuseOthersHome(path, uid: uid)
      makeDirectories(path)
    }
    let directory = try onCache(path) { () throws(SystemCallFault) in
      try File.open(path, O_RDONLY | O_DIRECTORY)
    }
    let facts = try onCache(path) { () throws(SystemCallFault) in try File.facts(directory) }
    guard facts.uid == uid else { throw .foreign(path: path, owner: facts.uid) }
    guard facts.mode & 0o002 == 0 else { throw .openToAll(path: path) }
    return directory
  }

  /// Root with the HOME of a user (sudo keeps it) must not make directories there that the user cannot write to.
  private static func refuseOthersHome(_ path: String, uid: UInt32) throws(CacheFault) {
    guard uid == 0 else { return }
    var parent = ContainerPath.parent(path)
    while parent != "/" {
      if let facts = try? File.facts(parent) {
        guard facts.uid == 0 else { throw .foreign(path: parent, owner: facts.uid) }
        return
      }
      parent = ContainerPath.parent(parent)
    }
  }

  /// Failures are told by the open that follows.
  private static func makeDirectories(_ path: String) {
    var made = ""
    for name in ContainerPath.components(path) {
      made += "/" + name
      _ = unsafe mkdir(made, 0o700)
    }
  }

  /// A cache that cannot be written to is still good for reading: creating says why not when it comes to
  /// that.
  private func mark() {
    let signature = "Signature: 8a477f597d28d172789f06886806bc55\n# This directory is a cache of apus.\n"
    guard
      let file = try? File.open(
        "CACHEDIR.TAG", O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o600, from: directory.number)
    else { return }
    try? File.write(Array(signature.utf8), to: file.number)
  }

  /// The folder of a kind, made if it is missing.
  func folder(_ kind: CacheKind) throws(CacheFault) -> Descriptor {
    if let folder = existingFolder(kind) { return folder }
    let top = directory.number
    return try onCache(path + "/" + kind.rawValue) { () throws(SystemCallFault) in
      do throws(SystemCallFault) {
        try retrying("mkdir", kind.rawValue) { unsafe mkdirat(top, kind.rawValue, 0o700) }
      } catch { if error.number != EEXIST { throw error } }
      return try File.open(kind.rawValue, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, from: top)
    }
  }

  func existingFolder(_ kind: CacheKind) -> Descriptor? {
    try? File.open(kind.rawValue, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, from: directory.number)
  }

  func path(_ kind: CacheKind, _ name: String) -> String { "\(path)/\(kind.rawValue)/\(name)" }
}

/// Runs system calls on the cache at `path`.
func onCache<R: ~Copyable>(
  _ path: String, _ body: () throws(SystemCallFault) -> R
) throws(CacheFault) -> R {
  do throws(SystemCallFault) { return try body() } catch {
    throw error.number == ENOTDIR || error.number == ELOOP
      ? .notDirectory(path: path) : .call(path: path, error)
  }
}
