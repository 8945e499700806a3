internal import CLinux
internal import Glibc

/// Names as the kernel has them: bytes of no encoding. Images may hold names that are no text; image work goes through
/// here, never through `String`. Every call takes the directory's descriptor and follows no link at the end.
public enum RawName {
  /// Runs `body` with the name as a C string. A NUL would cut it: names with one do not exist.
  static func with<R>(_ name: [UInt8], _ body: (UnsafePointer<CChar>) -> R) -> R {
    // The array ends with NUL, and CChar has the size of UInt8.
    unsafe (name + [0]).withUnsafeBufferPointer { buffer in
      unsafe buffer.withMemoryRebound(to: CChar.self) { unsafe body($0.baseAddress!) }
    }
  }

  /// The name for a message.
  public static func text(_ name: [UInt8]) -> String { String(decoding: name, as: UTF8.self) }

  public static func open(
    _ name: [UInt8], _ flags: Int32, mode: UInt32 = 0, in directory: Int32
  ) throws(SystemCallFault) -> Descriptor {
    while true {
      let result = unsafe with(name) {
        unsafe apus_openat(directory, $0, flags | O_CLOEXEC | O_NOFOLLOW, mode)
      }
      if result >= 0 { return Descriptor(owning: result) }
      if result != -EINTR { throw SystemCallFault("open", text(name), -result) }
    }
  }

  /// Opens a path of several names beneath `directory` in one call, refusing links on the way (`RESOLVE_BENEATH`,
  /// `RESOLVE_NO_SYMLINKS`). Without openat2 it walks name by name, with the same result.
  public static func open(
    path: [UInt8], _ flags: Int32, beneath directory: Int32
  ) throws(SystemCallFault) -> Descriptor {
    if path.count < 4096 {
      let result = unsafe with(path) {
        unsafe apus_openat2(directory, $0, UInt64(UInt32(bitPattern: flags | O_CLOEXEC)), 0, 0x08 | 0x04)
      }
      if result >= 0 { return Descriptor(owning: result) }
      guard [ENOSYS, EPERM, EINTR, EAGAIN].contains(-result) else {
        throw SystemCallFault("open", text(path), -result)
      }
    }
    let names = path.split(separator: 0x2F).map { Array($0) }
    var here = try File.open(".", O_PATH | O_DIRECTORY, from: directory)
    for name in names.dropLast() { here = try open(name, O_PATH | O_DIRECTORY, in: here.number) }
    return try open(names.last ?? [0x2E], flags, in: here.number)
  }

  /// Facts of the object itself, a link included.
  public static func facts(_ name: [UInt8], in directory: Int32) throws(SystemCallFault) -> FileFacts {
    var facts = stat()
    try retrying("stat", text(name)) {
      unsafe with(name) { unsafe fstatat(directory, $0, &facts, AT_SYMLINK_NOFOLLOW) }
    }
    return FileFacts(facts)
  }

  public static func target(ofLink name: [UInt8], in directory: Int32) throws(SystemCallFault) -> [UInt8] {
    var failure: SystemCallFault?
    let bytes = unsafe [UInt8](unsafeUninitializedCapacity: 4096) { buffer, initialized in
      initialized = 0
      do throws(SystemCallFault) {
        initialized = try retrying("readlink", text(name)) {
          unsafe with(name) { unsafe readlinkat(directory, $0, buffer.baseAddress!, buffer.count) }
        }
      } catch { failure = error }
    }
    if let failure { throw failure }
    return bytes
  }

  /// The names in a directory without `.` and `..`, sorted by their bytes.
  public static func names(in directory: Int32) throws(SystemCallFault) -> [[UInt8]] {
    let number = try File.open(".", O_RDONLY | O_DIRECTORY, from: directory).release()
    guard let stream = unsafe fdopendir(number) else {
      let failed = errno
      close(number)
      throw SystemCallFault("fdopendir", "", failed)
    }
    defer { unsafe closedir(stream) }
    var names: [[UInt8]] = []
    while true {
      errno = 0
      guard let entry = unsafe readdir(stream) else {
        if errno != 0 { throw SystemCallFault("readdir", "", errno) }
        return names.sorted { $0.lexicographicallyPrecedes($1) }
      }
      let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
        // d_name ends with NUL within its array (readdir(3)).
        unsafe Array(bytes.prefix { $0 != 0 })
      }
      if name != [0x2E] && name != [0x2E, 0x2E] { names.append(name) }
    }
  }
}

