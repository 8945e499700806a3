internal import Linux
internal import Model

/// What a launch has to know of an ext2, ext3 or ext4 file system in a file before somebody else mounts it: whether it
/// is one, whether it was left in order, and whose its files are. Everything else is the mount's business.
///
/// | superblock, at 1024 | field | | inode | field |
/// |---|---|---|---|---|
/// | 4 | blocks | | 0, 2 | mode, low half of the owner |
/// | 20, 24 | first data block, block size | | 24 | low half of the group |
/// | 40 | inodes in a group | | 32 | flags |
/// | 56, 58 | magic, state | | 40 | 15 block numbers, or an extent tree |
/// | 88 | bytes of an inode | | 120, 122 | high halves of owner and group |
/// | 92, 96 | features | | | |
/// | 254 | bytes of a group descriptor | | | |
///
/// Source: Linux, Documentation/filesystems/ext4 ("Super Block", "Inode Table", "Directory Entries").
public struct ExtImage: Equatable, Sendable {
  /// Bytes.
  public let size: Int
  /// Whether the last writer has unmounted it. Otherwise a check is due (e2fsck(8)).
  public let isClean: Bool
  /// Whether its journal holds changes that are not in their places yet.
  public let needsRecovery: Bool
  /// The owner of the directory `upper`, which an overlay keeps its changes in, else of the top directory.
  public let uid: UInt32
  public let gid: UInt32

  public init(size: Int, isClean: Bool, needsRecovery: Bool, uid: UInt32, gid: UInt32) {
    self.size = size
    self.isClean = isClean
    self.needsRecovery = needsRecovery
    self.uid = uid
    self.gid = gid
  }

  /// Bytes at the start of a file system that tell what it is.
  public static let startSize = 2048

  /// Whether `start`, the first bytes of a file or partition, are those of such a file system.
  public static func begins(_ start: ArraySlice<UInt8>) -> Bool {
    start.count >= 1082 && start[start.startIndex + 1080] == 0x53 && start[start.startIndex + 1081] == 0xEF
  }

  /// Reads the file system at `offset` of an open file, where it may take `length` bytes.
  public static func read(
    descriptor: Int32, offset: Int, length: Int
  ) throws(ExtFault) -> ExtImage {
    try ExtReader(descriptor: descriptor, offset: offset, length: length).image()
  }
}
