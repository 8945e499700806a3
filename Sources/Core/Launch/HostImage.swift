public import Ext
public import Model
public import SIF

/// A file of the host that holds file systems, as it was found.
public struct HostImage: Equatable, Sendable {
  /// A file system in the file: a partition of a SIF, or all of it.
  public struct Part: Equatable, Sendable {
    /// The number of the object; 0 for a file that is no SIF.
    public var id: UInt32 = 0
    /// nil: the whole file.
    public var use: SIFPartitionType?
    /// Of the container's root; parts of others belong to other roots.
    public var isOfRoot = true
    public var image: FileImage
    /// Of an ext file system.
    public var ext: ExtImage?
    /// Why it cannot be mounted.
    public var obstacle: Explanation?

    public init(image: FileImage) { self.image = image }
  }

  public var isSIF = false
  /// Which file it is, however it is named.
  public var device: UInt64 = 0
  public var inode: UInt64 = 0
  public var parts: [Part] = []
  /// Why nothing of it can be used.
  public var obstacle: Explanation?
  /// Whether some use of it writes.
  public var isWantedToWrite = false
  /// Why it was opened for reading alone though somebody wants to write to it.
  public var whyNotWritable: String?

  public init() {}
}

extension HostImage.Part {
  /// The part for a use, or why it cannot be used so. `option` and `spec` are what asks for it.
  func image(
    writable: Bool, of file: HostImage, option: String, spec: String
  ) throws(LaunchFault) -> FileImage {
    func refuse(_ why: String, _ remedy: String) -> LaunchFault {
      .fileImage(option: option, spec: spec, why: why, remedy: remedy)
    }
    if let obstacle { throw refuse(obstacle.why, obstacle.remedy) }
    var image = image
    guard ext != nil else { return image }
    if writable, let why = file.whyNotWritable {
      throw refuse(
        "\(printable(image.path)) cannot be written to (\(why))",
        option == "--writable" ? "leave out --writable to read it" : "add :ro to read it")
    }
    image.isWritable = writable
    return image
  }
}
