public import Linux
public import Model

/// Why the cache could not be used.
public enum CacheFault: Error, Equatable, Sendable {
  case call(path: String, SystemCallFault)
  /// Neither a variable names a place nor is there a home directory.
  case noPlace
  case notDirectory(path: String)
  /// It belongs to somebody else, or a link of somebody else's leads there.
  case foreign(path: String, owner: UInt32)
  case openToAll(path: String)
  /// No name of an object.
  case name(String)
  /// An exported store that cannot be understood.
  case store(path: String, why: String)
  case damaged(path: String, expected: String, found: String)
  case unknownReference(String)
}

extension CacheFault: Explained {
  public var explanation: Explanation {
    switch self {
    case .call(let path, let fault):
      Explanation(
        what: "cannot use the cache at \(printable(path))", why: fault.explanation.why,
        remedy: fault.explanation.remedy.isEmpty
          ? "name another place with APUS_CACHEDIR, or do without with --disable-cache"
          : fault.explanation.remedy)
    case .noPlace:
      Explanation(
        what: "cannot use a cache", why: "neither APUS_CACHEDIR nor HOME is set",
        remedy: "name a directory with APUS_CACHEDIR, or do without with --disable-cache")
    case .notDirectory(let path):
      Explanation(
        what: "cannot use the cache at \(printable(path))", why: "it is not a directory",
        remedy: "name another place with APUS_CACHEDIR")
    case .foreign(let path, let owner):
      Explanation(
        what: "cannot use the cache at \(printable(path))",
        why: "it belongs to uid \(owner), who could put other images there",
        remedy: "name a directory of your own with APUS_CACHEDIR, or do without with --disable-cache")
    case .openToAll(let path):
      Explanation(
        what: "cannot use the cache at \(printable(path))",
        why: "everybody may write there, and so put other images there",
        remedy:
          "chmod o-w it once you know that its content is yours, or name another place with APUS_CACHEDIR")
    case .name(let name):
      Explanation(
        what: "cannot use the cache", why: "\"\(printable(name))\" is no name of an object",
        remedy: "this is a mistake in Apus or in the list it read")
    case .store(let path, let why):
      Explanation(
        what: "cannot use the store at \(printable(path))", why: why,
        remedy: "export it anew with apus cache export")
    case .damaged(let path, let expected, let found):
      Explanation(
        what: "cannot import \(printable(path))",
        why:
          "its bytes are not those that were exported: \(printable(found)) instead of \(printable(expected))",
        remedy: "copy the store anew, or export it anew with apus cache export")
    case .unknownReference(let reference):
      Explanation(
        what: "cannot export \(printable(reference))", why: "the cache has no image of that name",
        remedy: "apus cache list -v shows what is there; apus pull brings it")
    }
  }
}
