/// Which contents of which layers an image needs. Pure: it follows from the indexes and from what is visible.
///
/// Equal contents are stored once: the one that comes first, by layer and then by its place in the layer, among those
/// that a visible file refers to. What no visible file needs is not stored, not even inside a fragment: a file that a
/// later layer deletes may be a secret.
public struct AssemblyPlan: Sendable {
  /// A content, by its layer and its number there.
  public struct Source: Hashable, Sendable {
    public let layer: Int
    public let content: Int

    public init(layer: Int, content: Int) {
      self.layer = layer
      self.content = content
    }
  }

  /// By layer and content.
  public let isNeeded: [[Bool]]
  /// For each visible file, in the order given: the content that stands for its own.
  public let sources: [Source]

  private struct Key: Hashable {
    let size: Int
    let hash: [UInt8]
  }

  /// `visible`: the contents of all visible files.
  public init(visible: [Source], of layers: [LayerIndex]) {
    var first: [Key: Source] = [:]
    for source in visible {
      let content = layers[source.layer].contents[source.content]
      let key = Key(size: content.size, hash: content.hash)
      if let known = first[key], (known.layer, known.content) <= (source.layer, source.content) { continue }
      first[key] = source
    }
    var needed = layers.map { [Bool](repeating: false, count: $0.contents.count) }
    sources = visible.map { source in
      let content = layers[source.layer].contents[source.content]
      // Every visible content has been put in above.
      let standing = first[Key(size: content.size, hash: content.hash)] ?? source
      needed[standing.layer][standing.content] = true
      return standing
    }
    isNeeded = needed
  }

  /// Whether all, some or none of the members of a fragment are needed.
  enum Use { case all, some, none }

  func use(ofFragment number: Int, in layer: LayerIndex, at position: Int) -> Use {
    let members = layer.members[number]
    let needed = members.count { isNeeded[position][$0] }
    return needed == members.count ? .all : needed == 0 ? .none : .some
  }
}