/// Making objects beneath a directory, for unpacking.
extension RawName {
  public static func makeDirectory(_ name: [UInt8], mode: UInt32, in directory: Int32) throws(SystemCallFault)
  {
    try retrying("mkdirat", text(name)) { unsafe with(name) { unsafe mkdirat(directory, $0, mode) } }
  }

  public static func makeLink(_ name: [UInt8], to target: [UInt8], in directory: Int32)
    throws(SystemCallFault)
  {
    try retrying("symlinkat", text(name)) {
      unsafe with(target) { target in unsafe with(name) { unsafe symlinkat(target, directory, $0) } }
    }
  }

  /// A device, pipe or socket. `kind` decides the type bits; others are refused by the kernel.
  public static func makeNode(
    _ name: [UInt8], _ kind: FileFacts.Kind, mode: UInt32, major: UInt32, minor: UInt32, in directory: Int32
  ) throws(SystemCallFault) {
    let type: UInt32 =
      switch kind {
      case .block: UInt32(S_IFBLK)
      case .character: UInt32(S_IFCHR)
      case .socket: UInt32(S_IFSOCK)
      default: UInt32(S_IFIFO)
      }
    try retrying("mknodat", text(name)) {
      unsafe with(name) { unsafe mknodat(directory, $0, type | mode, dev_t(apus_makedev(major, minor))) }
    }
  }

  /// A second name for an object that has the name `existing` in `source`.
  public static func link(
    _ name: [UInt8], in directory: Int32, to existing: [UInt8], in source: Int32
  ) throws(SystemCallFault) {
    try retrying("linkat", text(name)) {
      unsafe with(existing) { existing in
        unsafe with(name) { unsafe linkat(source, existing, directory, $0, 0) }
      }
    }
  }

  public static func changeOwner(
    _ name: [UInt8], uid: UInt32, gid: UInt32, in directory: Int32
  ) throws(SystemCallFault) {
    try retrying("chown", text(name)) {
      unsafe with(name) { unsafe fchownat(directory, $0, uid, gid, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH) }
    }
  }

  /// The permissions of something that is no link: the caller has just made it.
  public static func changeMode(_ name: [UInt8], mode: UInt32, in directory: Int32) throws(SystemCallFault) {
    try retrying("chmod", text(name)) { unsafe with(name) { unsafe fchmodat(directory, $0, mode, 0) } }
  }

  /// Time of access and of change of content, in seconds since 1970.
  public static func changeTime(_ name: [UInt8], seconds: Int, in directory: Int32) throws(SystemCallFault) {
    let times = [timespec(tv_sec: seconds, tv_nsec: 0), timespec(tv_sec: seconds, tv_nsec: 0)]
    try retrying("utimensat", text(name)) {
      unsafe with(name) { unsafe utimensat(directory, $0, times, AT_SYMLINK_NOFOLLOW) }
    }
  }

  public static func remove(_ name: [UInt8], isDirectory: Bool, in directory: Int32) throws(SystemCallFault) {
    try retrying("unlinkat", text(name)) {
      unsafe with(name) { unsafe unlinkat(directory, $0, isDirectory ? AT_REMOVEDIR : 0) }
    }
  }

  public static func rename(
    _ name: [UInt8], in directory: Int32, to new: [UInt8], in other: Int32
  ) throws(SystemCallFault) {
    try retrying("rename", text(new)) {
      unsafe with(name) { name in unsafe with(new) { unsafe renameat(directory, name, other, $0) } }
    }
  }

  /// Swaps two names of a directory in one step; both must exist (RENAME_EXCHANGE, renameat2(2)).
  public static func exchange(_ name: [UInt8], _ other: [UInt8], in directory: Int32) throws(SystemCallFault)
  {
    try retrying("rename", text(other)) {
      unsafe with(name) { name in unsafe with(other) { unsafe renameat2(directory, name, directory, $0, 2) } }
    }
  }
}
