public import Tree

/// One entry of a layer, as the archive has it: nothing is resolved yet.
public struct LayerEntry: Sendable {
  public enum Kind: Equatable, Sendable {
    /// `size`: bytes of the content, holes included.
    case file(size: Int)
    case directory
    /// The target as it stands, any bytes but NUL.
    case link(target: [UInt8])
    /// The path of an earlier entry, cleaned like `path`.
    case hardLink(to: [[UInt8]])
    case block(major: UInt32, minor: UInt32)
    case character(major: UInt32, minor: UInt32)
    case pipe
  }

  /// Cleaned: no empty component, no `.`, no `..` (which ends at the root); empty for the root itself.
  public var path: [[UInt8]]
  public var kind: Kind
  /// Permission bits, 0o7777.
  public var mode: UInt32
  /// 0 to 2^32 - 2.
  public var uid: UInt32
  public var gid: UInt32
  /// Seconds since 1970, clamped to 0 … 2^32 - 1.
  public var modified: UInt32
  /// Those that belong into an image, sorted by name.
  public var attributes: [TreeAttribute]

  public init(
    path: [[UInt8]], kind: Kind, mode: UInt32, uid: UInt32 = 0, gid: UInt32 = 0, modified: UInt32 = 0,
    attributes: [TreeAttribute] = []
  ) {
    self.path = path
    self.kind = kind
    self.mode = mode
    self.uid = uid
    self.gid = gid
    self.modified = modified
    self.attributes = attributes
  }

  /// The path for messages.
  public var text: String { EntryPath.text(path) }
}
