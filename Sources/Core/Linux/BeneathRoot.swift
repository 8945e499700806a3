internal import CLinux
internal import Glibc
internal import Model

/// Opening a path of an image or a user inside a directory, so that nothing it says leads outside.
public enum BeneathRoot {
  /// `RESOLVE_IN_ROOT` and `RESOLVE_NO_MAGICLINKS` (linux/openat2.h).
  private static let inRoot: UInt64 = 0x10
  private static let noMagicLinks: UInt64 = 0x02

  /// Opens `path` as a process would see it whose root is `root`: absolute links and `..` stay inside (openat2(2)).
  ///
  /// Kernels before 5.6, and seccomp filters that hide the call, get a walk by descriptor that resolves every
  /// component itself.
  public static func open(
    _ path: String, _ flags: Int32, mode: UInt32 = 0, root: Int32
  ) throws(SystemCallFault) -> Descriptor {
    // EAGAIN: a rename raced with `..`; the kernel asks to try again (openat2(2), ERRORS).
    for _ in 0..<64 {
      let result = unsafe apus_openat2(
        root, path, UInt64(UInt32(bitPattern: flags | O_CLOEXEC)), UInt64(mode), inRoot | noMagicLinks)
      if result >= 0 { return Descriptor(owning: result) }
      switch -result {
      case EAGAIN, EINTR: continue
      case ENOSYS, EPERM: return try walk(path, flags, mode: mode, root: root)
      default: throw SystemCallFault("openat2", path, -result)
      }
    }
    throw SystemCallFault("openat2", path, EAGAIN)
  }

  /// The same without openat2: one component at a time, links read and pushed in front of what is left.
  static func walk(
    _ path: String, _ flags: Int32, mode: UInt32 = 0, root: Int32
  ) throws(SystemCallFault) -> Descriptor {
    var left = ContainerPath.components(path).reversed() as [String]
    // The directories from the root to here: `..` goes back along them and never by the kernel's `..`.
    var depth = 0
    var trail = [try File.open(".", O_PATH | O_DIRECTORY, from: root).release()]
    defer { for descriptor in trail { close(descriptor) } }
    var linksSeen = 0
    while let name = left.popLast() {
      if name == "." { continue }
      if name == ".." {
        if depth > 0 {
          close(trail.removeLast())
          depth -= 1
        }
        continue
      }
      let here = trail[depth]
      if let facts = try? File.facts(name, from: here, following: false), facts.kind == .link,
        !(left.isEmpty && flags & O_NOFOLLOW != 0)
      {
        linksSeen += 1
        // 40 links: the kernel's own bound (path_resolution(7)).
        guard linksSeen <= 40 else { throw SystemCallFault("open", path, ELOOP) }
        let target = try File.target(ofLink: name, from: here)
        if target.utf8.first == UInt8(ascii: "/") {
          for descriptor in trail.dropFirst() { close(descriptor) }
          trail.removeLast(trail.count - 1)
          depth = 0
        }
        left += ContainerPath.components(target).reversed()
        continue
      }
      if left.isEmpty { return try File.open(name, flags | O_NOFOLLOW, mode: mode, from: here) }
      trail.append(try File.open(name, O_PATH | O_DIRECTORY | O_NOFOLLOW, from: here).release())
      depth += 1
    }
    return try File.open(".", flags & ~(O_CREAT | O_EXCL | O_NOFOLLOW), from: trail[depth])
  }

  /// Makes the directories of `path` that are missing beneath `root`; what is there is entered, links included.
  public static func makeDirectories(
    _ path: String, mode: UInt32 = 0o755, root: Int32
  ) throws(SystemCallFault) {
    var made = ""
    for name in ContainerPath.components(path) {
      let parent = made.isEmpty ? "/" : made
      made += "/" + name
      do throws(SystemCallFault) {
        _ = try open(made, O_PATH | O_DIRECTORY, root: root)
      } catch {
        guard error.number == ENOENT else { throw error }
        let directory = try open(parent, O_PATH | O_DIRECTORY, root: root)
        let number = directory.number
        do throws(SystemCallFault) {
          try retrying("mkdirat", made) { unsafe mkdirat(number, name, mode) }
        } catch { if error.number != EEXIST { throw error } }
      }
    }
  }

  /// Makes an empty file at `path` beneath `root` unless something is there; its directories are made too.
  public static func makeFile(_ path: String, root: Int32) throws(SystemCallFault) {
    if (try? open(path, O_PATH, root: root)) != nil { return }
    let parent = ContainerPath.parent(path)
    try makeDirectories(parent, root: root)
    let directory = try open(parent, O_PATH | O_DIRECTORY, root: root)
    _ = try File.open(
      ContainerPath.lastComponent(path), O_CREAT | O_WRONLY | O_NOFOLLOW, mode: 0o644, from: directory.number)
  }
}
