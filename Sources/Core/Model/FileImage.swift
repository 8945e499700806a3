/// A file system in a file, beside the image of a launch: a layer of its root, or the source of binds. One of the host's
/// files, or a partition of a SIF.
public struct FileImage: Equatable, Sendable {
  public enum FileSystem: String, Equatable, Sendable {
    case squashfs
    /// ext2, ext3 or ext4.
    case ext = "ext3"
  }

  /// Of the host, absolute: for messages and titles.
  public var path: String
  /// Of the file, which was opened once: what was checked is what is mounted. Open until the program is executed.
  public var descriptor: Int32
  public var fileSystem: FileSystem
  /// Bytes from the start of the file, and bytes of the file system.
  public var offset: Int
  public var size: Int
  public var isWritable = false
  /// Whose the files in it are (`ExtImage`).
  public var uid: UInt32 = 0
  public var gid: UInt32 = 0
  /// Whether its journal holds changes that a reader would miss.
  public var needsRecovery = false
  /// Whether its last writer closed it, and nobody found a fault in it.
  public var isClean = true

  public init(path: String, descriptor: Int32, fileSystem: FileSystem, offset: Int, size: Int) {
    self.path = path
    self.descriptor = descriptor
    self.fileSystem = fileSystem
    self.offset = offset
    self.size = size
  }

  /// Whether it is a part of its file, as the objects of a SIF are: there tools for file systems do not find it.
  public var isPartition: Bool { offset > 0 }

  /// Whether it is the same file system, however it is used.
  public func isSame(_ other: FileImage) -> Bool { descriptor == other.descriptor && offset == other.offset }
}

/// A read-only layer of a root.
public enum RootLayer: Equatable, Sendable {
  /// A directory of the host; of one with `upper` in it, that.
  case directory(String)
  /// The same of an ext file system; of a squashfs its top.
  case image(FileImage)

  /// Of the host.
  public var path: String {
    switch self {
    case .directory(let path): path
    case .image(let image): image.path
    }
  }
}
