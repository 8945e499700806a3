public import Layers
public import Model

/// What is in a layer, in the order of its stream: the entries, the contents of its files, and how those are cut into
/// blocks and packed into fragments. It follows from the layer's bytes and the block size alone, so that an image has
/// the same bytes whether its layers were stored first or are read again.
public struct LayerIndex: Sendable {
  /// The bytes of one or more files.
  public struct Content: Equatable, Sendable {
    public enum Place: Equatable, Sendable {
      /// Blocks of its own: as many as the size needs.
      case blocks
      /// In a fragment with others, from that byte of it on.
      case fragment(Int, offset: Int)
    }

    /// Bytes.
    public let size: Int
    /// SHA-256.
    public let hash: [UInt8]
    public let place: Place

    public init(size: Int, hash: [UInt8], place: Place) {
      self.size = size
      self.hash = hash
      self.place = place
    }
  }

  /// What comes in the stream, in order.
  public enum Unit: Equatable, Sendable {
    /// All blocks of a content.
    case blocks(content: Int)
    /// A fragment, when it is full.
    case fragment(Int)
  }

  public var items: [LayerItem] = []
  public var contents: [Content] = []
  public var units: [Unit] = []
  /// The contents in each fragment, in order.
  public var members: [[Int]] = []
  public let blockSize: Int
  /// What was left out when the layer was read, for people; nothing of it names where the layer came from.
  public var notes: [Notice] = []

  public init(blockSize: Int) { self.blockSize = blockSize }

  /// More entries than any layer has: each takes memory.
  static let mostEntries = 50_000_000

  /// More blocks than this and readers refuse the file (`BlockList` of the reader).
  static let mostBlocks = 1 << 24
}
