public import Model

/// How a launch wants its image mounted.
public struct MountOptions: Equatable, Sendable {
  /// A server of the launch's own instead of one for all of the group.
  public var isPrivate: Bool
  /// Real root without a user namespace: the kernel's own squashfs.
  public var isPrivileged: Bool
  /// How long a server waits for the next launch once the last program has ended, in seconds.
  public var lingerSeconds: Double
  /// How long a launch waits for the answer of a running server, in seconds.
  public var patienceSeconds: Double
  /// Bytes of decoded blocks a server keeps at most.
  public var blockCacheBytes: Int
  /// The users of the container's namespaces beside the caller, and who maps them (newuidmap, newgidmap); nil: the caller
  /// is the only one.
  public var ids: IDMap?
  public var mappers = IDMappers(users: "", groups: "")
  /// Unpacked instead of mounted, because the user wants it.
  public var isUnpacked = false
  /// The program that unpacks an image where it cannot be mounted, and the folder to unpack it in.
  public var imageProgram = ""
  public var temporaryFolder = "/tmp"

  public init(
    isPrivate: Bool = false, isPrivileged: Bool = false, lingerSeconds: Double = 5,
    patienceSeconds: Double = 10,
    blockCacheBytes: Int = 24 << 20
  ) {
    self.isPrivate = isPrivate
    self.isPrivileged = isPrivileged
    self.lingerSeconds = lingerSeconds
    self.patienceSeconds = patienceSeconds
    self.blockCacheBytes = blockCacheBytes
  }
}

/// An image within reach of a launch. Descriptors stay open until the program is executed.
public struct MountedImage: Equatable, Sendable {
  public enum Access: Equatable, Sendable {
    /// Namespaces of a server, and a mount of the image without a place.
    case mount(outer: Int32, inner: Int32, mount: Int32)
    /// Namespaces of a server, its mount namespace, and where the image is mounted in it.
    case place(outer: Int32, inner: Int32, mountNamespace: Int32, path: String)
    /// A directory of the host; the launch makes namespaces of its own where it is not handed a pair.
    case directory(path: String, device: UInt64, inode: UInt64, pair: OpenPair?)
    /// A mount made by real root in a mount namespace the caller is in already; `isOverRoot`: it has a place, over `/`.
    case kernelMount(Int32, isOverRoot: Bool)
  }

  public let access: Access
  public let form: MountForm
  public let notices: [Notice]

  init(_ access: Access, _ form: MountForm, notices: [Notice] = []) {
    self.access = access
    self.form = form
    self.notices = notices
  }
}
