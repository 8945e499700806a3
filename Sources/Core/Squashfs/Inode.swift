public import Linux

/// Where an inode lies: the start of its metadata block from the inode table, and the byte in the decoded block
/// ("Squashfs Binary Format", section 5.1). At most 48 bits, the same in every process that opens the image.
public struct InodeReference: RawRepresentable, Hashable, Sendable {
  public let rawValue: UInt64
  public init(rawValue: UInt64) { self.rawValue = rawValue }
  public init(block: UInt64, offset: Int) { rawValue = block << 16 | UInt64(offset) }

  public var block: UInt64 { rawValue >> 16 }
  public var offset: Int { Int(rawValue & 0xFFFF) }
}

/// One object of the image, as its inode describes it.
public struct Inode: Equatable, Sendable {
  public enum Content: Equatable, Sendable {
    case directory(DirectoryPlace)
    case file(FilePlace)
    case link(target: [UInt8])
    /// The device number as the kernel encodes it (new_encode_dev).
    case device(UInt32)
    case none
  }

  public let reference: InodeReference
  public let kind: FileFacts.Kind
  /// Permission bits, 0o7777.
  public let mode: UInt32
  public let uid: UInt32
  public let gid: UInt32
  /// Seconds since 1970.
  public let modified: UInt32
  /// 1 to the inode count of the superblock.
  public let number: UInt32
  public let linkCount: UInt32
  /// Bytes of a file, of a link's target, of a directory's listing.
  public let size: UInt64
  /// Index into the xattr table, nil without.
  public let attributes: UInt32?
  public let content: Content

  /// Major and minor number of a device node.
  public var device: (major: UInt32, minor: UInt32) {
    guard case .device(let number) = content else { return (0, 0) }
    return ((number & 0xFFF00) >> 8, (number & 0xFF) | ((number >> 12) & 0xFFF00))
  }
}

/// Where a directory's listing lies.
public struct DirectoryPlace: Equatable, Sendable {
  /// Start of its metadata block, from the directory table.
  public let block: UInt32
  public let offset: UInt16
  /// Bytes of the listing (the inode's file size less 3, which stand for `.` and `..`).
  public let bytes: Int
  /// Inode number of the parent.
  public let parent: UInt32
  /// Entries of the index behind an extended inode.
  var indexCount = 0
}

/// Where a file's contents lie.
public struct FilePlace: Equatable, Sendable {
  /// Offset of the first block from the start of the image.
  public let start: UInt64
  /// Index of the fragment that holds the end of the file, nil when there is none.
  public let fragment: UInt32?
  /// Byte in the decoded fragment where the end of the file begins.
  public let fragmentOffset: UInt32
  /// Count of full data blocks (a last short one included when there is no fragment).
  public let blockCount: Int
  /// Where the list of stored block sizes begins: metadata block from the inode table, and byte in it.
  public let listBlock: UInt64
  public let listOffset: Int
}
