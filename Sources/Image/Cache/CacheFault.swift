public import Linux
public import Model

/// Why the cache could not be used.
public enum CacheFault: Error, Equatable, Sendable {
  case call(path: String, SystemCallFault)
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
    }
  }
}
