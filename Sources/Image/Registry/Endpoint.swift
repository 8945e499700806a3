/// A place that may have an image: a mirror, or the registry itself.
public struct Endpoint: Equatable, Sendable {
  /// Where requests go, `HOST[:PORT]`.
  public var host: String
  /// The repository there; mirrors may have another path.
  public var repository: String
  /// Plain http, and https without checked certificates, are allowed (`insecure` of registries.conf, `--no-https`).
  public var isInsecure: Bool
  /// Asked for digests only (`pull-from-mirror = "digest-only"`, `mirror-by-digest-only`).
  public var isByDigestOnly: Bool
  /// Asked for tags only (`pull-from-mirror = "tag-only"`).
  public var isByTagOnly: Bool

  public init(
    host: String, repository: String, isInsecure: Bool = false, isByDigestOnly: Bool = false,
    isByTagOnly: Bool = false
  ) {
    self.host = host
    self.repository = repository
    self.isInsecure = isInsecure
    self.isByDigestOnly = isByDigestOnly
    self.isByTagOnly = isByTagOnly
  }
}
