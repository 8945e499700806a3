internal import CLinux
internal import Glibc

/// Mounts by descriptor, with the older interface where the kernel, or a filter in front of it, lacks the new one.
///
/// A `DetachedMount` is a mount (tree) that has no place yet. With the new API (Linux 5.2) it is held by a
/// descriptor; without it the mount has to be made at its place, so callers give place and content together.
public enum Mount {
  /// Attributes of a mount, the numbers of mount_setattr(2).
  public struct Attributes: OptionSet, Sendable {
    public let rawValue: UInt64
    public init(rawValue: UInt64) { self.rawValue = rawValue }
    /// MOUNT_ATTR_RDONLY
    public static let readOnly = Attributes(rawValue: 0x01)
    /// MOUNT_ATTR_NOSUID
    public static let noSetID = Attributes(rawValue: 0x02)
    /// MOUNT_ATTR_NODEV
    public static let noDevices = Attributes(rawValue: 0x04)
    /// MOUNT_ATTR_NOEXEC
    public static let noExecution = Attributes(rawValue: 0x08)

    /// The MS_* bits of the older interface (mount(2)); the same numbers by design.
    var mountFlags: UInt { UInt(rawValue) }
  }

  static let openTreeClone: UInt32 = 1
  static let openTreeCloseOnExec = UInt32(O_CLOEXEC)
  /// AT_RECURSIVE (linux/fcntl.h)
  static let recursive: UInt32 = 0x8000
  static let emptyPath = UInt32(AT_EMPTY_PATH)
  /// MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH (linux/mount.h)
  static let moveByDescriptors: UInt32 = 0x04 | 0x40

  /// A path by which the kernel reaches an open descriptor, for the interfaces that take only paths.
  public static func path(of descriptor: Int32) -> String { "/proc/self/fd/\(descriptor)" }

  /// Makes all mounts of this namespace receive from, but not send to, the one it was copied from.
  public static func makeEverythingSlave() throws(SystemCallFault) {
    try checked(unsafe apus_mount(nil, "/", nil, UInt(MS_REC) | UInt(MS_SLAVE), nil), "mount", "/")
  }

  public static func makeEverythingPrivate() throws(SystemCallFault) {
    try checked(unsafe apus_mount(nil, "/", nil, UInt(MS_REC) | UInt(MS_PRIVATE), nil), "mount", "/")
  }

  /// Shows what `source` is (an open directory or file, with all mounts beneath it) at `target` (an open descriptor
  /// of the same kind).
  ///
  /// Not `recursively`: mounts beneath the source are left out.
  ///
  /// `reopen` opens what is now at the target, or a path below it: the older interface has to name a mount again to
  /// change its attributes, and the descriptor of the target still means what the mount has covered.
  public static func bind(
    _ source: Int32, at target: Int32, attributes: Attributes, recursively: Bool = true, subject: String,
    reopen: (_ below: String) throws(SystemCallFault) -> Descriptor
  ) throws(SystemCallFault) {
    let depth = recursively ? recursive : 0
    let tree = unsafe apus_open_tree(source, "", openTreeClone | openTreeCloseOnExec | depth | emptyPath)
    if tree >= 0 {
      defer { close(tree) }
      let set = unsafe apus_mount_setattr(tree, "", emptyPath | recursive, attributes.rawValue, 0, 0)
      if set >= 0 || attributes.isEmpty { return try attach(tree, at: target, subject: subject) }
      guard set == -ENOSYS || set == -EPERM else { throw SystemCallFault("mount_setattr", subject, -set) }
    } else if tree != -ENOSYS && tree != -EPERM {
      throw SystemCallFault("open_tree", subject, -tree)
    }
    // Mounts beneath the source, as the host's tree has them, before anything is laid over it.
    let beneath =
      recursively && attributes.contains(.readOnly)
      ? mounts(below: try File.target(ofLink: path(of: source))) : []
    try checked(
      unsafe apus_mount(
        path(of: source), path(of: target), nil, UInt(MS_BIND) | (recursively ? UInt(MS_REC) : 0), nil),
      "mount", subject)
    guard !attributes.isEmpty else { return }
    for place in [""] + beneath {
      let mounted: Descriptor
      do throws(SystemCallFault) { mounted = try reopen(place) } catch {
        // Hidden by what lies over it: it was not bound.
        if !place.isEmpty, error.number == ENOENT { continue }
        throw error
      }
      let flags =
        UInt(MS_BIND) | UInt(MS_REMOUNT) | attributes.mountFlags | lockedFlags(of: path(of: mounted.number))
      try checked(unsafe apus_mount(nil, path(of: mounted.number), nil, flags, nil), "mount", subject)
    }
  }

  /// Places of mounts below a directory, from there on: `/sub/place`.
  private static func mounts(below directory: String) -> [String] {
    guard let bytes = try? File.readAll("/proc/self/mountinfo", limit: 16 << 20) else { return [] }
    let prefix = directory == "/" ? "" : directory
    return String(decoding: bytes, as: UTF8.self).split(separator: "\n").compactMap { line in
      let fields = line.split(separator: " ", maxSplits: 5)
      guard fields.count > 4, fields[4].hasPrefix(prefix + "/"), fields[4].count > prefix.count + 1 else {
        return nil
      }
      return String(fields[4].dropFirst(prefix.count))
    }
  }

  /// Makes the one mount at `path` read-only, without those beneath it.
  public static func makeReadOnly(_ path: String) throws(SystemCallFault) {
    try restrict(path, [.readOnly], subject: path)
  }

