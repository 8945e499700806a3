/// The numbers of the FUSE kernel protocol that a read-only server meets (linux/fuse.h, version 7.31 and later).
///
/// Every request begins with `fuse_in_header` (40 bytes): length u32, opcode u32, unique u64, node u64, uid u32, gid u32,
/// pid u32, 4 bytes unused. Every answer begins with `fuse_out_header` (16 bytes): length u32, negated errno i32, unique u64.
enum Protocol {
  static let requestHeader = 40
  static let answerHeader = 16
  /// fuse_attr
  static let attributes = 88
  /// fuse_entry_out: node, generation, two times of validity, fuse_attr
  static let entry = 40 + attributes
  /// fuse_attr_out
  static let attributesAnswer = 16 + attributes
  /// fuse_dirent without its name
  static let directoryEntry = 24

  enum Operation {
    static let lookup: UInt32 = 1
    static let forget: UInt32 = 2
    static let getAttributes: UInt32 = 3
    static let readLink: UInt32 = 5
    static let open: UInt32 = 14
    static let read: UInt32 = 15
    static let fileSystemFacts: UInt32 = 17
    static let release: UInt32 = 18
    static let getExtendedAttribute: UInt32 = 22
    static let listExtendedAttributes: UInt32 = 23
    static let flush: UInt32 = 25
    static let initialize: UInt32 = 26
    static let openDirectory: UInt32 = 27
    static let readDirectory: UInt32 = 28
    static let releaseDirectory: UInt32 = 29
    static let interrupt: UInt32 = 36
    static let destroy: UInt32 = 38
    static let batchForget: UInt32 = 42
    static let readDirectoryPlus: UInt32 = 44
    /// Operations that would change something: SETATTR, SYMLINK, MKNOD, MKDIR, UNLINK, RMDIR, RENAME, LINK, WRITE,
    /// SETXATTR, REMOVEXATTR, CREATE, FALLOCATE, RENAME2, COPY_FILE_RANGE, TMPFILE.
    static let changing: Set<UInt32> = [4, 6, 8, 9, 10, 11, 12, 13, 16, 21, 24, 35, 43, 45, 47, 51]
  }

  /// Flags of INIT: those we ask for where the kernel offers them.
  enum Feature {
    static let asynchronousReads: UInt32 = 1 << 0
    static let readDirectoryPlus: UInt32 = 1 << 13
    static let readDirectoryPlusAutomatically: UInt32 = 1 << 14
    static let noOpen: UInt32 = 1 << 17
    static let parallelDirectoryOperations: UInt32 = 1 << 18
    static let mostPages: UInt32 = 1 << 22
    static let cachedLinks: UInt32 = 1 << 23
    static let noOpenDirectory: UInt32 = 1 << 24
    static let wanted =
      asynchronousReads | readDirectoryPlus | readDirectoryPlusAutomatically | noOpen
      | parallelDirectoryOperations
      | mostPages | cachedLinks | noOpenDirectory
  }

  /// An answer nobody asked for: bytes for the page cache. Its number stands where an error would, and fuse_notify_store
  /// follows: node u64, offset u64, count u32, 4 bytes unused.
  static let store: Int32 = 4
  static let storeHeader = answerHeader + 24

  /// How long the kernel may keep an entry or attributes, in seconds: the image never changes. The kernel adds it to
  /// its clock, so it must leave room (fs/fuse/dir.c, time_to_jiffies).
  static let forever: UInt64 = 0x7FFF_FFFF
}

/// One answer under construction: a buffer of fixed size, filled from the front.
@safe struct Answer {
  private let base: UnsafeMutableRawPointer
  let capacity: Int
  private(set) var count = Protocol.answerHeader

  init(_ buffer: UnsafeMutableRawBufferPointer) {
    unsafe base = buffer.baseAddress!  // buffers of threads are never empty
    capacity = buffer.count
  }

  var room: Int { capacity - count }
  var start: UnsafeMutableRawPointer { unsafe base }

  mutating func reset() { count = Protocol.answerHeader }

  mutating func put<T: FixedWidthInteger & BitwiseCopyable>(_ value: T) {
    let size = MemoryLayout<T>.size
    precondition(count + size <= capacity, "an answer larger than its buffer")
    unsafe base.storeBytes(of: value.littleEndian, toByteOffset: count, as: T.self)
    count += size
  }

  mutating func put(_ bytes: [UInt8]) {
    precondition(count + bytes.count <= capacity, "an answer larger than its buffer")
    unsafe bytes.withUnsafeBytes { source in
      if let from = source.baseAddress {
        unsafe (base + count).copyMemory(from: from, byteCount: source.count)
      }
    }
    count += bytes.count
  }

  mutating func zeros(_ number: Int) {
    precondition(count + number <= capacity, "an answer larger than its buffer")
    for index in 0..<number { unsafe base.storeBytes(of: 0, toByteOffset: count + index, as: UInt8.self) }
    count += number
  }

  /// Writes the head: called last.
  func finish(unique: UInt64, error: Int32 = 0, length: Int) {
    unsafe base.storeBytes(of: UInt32(length).littleEndian, toByteOffset: 0, as: UInt32.self)
    unsafe base.storeBytes(of: error, toByteOffset: 4, as: Int32.self)
    unsafe base.storeBytes(of: unique, toByteOffset: 8, as: UInt64.self)
  }
}

/// One request as the kernel wrote it. Lengths are the kernel's own, checked all the same.
@safe struct Request {
  private let base: UnsafeRawPointer
  let count: Int
  let operation: UInt32
  let unique: UInt64
  let node: UInt64

  /// nil when the bytes are fewer than a header.
  init?(_ bytes: UnsafeRawBufferPointer) {
    guard let base = bytes.baseAddress, bytes.count >= Protocol.requestHeader else { return nil }
    unsafe self.base = base
    count = bytes.count
    operation = unsafe base.loadUnaligned(fromByteOffset: 4, as: UInt32.self)
    unique = unsafe base.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
    node = unsafe base.loadUnaligned(fromByteOffset: 16, as: UInt64.self)
  }

  /// An integer of the operation's own structure, behind the header; 0 when it is not there.
  func argument<T: FixedWidthInteger & BitwiseCopyable>(_ offset: Int, _: T.Type = T.self) -> T {
    let at = Protocol.requestHeader + offset
    guard at + MemoryLayout<T>.size <= count else { return 0 }
    return unsafe base.loadUnaligned(fromByteOffset: at, as: T.self)
  }

  /// A name behind `offset` bytes of structure, without its NUL.
  func name(after offset: Int = 0) -> [UInt8] {
    var name: [UInt8] = []
    var at = Protocol.requestHeader + offset
    name.reserveCapacity(max(0, count - at))
    while at < count {
      let byte = unsafe base.load(fromByteOffset: at, as: UInt8.self)
      if byte == 0 { break }
      name.append(byte)
      at += 1
    }
    return name
  }
}
