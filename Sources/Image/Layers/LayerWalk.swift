internal import Tree

extension LayerTree {
  /// A path on its way through the tree: where it stands, and what is left of it.
  struct Walk {
    /// Directories from the root to here.
    private var trail = [0]
    /// Names to come, the next one last.
    private var left: [[UInt8]]
    private var links = 0

    /// Links followed in one path, the kernel's own bound (path_resolution(7)).
    private static let mostLinks = 40

    init(_ path: [[UInt8]]) { left = path.reversed() }

    var here: Int { trail[trail.count - 1] }

    /// The next name; nil at the end. `..` ends at the root.
    mutating func next() -> [UInt8]? {
      while let name = left.popLast() {
        if name == [0x2E, 0x2E] {
          if trail.count > 1 { trail.removeLast() }
        } else if name != [0x2E] {
          return name
        }
      }
      return nil
    }

    /// Whether a directory may stand in this one: the root is at depth 0, and readers go down to
    /// `Tree.deepest`.
    var hasRoomBelow: Bool { trail.count < Tree.deepest }

    mutating func enter(_ directory: Int) throws(EntryFault) {
      guard hasRoomBelow else { throw .tooDeep }
      trail.append(directory)
    }

    /// Goes on at the target of a link that stands here; an absolute one starts at the root of the tree.
    mutating func follow(_ target: [UInt8]) throws(EntryFault) {
      links += 1
      guard links <= Self.mostLinks else { throw .tooManyLinks }
      if target.first == 0x2F { trail = [0] }
      left += target.split(separator: 0x2F).map { Array($0) }.reversed()
    }
  }
}
