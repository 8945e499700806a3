public import Model

/// Something to show in the container that the caller has read already, in a grammar of its own: the mounts of a job
/// step, and what its scheduler needs inside.
public struct RequestedMount: Equatable, Sendable {
  public enum Content: Equatable, Sendable {
    /// A path of the host, with all that is mounted beneath it.
    case bind(source: String, isWritable: Bool)
    /// An empty tmpfs.
    case temporary(options: [FileSystemOption])
    /// Nothing: whatever would be shown there, or below, is left out.
    case nothing
  }

  public var content: Content
  /// Absolute, normalized, not the root.
  public var target: String
  /// What asked for it, for `explain` and for messages: `--container-mounts`.
  public var origin: String
  /// Left out without a word where the source does not exist, and a warning where the mount fails.
  public var isOptional: Bool
  /// Whether the site asked for it, and not the user: it gives way to the user's, and needs no permission for binds.
  public var isOfSite: Bool

  public init(
    _ content: Content, target: String, origin: String, isOptional: Bool = false, isOfSite: Bool = false
  ) {
    self.content = content
    self.target = target
    self.origin = origin
    self.isOptional = isOptional
    self.isOfSite = isOfSite
  }

  /// The path of the host that is shown.
  var source: String? { if case .bind(let source, _) = content { source } else { nil } }
}
