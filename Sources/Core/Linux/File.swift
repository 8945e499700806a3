internal import CLinux
public import Glibc

/// What fstat tells of a file: only what we decide by.
public struct FileFacts: Equatable, Sendable {
  public enum Kind: Sendable { case file, directory, link, block, character, pipe, socket }

  public let kind: Kind
  /// Permission bits with set-id and sticky, 0o7777.
  public let mode: UInt32
  public let uid: UInt32
  public let gid: UInt32
  /// Bytes.
  public let size: Int
  public let device: UInt64
  public let inode: UInt64
  public let linkCount: UInt64
  /// The device a device node stands for.
  public let represents: UInt64
  public let modifiedSeconds: Int
  public let modifiedNanoseconds: Int
  public let changedSeconds: Int
  public let changedNanoseconds: Int

  /// The device a device node stands for, as its two numbers.
  public var representedDevice: (major: UInt32, minor: UInt32) {
    (apus_major(represents), apus_minor(represents))
  }

  /// The device that holds the file, as its two numbers.
  public var deviceNumbers: (major: UInt32, minor: UInt32) { (apus_major(device), apus_minor(device)) }

  package init(_ facts: stat) {
    kind =
      switch facts.st_mode & S_IFMT {
      case S_IFDIR: .directory
      case S_IFLNK: .link
      case S_IFBLK: .block
      case S_IFCHR: .character
      case S_IFIFO: .pipe
      case S_IFSOCK: .socket
      default: .file
      }
    mode = facts.st_mode & 0o7777
    uid = facts.st_uid
    gid = facts.st_gid
    size = Int(facts.st_size)
    device = UInt64(facts.st_dev)
    inode = UInt64(facts.st_ino)
    linkCount = UInt64(facts.st_nlink)
    represents = UInt64(facts.st_rdev)
    modifiedSeconds = facts.st_mtim.tv_sec
    modifiedNanoseconds = facts.st_mtim.tv_nsec
    changedSeconds = facts.st_ctim.tv_sec
    changedNanoseconds = facts.st_ctim.tv_nsec
  }
}

/// Files by descriptor and by path. Every descriptor is close-on-exec.
public enum File {
  /// Opens `path`, from the directory `base` when it is relative. `flags` are O_* bits; O_CLOEXEC is added.
  public static func open(
    _ path: String, _ flags: Int32 = O_RDONLY, mode: UInt32 = 0, from base: Int32 = AT_FDCWD
  ) throws(SystemCallFault) -> Descriptor {
    while true {
      let result = unsafe apus_openat(base, path, flags | O_CLOEXEC, mode)
      if result >= 0 { return Descriptor(owning: result) }
      if result != -EINTR { throw SystemCallFault("open", path, -result) }
    }
  }

  public static func facts(_ descriptor: borrowing Descriptor) throws(SystemCallFault) -> FileFacts {
    var facts = stat()
    let number = descriptor.number
    try retrying("fstat") { unsafe fstat(number, &facts) }
    return FileFacts(facts)
  }

  /// Facts of `path`, from the directory `base` when it is relative; of the link itself unless `following`.
  public static func facts(
    _ path: String, from base: Int32 = AT_FDCWD, following: Bool = true
  ) throws(SystemCallFault) -> FileFacts {
    var facts = stat()
    let flags = following ? 0 : AT_SYMLINK_NOFOLLOW
    try retrying("stat", path) { unsafe fstatat(base, path, &facts, flags | AT_EMPTY_PATH) }
    return FileFacts(facts)
  }

  /// Reads at most `count` bytes at `offset`, fewer only at the end of the file.
  public static func read(
    _ descriptor: Int32, at offset: Int, into buffer: UnsafeMutableRawBufferPointer
  ) throws(SystemCallFault) -> Int {
    guard let start = buffer.baseAddress else { return 0 }
    var done = 0
    while done < buffer.count {
      let count = try retrying("pread") {
        unsafe pread(descriptor, start + done, buffer.count - done, offset + done)
      }
      if count == 0 { break }
      done += count
    }
    return done
  }

  /// The whole content from the current position, refused beyond `limit` bytes (EFBIG).
  public static func readAll(
    _ descriptor: borrowing Descriptor, limit: Int, subject: String = ""
  ) throws(SystemCallFault) -> [UInt8] {
    var bytes: [UInt8] = []
    let number = descriptor.number
    let piece = 16384
    while true {
      var failure: SystemCallFault?
      let chunk = unsafe [UInt8](unsafeUninitializedCapacity: piece) { buffer, initialized in
        initialized = 0
        do throws(SystemCallFault) {
          initialized = try retrying("read", subject) { unsafe Glibc.read(number, buffer.baseAddress, piece) }
        } catch { failure = error }
      }
      if let failure { throw failure }
      if chunk.isEmpty { return bytes }
      bytes += chunk
      if bytes.count > limit { throw SystemCallFault("read", subject, EFBIG) }
    }
  }