  /// Gives the one mount at `path` attributes beside those it has, by the older interface (mount(2)). It has to have a place.
  public static func restrict(
    _ path: String, _ attributes: Attributes, subject: String
  ) throws(SystemCallFault) {
    let flags = UInt(MS_BIND) | UInt(MS_REMOUNT) | attributes.mountFlags | lockedFlags(of: path)
    try checked(unsafe apus_mount(nil, path, nil, flags, nil), "mount", subject)
  }

  /// Flags a mount has already: in a user namespace the kernel refuses to drop them on a remount.
  private static func lockedFlags(of path: String) -> UInt {
    var facts = statvfs()
    guard unsafe statvfs(path, &facts) == 0 else { return 0 }
    // ST_* of the first ten bits equal MS_*; 0x1000 ST_RELATIME is MS_RELATIME >> 9.
    return UInt(facts.f_flag) & 0x40F
  }

  /// Puts a detached mount, or one received from another process, on `target`.
  public static func attach(_ mount: Int32, at target: Int32, subject: String) throws(SystemCallFault) {
    try checked(unsafe apus_move_mount(mount, "", target, "", moveByDescriptors), "move_mount", subject)
  }

  /// A clone of the tree that `descriptor` stands for, detached.
  public static func clone(
    _ descriptor: Int32, recursively: Bool = true, subject: String
  ) throws(SystemCallFault) -> Descriptor {
    let flags = openTreeClone | openTreeCloseOnExec | emptyPath | (recursively ? recursive : 0)
    return Descriptor(owning: try checked(unsafe apus_open_tree(descriptor, "", flags), "open_tree", subject))
  }

  /// Gives a mount, and all beneath it, attributes that it keeps. By an open descriptor of it.
  public static func restrict(
    _ mount: Int32, _ attributes: Attributes, subject: String
  ) throws(SystemCallFault) {
    try checked(
      unsafe apus_mount_setattr(mount, "", emptyPath | recursive, attributes.rawValue, 0, 0), "mount_setattr",
      subject)
  }

  /// A new file system with `options` (a nil value is a flag), detached.
  /// Fails with ENOSYS where the kernel lacks fsopen: callers then use `make(_:at:)`.
  public static func create(
    _ type: String, options: [(String, String?)], attributes: Attributes
  ) throws(SystemCallFault) -> Descriptor {
    // FSOPEN_CLOEXEC, FSMOUNT_CLOEXEC
    let context = Descriptor(owning: try checked(unsafe apus_fsopen(type, 1), "fsopen", type))
    for (key, value) in options {
      let result =
        if let value {
          unsafe apus_fsconfig_string(context.number, key, value)
        } else {
          unsafe apus_fsconfig_flag(context.number, key)
        }
      try checked(result, "fsconfig", "\(type): \(key)")
    }
    try checked(apus_fsconfig_create(context.number), "fsconfig", type)
    return Descriptor(
      owning: try checked(apus_fsmount(context.number, 1, UInt32(attributes.rawValue)), "fsmount", type))
  }

  /// Mounts a new file system on `target`, by whichever interface the kernel has, and gives a descriptor of its root.
  /// `reopen` is as for `bind`.
  @discardableResult
  public static func make(
    _ type: String, source: String = "none", options: [(String, String?)] = [], attributes: Attributes,
    at target: Int32, subject: String, reopen: () throws(SystemCallFault) -> Descriptor
  ) throws(SystemCallFault) -> Descriptor {
    do throws(SystemCallFault) {
      let mount = try create(type, options: [("source", source)] + options, attributes: attributes)
      try attach(mount.number, at: target, subject: subject)
      return mount
    } catch {
      guard error.number == ENOSYS else { throw error }
    }
    let words = options.map { key, value in value.map { "\(key)=\($0)" } ?? key }
    try checked(
      unsafe apus_mount(source, path(of: target), type, attributes.mountFlags, words.joined(separator: ",")),
      "mount",
      subject)
    return try reopen()
  }

  /// What was laid over the root last: "/" alone is the process's root, beneath it. The kernel steps onto mounts when it
  /// leaves ".." (fs/namei.c).
  public static func topmostRoot() throws(SystemCallFault) -> Descriptor {
    try File.open("/..", O_PATH | O_DIRECTORY)
  }

  /// Makes `root` (an attached mount) the root directory of this namespace and takes the old one away
  /// (pivot_root(2), "pivot_root(".", ".")"). `layers` counts the mounts that were laid over the old root and stay
  /// there: a path leads to the topmost, so each has to be taken off before the next.
  public static func pivot(to root: Int32, layers: Int = 0) throws(SystemCallFault) {
    try retrying("fchdir") { fchdir(root) }
    try checked(unsafe apus_pivot_root(".", "."), "pivot_root", ".")
    // The old root now lies on top of the new one at ".".
    for _ in 0...layers { try checked(unsafe apus_umount(".", Int32(MNT_DETACH)), "umount", ".") }
    try retrying("chdir", "/") { unsafe chdir("/") }
  }

  public static func detach(_ path: String) throws(SystemCallFault) {
    try checked(unsafe apus_umount(path, Int32(MNT_DETACH)), "umount", path)
  }
}

extension Mount {
  /// Whether a file system of that type can be made in this user namespace: the kernel looks at that before it looks at
  /// options, of which none are given. Linux before 5.11 knows overlays and refuses them to users.
  public static func isAvailable(_ type: String) -> Bool {
    let context = unsafe apus_fsopen(type, 1)
    if context == -ENOSYS { return unsafe apus_mount("none", "/", type, 0, nil) != -EPERM }
    guard context >= 0 else { return false }
    defer { close(context) }
    return apus_fsconfig_create(context) != -EPERM
  }
}
