/// What an entry says about layers below (OCI Image Format, layer.md, "Whiteouts").
public enum Whiteout: Equatable, Sendable {
  /// `.wh.NAME`: hides NAME of the directory `parent`, and what is in it.
  case hides(parent: [[UInt8]], name: [UInt8])
  /// `.wh..wh..opq`: hides all that layers below have in the directory `parent`.
  case opaque(parent: [[UInt8]])
  /// A name that the aufs file system kept for itself, or something in such a directory.
  case ignored

  static let prefix = Array(".wh.".utf8)
  static let reservedPrefix = Array(".wh..wh.".utf8)
  static let opaqueName = Array(".wh..wh..opq".utf8)
}

extension LayerEntry {
  /// The whiteout that this entry is; nil for an object. A whiteout may be of any kind and have content.
  public var whiteout: Whiteout? {
    get throws(EntryFault) {
      guard let last = path.last else { return nil }
      for name in path.dropLast() where name.starts(with: Whiteout.prefix) {
        guard name.starts(with: Whiteout.reservedPrefix), name != Whiteout.opaqueName else {
          throw .whiteoutInPath
        }
        return .ignored
      }
      guard last.starts(with: Whiteout.prefix) else { return nil }
      let parent = Array(path.dropLast())
      if last == Whiteout.opaqueName { return .opaque(parent: parent) }
      if last.starts(with: Whiteout.reservedPrefix) { return .ignored }
      let name = Array(last.dropFirst(Whiteout.prefix.count))
      guard !name.isEmpty, name != [0x2E], name != [0x2E, 0x2E] else { throw .whiteout }
      return .hides(parent: parent, name: name)
    }
  }
}
