internal import CLinux
internal import Glibc
internal import Linux
internal import Model
internal import Squashfs

/// Getting at an image: one shared server per image and group of launches, the kernel's squashfs for real root, a
/// directory as it is.
///
/// A launch asks a running server for its namespaces and a clone of its mount; without one it starts it. The protocol,
/// and why each step stands where it does, is in docs/contributing/image-mount.md.
public enum ImageMount {
  /// Sets out to make the image available to the calling process, which has one thread: asks the running server, or
  /// starts one. The caller looks at the host meanwhile and then calls `finish`. `environment` looks up a variable.
  public static func begin(
    _ image: ImageFile, _ options: MountOptions, environment: (String) -> String?
  ) throws(MountFault) -> PendingMount {
    let uid = geteuid()
    let gid = getegid()
    let runtime = RuntimeDirectory.path(uid: uid, xdg: environment("XDG_RUNTIME_DIR"))
    if options.isUnpacked, case .squashfs = image.kind {
      var pending = PendingMount(
        image: image, options: options, uid: uid, gid: gid, runtime: runtime, place: nil)
      pending.mountNothing()
      return pending
    }
    guard case .squashfs = image.kind, !options.isPrivileged else {
      var pending = PendingMount(
        image: image, options: options, uid: uid, gid: gid, runtime: runtime, place: nil)
      try pending.makePair()
      return pending
    }
    let place =
      options.isPrivate
      ? nil
      : SharedPlace(
        runtime: runtime,
        group: GroupKey(uid: uid, gid: gid, ids: options.ids, environment: environment).name,
        socketName: Hash.hexadecimal(of: image.identity))
    var pending = PendingMount(
      image: image, options: options, uid: uid, gid: gid, runtime: runtime, place: place)
    if let place { try pending.seek(place) } else { try pending.start(shared: nil) }
    return pending
  }

  /// Where the entry of a user whom the host's files do not name is kept (`User.current`).
  public static func userCache(environment: (String) -> String?) -> String {
    RuntimeDirectory.path(uid: geteuid(), xdg: environment("XDG_RUNTIME_DIR")) + "/user"
  }

  static func readable(_ descriptor: Int32, within seconds: Double) -> Bool {
    var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    let timeout = Int32(min(seconds * 1000, 1e9))
    while true {
      let count = unsafe poll(&waiting, 1, timeout)
      if count >= 0 { return count > 0 }
      if errno != EINTR { return false }
    }
  }
}

/// Where a shared server is found.
struct SharedPlace {
  let runtime: String
  /// The name of the group's folder in the runtime directory.
  let group: String
  let socketName: String

  var folder: String { runtime + "/" + group }
  var socketPath: String { folder + "/" + socketName }
}

/// The place of a server that is being started.
struct HeldPlace {
  let place: SharedPlace
  /// Open directory of the group.
  let directory: Int32
  /// The group's lock, held by the launch that starts the server.
  let lock: Int32
}
