internal import CLinux
internal import Glibc
public import Linux

/// The FUSE mount of a server, made in its outer namespaces.
struct FUSEMount {
  enum Access {
    /// An attached mount in a namespace that holds nothing else; clones of it are handed out. The first is made
    /// already: closing a clone that nobody took costs a grace period of the kernel, milliseconds on a busy node.
    case mount(Int32, firstClone: Int32)
    /// A mount in a copy of the host's namespace, which is handed out with the path. `origin`, what it is a copy of, is
    /// held: groups of launches are told apart by the numbers of namespaces (`GroupKey`), which are given anew once
    /// nobody has them.
    case place(namespace: Int32, origin: Int32, path: String)
  }

  let device: Int32
  let access: Access

  /// Why the device cannot be used here; nil where it can. Another descriptor is opened in the namespace that mounts.
  static var obstacle: String? {
    do throws(SystemCallFault) {
      guard try File.facts(try File.open("/dev/fuse", O_RDWR)).isFUSEDevice else {
        return "/dev/fuse is not the device it should be (character device 10:229)"
      }
      return nil
    } catch { return "/dev/fuse cannot be opened (\(errorText(error.number)))" }
  }

  /// Options of every image mount: for all users of the namespaces, permissions checked by the kernel.
  static func options(_ device: Int32) -> [(String, String?)] {
    [
      ("fd", "\(device)"), ("rootmode", "40000"), ("user_id", "0"), ("group_id", "0"), ("allow_other", nil),
      ("default_permissions", nil), ("subtype", "apus"),
    ]
  }

  /// The device must have been opened in the namespace that mounts it, else the kernel says EINVAL. `origin`: the mount
  /// namespace that the caller's is a copy of.
  static func make(in folder: String, origin: consuming Descriptor) throws(SystemCallFault) -> FUSEMount {
    let device = try File.open("/dev/fuse", O_RDWR)
    let number = device.number
    do throws(SystemCallFault) {
      try Mount.makeEverythingSlave()
      let mount = try Mount.create(
        "fuse", options: [("source", "apus")] + options(number) + [("ro", nil)],
        attributes: [.readOnly, .noSetID, .noDevices])
      // Kernels up to 6.12 clone only what has a place.
      let bottom = try File.open("/", O_PATH | O_DIRECTORY)
      let top = try Mount.make(
        "tmpfs", options: [("size", "4096"), ("mode", "0700")], attributes: [.noSetID, .noDevices],
        at: bottom.number, subject: "/"
      ) { () throws(SystemCallFault) in try Mount.topmostRoot() }
      let topNumber = top.number
      try retrying("mkdir", "image") { unsafe mkdirat(topNumber, "image", 0o700) }
      let place = try File.open("image", O_PATH | O_DIRECTORY, from: top.number)
      try Mount.attach(mount.number, at: place.number, subject: "image")
      // Whether clones can be made decides the form: found out before the host's tree is left.
      let clone = try Mount.clone(mount.number, subject: "image")
      try Mount.pivot(to: top.number)
      return FUSEMount(
        device: device.release(), access: .mount(mount.release(), firstClone: clone.release()))
    } catch {
      guard error.number == ENOSYS else { throw error }
      return try makeAtPath(device, in: folder, origin: origin)
    }
  }

  /// With the older interface: mounted on a directory of ours, in a copy of the host's tree that clients enter.
  private static func makeAtPath(
    _ device: consuming Descriptor, in folder: String, origin: consuming Descriptor
  ) throws(SystemCallFault) -> FUSEMount {
    let path = folder + "/image"
    for directory in [folder, path] { _ = unsafe mkdir(directory, 0o700) }
    let options = "fd=\(device.number),rootmode=40000,user_id=0,group_id=0,allow_other,default_permissions"
    try checked(
      unsafe apus_mount(
        "apus", path, "fuse.apus", UInt(MS_RDONLY) | UInt(MS_NOSUID) | UInt(MS_NODEV), options), "mount", path
    )
    let namespace = try Namespace.current("mnt")
    return FUSEMount(
      device: device.release(),
      access: .place(namespace: namespace.release(), origin: origin.release(), path: path))
  }
}

extension FileFacts {
  /// Container runtimes and administrators who want FUSE's device out of sight bind something else over it, and whatever
  /// that is opens well: FUSE_MINOR of linux/miscdevice.h, on the major of miscellaneous devices.
  public var isFUSEDevice: Bool { kind == .character && representedDevice == (10, 229) }
}
