internal import CLinux
internal import Glibc

/// Extended attributes of objects beneath a directory, a link's own included (xattr(7)).
///
/// The calls know no directory descriptor, so the object is named through /proc/self/fd: the last name is not followed.
public enum RawAttribute {
  private static func path(_ name: [UInt8], in directory: Int32) -> [UInt8] {
    Array("/proc/self/fd/\(directory)/".utf8) + name
  }

  /// The names of all attributes the caller may see. Empty where the file system has none.
  public static func names(of name: [UInt8], in directory: Int32) throws(SystemCallFault) -> [[UInt8]] {
    let path = path(name, in: directory)
    // 64 KiB is the kernel's own bound (XATTR_LIST_MAX).
    for room in [1024, 65536] {
      var result = 0
      let bytes = unsafe [UInt8](unsafeUninitializedCapacity: room) { buffer, initialized in
        result = unsafe RawName.with(path) { path in
          unsafe buffer.withMemoryRebound(to: CChar.self) {
            unsafe apus_listxattr(path, $0.baseAddress, room)
          }
        }
        initialized = max(0, result)
      }
      if result >= 0 { return bytes.split(separator: 0).map { Array($0) } }
      switch Int32(-result) {
      case ERANGE where room < 65536: continue
      case ENOTSUP, EPERM: return []
      default: throw SystemCallFault("listxattr", RawName.text(name), Int32(-result))
      }
    }
    return []
  }

  public static func value(
    _ attribute: [UInt8], of name: [UInt8], in directory: Int32
  ) throws(SystemCallFault) -> [UInt8] {
    let path = path(name, in: directory)
    var failed = ERANGE
    // 64 KiB is the kernel's own bound (XATTR_SIZE_MAX).
    for room in [256, 65536] {
      var result = 0
      let bytes = unsafe [UInt8](unsafeUninitializedCapacity: room) { buffer, initialized in
        result = unsafe RawName.with(path) { path in
          unsafe RawName.with(attribute) { unsafe apus_getxattr(path, $0, buffer.baseAddress, room) }
        }
        initialized = max(0, result)
      }
      if result >= 0 { return bytes }
      failed = Int32(-result)
      if failed != ERANGE { break }
    }
    throw SystemCallFault("getxattr", RawName.text(name), failed)
  }

  /// Whether attributes of users can be set on a directory: tried, and undone.
  public static func canBeSet(on directory: Int32) -> Bool {
    let name = Array("user.apus".utf8)
    guard (try? set(name, [1], of: Array(".".utf8), in: directory)) != nil else { return false }
    let path = path(Array(".".utf8), in: directory)
    _ = unsafe RawName.with(path) { path in unsafe RawName.with(name) { unsafe apus_removexattr(path, $0) } }
    return true
  }

  public static func set(
    _ attribute: [UInt8], _ value: [UInt8], of name: [UInt8], in directory: Int32
  ) throws(SystemCallFault) {
    let path = path(name, in: directory)
    let result = unsafe RawName.with(path) { path in
      unsafe RawName.with(attribute) { attribute in
        unsafe value.withUnsafeBytes { unsafe apus_setxattr(path, attribute, $0.baseAddress, value.count) }
      }
    }
    if result < 0 { throw SystemCallFault("setxattr", RawName.text(name), -result) }
  }
}
