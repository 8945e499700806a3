internal import Linux

/// One object met on a walk through an image.
public struct WalkedObject: Sendable {
  /// Names from the root joined by `/`, without one in front; empty for the root.
  public let path: [UInt8]
  /// The object, or why it cannot be read.
  public let inode: Result<Inode, SquashfsFault>
}

extension SquashfsImage {
  /// How deep a walk goes.
  private static let deepest = 1024

  /// Visits every object, a directory before what is in it. A fault is an object's own: the walk goes on. A directory
  /// that is met twice is a fault the second time, so a walk ends on every image. `visit` says whether to go on.
  public func walk(_ visit: (WalkedObject) -> Bool) {
    var seen: Set<InodeReference> = []
    var open: [Level] = []
    func meet(_ path: [UInt8], _ reading: () throws(SquashfsFault) -> Inode) -> Bool {
      let inode: Inode
      var below: [DirectoryEntry] = []
      do throws(SquashfsFault) {
        inode = try reading()
        if inode.kind == .directory {
          guard seen.insert(inode.reference).inserted, open.count < Self.deepest else {
            throw .field(
              "directory", value: inode.reference.rawValue, limit: "one parent, \(Self.deepest) levels")
          }
          below = try entries(of: inode)
        }
      } catch { return visit(WalkedObject(path: path, inode: .failure(error))) }
      if !below.isEmpty { open.append(Level(path: path, entries: below)) }
      return visit(WalkedObject(path: path, inode: .success(inode)))
    }
    guard meet([], { () throws(SquashfsFault) -> Inode in try inode(root) }) else { return }
    while let last = open.indices.last {
      guard open[last].next < open[last].entries.count else {
        open.removeLast()
        continue
      }
      let entry = open[last].entries[open[last].next]
      open[last].next += 1
      let path = open[last].path.isEmpty ? entry.name : open[last].path + [0x2F] + entry.name
      guard meet(path, { () throws(SquashfsFault) -> Inode in try inode(of: entry) }) else { return }
    }
  }

  private struct Level {
    let path: [UInt8]
    let entries: [DirectoryEntry]
    var next = 0
  }
}
