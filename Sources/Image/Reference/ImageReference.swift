public import Content

/// The name of an image in a registry, understood: `docker.io/library/debian:12@sha256:…`.
public struct ImageReference: Hashable, Sendable {
  /// The registry as references name it: `docker.io`, `registry.example.org:5000`, `[::1]:5000`.
  public let registry: String
  /// `library/debian`
  public let repository: String
  public let tag: String?
  /// Counts before the tag where both are given.
  public let digest: Digest?

  public init(registry: String, repository: String, tag: String?, digest: Digest?) {
    self.registry = registry
    self.repository = repository
    self.tag = tag
    self.digest = digest
  }
}
