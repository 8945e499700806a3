internal import Model
internal import Squashfs
internal import Tree

/// The bytes of one inode ("Squashfs Binary Format", section 5): the basic form where it suffices, else the extended.
struct InodeRecord {
  /// What all kinds have in common.
  struct Common {
    let node: Tree.Node
    let owner: UInt16
    let group: UInt16
    let number: UInt32
    let links: UInt32
    /// nil without attributes.
    let attributes: UInt32?
  }

  /// The number of a kind in inodes, and in directory entries.
  static func type(_ content: Tree.Content) -> UInt16 {
    switch content {
    case .directory: 1
    case .file: 2
    case .link: 3
    case .block: 4
    case .character: 5
    case .pipe: 6
    case .socket: 7
    }
  }

  /// The extended form of a kind has a number 7 higher.
  private static func start(_ common: Common, isExtended: Bool) -> ByteWriter {
    var out = ByteWriter(reserving: 64)
    out.put(type(common.node.content) + (isExtended ? 7 : 0))
    out.put(UInt16(common.node.mode))
    out.put(common.owner)
    out.put(common.group)
    out.put(common.node.modified)
    out.put(common.number)
    return out
  }

  static func directory(_ common: Common, _ listing: DirectoryListing, parent: UInt32) -> [UInt8] {
    // 3 stands for `.` and `..`, which are not stored.
    let size = listing.size + 3
    guard common.attributes != nil || size > Int(UInt16.max) || !listing.index.isEmpty else {
      var out = start(common, isExtended: false)
      out.put(UInt32(listing.block))
      out.put(common.links)
      out.put(UInt16(size))
      out.put(UInt16(listing.offset))
      out.put(parent)
      return out.bytes
    }
    var out = start(common, isExtended: true)
    out.put(common.links)
    out.put(UInt32(size))
    out.put(UInt32(listing.block))
    out.put(parent)
    // The count has 16 bits; what it cannot count is found by walking on from the last entry.
    let index = listing.index.prefix(Int(UInt16.max))
    out.put(UInt16(index.count))
    out.put(UInt16(listing.offset))
    out.put(common.attributes ?? .max)
    for entry in index {
      out.put(entry.position)
      out.put(entry.block)
      out.put(UInt32(entry.name.count - 1))
      out.put(entry.name)
    }
    return out.bytes
  }

  static func file(_ common: Common, size: Int, _ place: FilePlacement) -> [UInt8] {
    let fragment = place.fragment ?? (index: UInt32.max, offset: 0)
    let isExtended =
      common.attributes != nil || common.links > 1 || place.sparseBytes > 0
      || place.start > UInt64(UInt32.max)
      || size > Int(UInt32.max)
    var out = start(common, isExtended: isExtended)
    if isExtended {
      out.put(place.start)
      out.put(UInt64(size))
      // A file of nothing but holes has to occupy a byte (fs/squashfs/inode.c computes its blocks from this).
      out.put(place.sparseBytes >= UInt64(size) ? UInt64(max(0, size - 1)) : place.sparseBytes)
      out.put(common.links)
      out.put(fragment.index)
      out.put(fragment.offset)
      out.put(common.attributes ?? .max)
    } else {
      out.put(UInt32(place.start))
      out.put(fragment.index)
      out.put(fragment.offset)
      out.put(UInt32(size))
    }
    for block in place.blocks { out.put(block.rawValue) }
    return out.bytes
  }

  /// Links, devices, pipes and sockets.
  static func other(_ common: Common) -> [UInt8] {
    var out = start(common, isExtended: common.attributes != nil)
    out.put(common.links)
    switch common.node.content {
    case .link(let target):
      out.put(UInt32(target.count))
      out.put(target)
    case .block(let major, let minor), .character(let major, let minor):
      // new_encode_dev of the kernel (include/linux/kdev_t.h).
      out.put(minor & 0xFF | major << 8 | (minor & ~0xFF) << 12)
    default: break
    }
    if let attributes = common.attributes { out.put(attributes) }
    return out.bytes
  }
}
