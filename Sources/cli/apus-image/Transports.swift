internal import HTTP
internal import Synchronization

/// How each authority is reached, found out once: every request asks for it, and folders of certificates may lie on a
/// shared file system.
final class Transports: Sendable {
  private let known = Mutex<[String: TransportOptions]>([:])
  private let find: @Sendable (String) -> TransportOptions

  /// `find` looks for what an authority (`HOST:PORT`) needs.
  init(_ find: @escaping @Sendable (String) -> TransportOptions) { self.find = find }

  func options(for authority: String) -> TransportOptions {
    known.withLock { known in
      if let found = known[authority] { return found }
      let found = find(authority)
      known[authority] = found
      return found
    }
  }
}
