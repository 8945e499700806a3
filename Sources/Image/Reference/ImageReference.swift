public import Content
internal import Model

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

extension ImageReference {
  /// Whether it is Docker Hub's, whose names are older than the rule that a reference begins with a registry.
  public var isDockerHub: Bool { registry == RegistryName.hub }

  /// Where requests go, `HOST[:PORT]`.
  public var host: String { registryName.host }

  public var registryName: RegistryName { RegistryName(registry: registry) }

  /// Registry and repository: `docker.io/library/debian`
  public var name: String { registry + "/" + repository }

  /// The tag that is meant: `latest` where neither tag nor digest is given, nil beside a lone digest.
  public var effectiveTag: String? { tag ?? (digest == nil ? "latest" : nil) }

  /// What a registry is asked for: the digest, else the tag.
  public var selector: String { digest?.text ?? effectiveTag ?? "latest" }

  /// All of it, nothing left out: `docker.io/library/debian:latest`, `quay.io/a/b@sha256:…`
  public var text: String {
    name + (effectiveTag.map { ":" + $0 } ?? "") + (digest.map { "@" + $0.text } ?? "")
  }

  /// The resource of a token (Docker Registry Token Authentication, "Resource"), without the actions.
  public var scope: String { "repository:" + repository }

  /// Keys under which an `auths` table may hold the credential, the first that is there counts: most specific
  /// first (containers-auth.json(5)), then the registry as a whole, then the URLs older clients wrote.
  public var credentialKeys: [String] {
    var keys: [String] = []
    var path = repository[...]
    while !path.isEmpty {
      keys.append(registry + "/" + path)
      guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { break }
      path = path[..<slash]
    }
    return keys + registryName.spellings
  }

  /// The same repository by digest.
  public func with(digest: Digest) -> ImageReference {
    ImageReference(registry: registry, repository: repository, tag: tag, digest: digest)
  }
}
