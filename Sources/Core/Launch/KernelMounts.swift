internal import Model
internal import Settings

/// The kernel's file systems: /dev, /proc, /sys, and what of them is kept from contained programs.
extension WantedMounts {
  mutating func addKernelFileSystems() {
    if isWanted("dev"), settings.deviceMount != .no {
      if request.contain || settings.deviceMount == .minimal {
        addMinimalDevices()
      } else {
        add(
          "/dev", .bind(source: "/dev", writable: true, devices: true), directory: true,
          reason: "devices of the host")
      }
    }
    if isWanted("proc"), settings.mountsProc {
      if request.pid {
        add(
          "/proc", .fileSystem(type: "proc", options: []), directory: true,
          reason: "processes of the container (--pid)")
        // A new procfs has none of what is mounted on the host's; with that all of root's containers can register.
        if !request.contain, host.isPrivileged, host.kinds[BinaryFormats.register] != nil {
          add(
            BinaryFormats.folder, .bind(source: BinaryFormats.folder, writable: true, devices: false),
            directory: true, reason: "binary formats of the host, for root", optional: true)
        }
      } else {
        add(
          "/proc", .bind(source: "/proc", writable: true, devices: false), directory: true,
          reason: "processes of the host")
      }
    }
    if isWanted("sys"), settings.mountsSys {
      add(
        "/sys", .bind(source: "/sys", writable: true, devices: false), directory: true,
        reason: "the kernel's view of the hardware")
    }
    if MaskedPaths.apply(to: request) { addMasks() }
  }

  mutating func addHostFileSystems() {
    guard settings.mountsHostFileSystems, isWanted("hostfs"), !request.contain else { return }
    for place in host.fileSystems {
      guard let kind = host.kinds[place] else { continue }
      add(
        place, .bind(source: place, writable: true, devices: false), directory: kind == .directory,
        reason: "a file system of the host (mount hostfs)", optional: true)
    }
  }

  private mutating func addMasks() {
    func isShown(_ path: String) -> Bool {
      mounts.contains { ContainerPath.isBelow(path, $0.target) }
    }
    let why = "kept from contained programs"
    for path in MaskedPaths.hidden where isShown(path) {
      switch host.kinds[path] {
      case nil: break
      case .directory:
        add(
          path,
          .fileSystem(
            type: "tmpfs",
            options: [
              FileSystemOption("mode", "0555"), FileSystemOption("size", "4096"), FileSystemOption("ro"),
            ]),
          directory: true, reason: why, optional: true)
      case .other:
        add(
          path, .bind(source: "/dev/null", writable: false, devices: true), directory: false, reason: why,
          optional: true)
      }
    }
    // The host's: beneath /proc they are the same in every instance, or follow whoever opens them (/proc/sys).
    for path in MaskedPaths.readOnly where isShown(path) {
      guard let kind = host.kinds[path] else { continue }
      add(
        path, .bind(source: path, writable: false, devices: false), directory: kind == .directory,
        reason: "read-only for contained programs", optional: true)
    }
  }

  private mutating func addMinimalDevices() {
    let why = "the minimal /dev of --contain"
    add(
      "/dev",
      .fileSystem(
        type: "tmpfs", options: [FileSystemOption("mode", "0755"), FileSystemOption("size", "65536")]),
      directory: true, reason: why)
    for name in ["null", "zero", "full", "random", "urandom", "tty"] {
      add(
        "/dev/" + name, .bind(source: "/dev/" + name, writable: true, devices: true), directory: false,
        reason: why, optional: true)
    }
    if isWanted("devpts"), settings.mountsTerminals {
      // A gid= option would need a mapped tty group; newinstance is what every mount of devpts is since Linux 4.7.
      add(
        "/dev/pts",
        .fileSystem(
          type: "devpts", options: [FileSystemOption("mode", "0620"), FileSystemOption("ptmxmode", "0666")]),
        directory: true, reason: why, optional: true)
      add("/dev/ptmx", .link(to: "pts/ptmx"), directory: false, reason: why)
    }
    add(
      "/dev/shm", .fileSystem(type: "tmpfs", options: [FileSystemOption("mode", "1777")]), directory: true,
      reason: why)
    if let terminal = host.terminal {
      // So that programs can ask which terminal they are on (tty(1)): its own name lies in the host's /dev/pts.
      add(
        "/dev/console", .bind(source: terminal, writable: true, devices: true), directory: false,
        reason: "the caller's terminal", optional: true)
    }
    if request.ipc {
      add(
        "/dev/mqueue", .fileSystem(type: "mqueue", options: []), directory: true,
        reason: "message queues of its own (--ipc)", optional: true)
    }
    for (name, target) in [
      ("fd", "/proc/self/fd"), ("stdin", "fd/0"), ("stdout", "fd/1"), ("stderr", "fd/2"),
    ] {
      add("/dev/" + name, .link(to: target), directory: false, reason: why)
    }
  }
}

/// Where emulators of other processors are registered (binfmt-misc.rst).
enum BinaryFormats {
  static let folder = "/proc/sys/fs/binfmt_misc"
  /// There where the file system is mounted.
  static let register = folder + "/register"
}