  /// The whole content of the file at `path`, refused beyond `limit` bytes.
  public static func readAll(
    _ path: String, limit: Int, from base: Int32 = AT_FDCWD
  ) throws(SystemCallFault) -> [UInt8] {
    let file = try open(path, O_RDONLY, from: base)
    return try readAll(file, limit: limit, subject: path)
  }

  /// Writes all bytes at the current position.
  public static func write(
    _ bytes: [UInt8], to descriptor: Int32, subject: String = ""
  ) throws(SystemCallFault) {
    var done = 0
    while done < bytes.count {
      let start = done
      done += try retrying("write", subject) {
        unsafe bytes.withUnsafeBytes {
          unsafe Glibc.write(descriptor, $0.baseAddress! + start, bytes.count - start)
        }
      }
    }
  }

  /// Writes all bytes at `offset`, leaving the position alone.
  public static func write(
    _ bytes: UnsafeRawBufferPointer, to descriptor: Int32, at offset: Int, subject: String = ""
  ) throws(SystemCallFault) {
    guard let start = bytes.baseAddress else { return }
    var done = 0
    while done < bytes.count {
      let position = done
      done += try retrying("pwrite", subject) {
        unsafe pwrite(descriptor, start + position, bytes.count - position, offset + position)
      }
    }
  }

  /// A pipe, whose ends the caller owns.
  public static func pipe() throws(SystemCallFault) -> (read: Int32, write: Int32) {
    var ends: [Int32] = [-1, -1]
    try retrying("pipe2") { unsafe pipe2(&ends, O_CLOEXEC) }
    return (ends[0], ends[1])
  }

  /// The working directory of this process; `/` where procfs does not say.
  public static var workingDirectory: String { (try? target(ofLink: "/proc/self/cwd")) ?? "/" }

  /// What the symbolic link at `path` says.
  public static func target(
    ofLink path: String, from base: Int32 = AT_FDCWD
  ) throws(SystemCallFault) -> String {
    var failure: SystemCallFault?
    let bytes = unsafe [UInt8](unsafeUninitializedCapacity: 4096) { buffer, initialized in
      initialized = 0
      do throws(SystemCallFault) {
        initialized = try retrying("readlink", path) {
          unsafe readlinkat(base, path, buffer.baseAddress!, buffer.count)
        }
      } catch { failure = error }
    }
    if let failure { throw failure }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// The names in a directory without `.` and `..`, in no order.
  public static func names(in directory: borrowing Descriptor) throws(SystemCallFault) -> [String] {
    let copy = try open(".", O_RDONLY | O_DIRECTORY, from: directory.number)
    let number = copy.release()
    guard let stream = unsafe fdopendir(number) else {
      let failed = errno
      close(number)
      throw SystemCallFault("fdopendir", "", failed)
    }
    defer { unsafe closedir(stream) }
    var names: [String] = []
    while true {
      errno = 0
      guard let entry = unsafe readdir(stream) else {
        if errno != 0 { throw SystemCallFault("readdir", "", errno) }
        return names
      }
      let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { tuple in
        // d_name ends with NUL within its array (readdir(3)).
        unsafe tuple.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
      }
      if name != "." && name != ".." { names.append(name) }
    }
  }
}

extension File {
  /// Writes all bytes at `offset`, leaving the position alone.
  public static func write(
    _ bytes: [UInt8], to descriptor: Int32, at offset: Int
  ) throws(SystemCallFault) {
    var failure: SystemCallFault?
    unsafe bytes.withUnsafeBytes { buffer in
      do throws(SystemCallFault) { unsafe try write(buffer, to: descriptor, at: offset) } catch {
        failure = error
      }
    }
    if let failure { throw failure }
  }

  /// At most `count` bytes of an open file from `offset`, fewer only at its end.
  public static func bytes(
    of number: Int32, at offset: Int = 0, count: Int
  ) throws(SystemCallFault) -> [UInt8] {
    var failure: SystemCallFault?
    let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
      initialized = 0
      do throws(SystemCallFault) {
        initialized = unsafe try read(number, at: offset, into: UnsafeMutableRawBufferPointer(buffer))
      } catch { failure = error }
    }
    if let failure { throw failure }
    return bytes
  }
}

extension Descriptor {
  /// The first bytes of the file, fewer when it is shorter.
  public func firstBytes(_ count: Int) throws(SystemCallFault) -> [UInt8] {
    try File.bytes(of: number, count: count)
  }
}
