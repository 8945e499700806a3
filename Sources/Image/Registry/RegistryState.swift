internal import Content
internal import HTTP
internal import Synchronization

extension RegistryClient {
  /// What a client learnt on the way.
  final class State: Sendable {
    private struct Facts {
      var chosen: Int?
      var uploads: [Digest: WebAddress] = [:]
    }

    private let facts = Mutex(Facts())

    /// The place of the session that had the manifest.
    var chosen: Int? {
      get { facts.withLock { $0.chosen } }
      set { facts.withLock { $0.chosen = newValue } }
    }

    /// An upload that the registry began when it could not mount a blob.
    func keepUpload(_ address: WebAddress, for digest: Digest) {
      facts.withLock { $0.uploads[digest] = address }
    }

    func takeUpload(for digest: Digest) -> WebAddress? {
      facts.withLock { $0.uploads.removeValue(forKey: digest) }
    }
  }
}
