import Codec
import Glibc
import Linux
import Squashfs
import Testing

/// A small image with nothing compressed, and where its structures lie, so that single fields can be made to lie.
struct PlainImage: Sendable {
  var bytes: [UInt8]
  private let inodes: [String: Int]
  private let directoryTable: Int
  private let directoryEnd: Int

  static let image = Result { try PlainImage() }

  private init() throws {
    let folder = try Folder()
    try folder.run(
      """
      mkdir -p tree/sub/below tree/other
      seq 3000 >tree/blocks; head -c 8192 tree/blocks >tree/whole; echo end >tree/tail; echo in >tree/sub/inner
      truncate -s 20000 tree/hole; ln -s target tree/link; mkfifo tree/pipe; echo x >tree/twin-a; echo y >tree/twin-b
      setfattr -n user.name -v value tree/tail; setfattr -n user.name -v value tree/twin-a
      mksquashfs tree image -noappend -no-progress -b 4096 -noI -noD -noF -noX -all-root
      """)
    bytes = try folder.bytes("image")
    let open = try OpenImage(bytes)
    var found: [String: Int] = [:]
    let start = Int(open.image.superblock.inodeTable)
    open.image.walk { object in
      if case .success(let inode) = object.inode {
        // A stored block: two bytes of header, then the inodes as they are.
        found[String(decoding: object.path, as: UTF8.self)] =
          start + Int(inode.reference.block) + 2 + inode.reference.offset
      }
      return true
    }
    inodes = found
    directoryTable = Int(open.image.superblock.directoryTable)
    directoryEnd = Int(open.image.superblock.fragmentTable)
  }

  /// Where the inode of that path starts.
  func inode(_ path: String) -> Int { inodes[path]! }

  /// Where the entry of that name starts, 8 bytes before the name.
  func entry(_ name: String) -> Int {
    let wanted = Array(name.utf8)
    return (directoryTable..<directoryEnd).first { bytes[$0..<$0 + wanted.count].elementsEqual(wanted) }! - 8
  }

  func integer<T: FixedWidthInteger>(_ at: Int, _: T.Type) -> T {
    (0..<MemoryLayout<T>.size).reduce(0) { $0 | T(truncatingIfNeeded: bytes[at + $1]) << T(8 * $1) }
  }

  mutating func put<T: FixedWidthInteger>(_ value: T, _ at: Int) {
    for index in 0..<MemoryLayout<T>.size {
      bytes[at + index] = UInt8(truncatingIfNeeded: value >> T(8 * index))
    }
  }

  mutating func put(_ text: String, _ at: Int) {
    for (index, byte) in text.utf8.enumerated() { bytes[at + index] = byte }
  }
}

/// One lie, and what must come of it.
struct Lie: Sendable, CustomTestStringConvertible {
  let name: String
  /// The object whose fault it is; nil where the image is refused.
  let path: String?
  /// The field or structure the fault names.
  let field: String
  let tell: @Sendable (inout PlainImage) -> Void

  init(
    _ name: String, _ path: String?, _ field: String, _ tell: @escaping @Sendable (inout PlainImage) -> Void
  ) {
    self.name = name
    self.path = path
    self.field = field
    self.tell = tell
  }

  var testDescription: String { name }

  static let superblock: [Lie] = [
    Lie("another magic", nil, "magic") { $0.put(UInt32(0), 0) },
    Lie("no inode", nil, "inode count") { $0.put(UInt32(0), 4) },
    Lie("more inodes than bytes", nil, "inode count") { $0.put(UInt32.max, 4) },
    Lie("block of 2 KiB", nil, "block size") { $0.put(UInt32(2048), 12) },
    Lie("block of 2 MiB", nil, "block size") { $0.put(UInt32(1 << 21), 12) },
    Lie("block of 5000", nil, "block size") { $0.put(UInt32(5000), 12) },
    Lie("block log of another size", nil, "block log") { $0.put(UInt16(13), 22) },
    Lie("fragments beyond the image", nil, "fragment table count") { $0.put(UInt32.max, 16) },
    Lie("compressor 0", nil, "compressor") { $0.put(UInt16(0), 20) },
    Lie("compressor 7", nil, "compressor") { $0.put(UInt16(7), 20) },
    Lie("no id", nil, "id count") { $0.put(UInt16(0), 26) },
    Lie("more ids than blocks", nil, "id table count") { $0.put(UInt16.max, 26) },
    Lie("version 3", nil, "version") { $0.put(UInt16(3), 28) },
    Lie("version 4.1", nil, "version") { $0.put(UInt16(1), 30) },
    Lie("root outside", nil, "root inode") { $0.put(UInt64.max >> 16, 32) },
    Lie("root at the largest offset", nil, "root inode") { $0.put(UInt64(8192), 32) },
    Lie("root is a file", nil, "root inode") { $0.put(UInt64($0.inode("blocks") - $0.table - 2), 32) },
    Lie("more bytes than the file", nil, "bytes used") { $0.put(UInt64($0.bytes.count + 1), 40) },
    Lie("2^63 bytes", nil, "bytes used") { $0.put(UInt64(1) << 63, 40) },
    Lie("id table in the superblock", nil, "id table") { $0.put(UInt64(95), 48) },
    Lie("inode table behind the end", nil, "inode table") { $0.put(UInt64.max - 1, 64) },
    Lie("inodes behind directories", nil, "directory table") { $0.put($0.integer(72, UInt64.self) + 1, 64) },
    Lie("tables out of order", nil, "id table") { $0.put($0.integer(48, UInt64.self) + 1, 80) },
    Lie("no directory table", nil, "directory table") { $0.put(UInt64.max, 72) },
    Lie("options of another size", nil, "compressor options header") {
      $0.put($0.integer(24, UInt16.self) | 0x400, 24)
    },
  ]

  static let objects: [Lie] = [
    Lie("metadata block of no bytes", nil, "metadata block size") { $0.put(UInt16(0x8000), $0.table) },
    Lie("metadata block of 8193", nil, "metadata block size") { $0.put(UInt16(0x8000 | 8193), $0.table) },
    Lie("metadata block beyond its table", nil, "a metadata block") {
      $0.put(UInt16(0x8000 | 8192), $0.table)
    },
    Lie("metadata block cut short", nil, "metadata offset") { $0.put(UInt16(0x8000 | 1), $0.table) },
    Lie("inode type 0", "pipe", "inode type") { $0.put(UInt16(0), $0.inode("pipe")) },
    Lie("inode type 15", "pipe", "inode type") { $0.put(UInt16(15), $0.inode("pipe")) },
    Lie("inode of another type than its entry", "pipe", "entry type") { $0.put(UInt16(7), $0.inode("pipe")) },
    Lie("inode number 0", "pipe", "inode number") { $0.put(UInt32(0), $0.inode("pipe") + 12) },
    Lie("inode number above the count", "pipe", "inode number") {
      $0.put(UInt32(9999), $0.inode("pipe") + 12)
    },
    Lie("inode number of another", "pipe", "entry number") { $0.put(UInt32(1), $0.inode("pipe") + 12) },
    Lie("user index at the count", "pipe", "id index") { $0.put(UInt16(1), $0.inode("pipe") + 4) },
    Lie("group index", "pipe", "id index") { $0.put(UInt16.max, $0.inode("pipe") + 6) },
    Lie("file of 4 GiB in a small table", "blocks", "file size") {
      $0.put(UInt32.max, $0.inode("blocks") + 28)
    },
    Lie("file of 2^63", "hole", "file size") { $0.put(UInt64(1) << 63, $0.inode("hole") + 24) },
    Lie("file of 2^52, 2^40 blocks", "hole", "file size") { $0.put(UInt64(1) << 52, $0.inode("hole") + 24) },
    Lie("first block behind the end", "blocks", "first block") {
      $0.put(UInt32.max, $0.inode("blocks") + 16)
    },
    Lie("stored block larger than a block", "blocks", "stored block") {
      $0.put(UInt32(4097 | 1 << 24), $0.inode("blocks") + 32)
    },
    Lie("stored size with unknown bits", "blocks", "stored block") {
      $0.put(UInt32(1 << 25 | 4096), $0.inode("blocks") + 32)
    },
    Lie("stored block shorter than it decodes", "blocks", "decoded block") {
      $0.put(UInt32(4095 | 1 << 24), $0.inode("blocks") + 32)
    },
    Lie("blocks past the end", "blocks", "block end") {
      $0.put(UInt32($0.integer(40, UInt64.self)) - 4096, $0.inode("blocks") + 16)
    },
    Lie("noise said to be compressed", "blocks", "gzip") { $0.put(UInt32(4096), $0.inode("blocks") + 32) },
    Lie("fragment at the count", "twin-b", "fragment table index") {
      $0.put(UInt32(1), $0.inode("twin-b") + 20)
    },
    Lie("fragment offset past the block", "twin-b", "fragment offset") {
      $0.put(UInt32(4095), $0.inode("twin-b") + 24)
    },
    Lie("fragment of no byte", "twin-b", "fragment") { $0.put(UInt32(0), $0.inode("twin-b") + 28) },
    Lie("link of no byte", "link", "link target length") { $0.put(UInt32(0), $0.inode("link") + 20) },
    Lie("link of 4096", "link", "link target length") { $0.put(UInt32(4096), $0.inode("link") + 20) },
    Lie("link with NUL", "link", "link target") { $0.put(UInt8(0), $0.inode("link") + 25) },
    Lie("directory of 1 byte", "sub", "directory size") { $0.put(UInt16(1), $0.inode("sub") + 24) },
    Lie("directory that ends within an entry", "sub", "a directory") {
      $0.put($0.integer($0.inode("sub") + 24, UInt16.self) - 1, $0.inode("sub") + 24)
    },
    Lie("directory block outside", "sub", "directory block") { $0.put(UInt32.max, $0.inode("sub") + 16) },
    Lie("directory offset outside", "sub", "metadata offset") { $0.put(UInt16.max, $0.inode("sub") + 26) },
    Lie("name ..", "sub", "name") {
      // `inner` becomes `..` and 3 bytes that no longer belong to it; the listing is refused before they are read.
      $0.put(UInt16(1), $0.entry("inner") + 6)
      $0.put("..", $0.entry("inner") + 8)
    },
    Lie("name .", "sub", "name") {
      $0.put(UInt16(0), $0.entry("inner") + 6)
      $0.put(".", $0.entry("inner") + 8)
    },
    Lie("name with a slash", "sub", "name") { $0.put("in/er", $0.entry("inner") + 8) },
    Lie("name with NUL", "sub", "name") { $0.put(UInt8(0), $0.entry("inner") + 9) },
    Lie("name of 256", "sub", "name length") { $0.put(UInt16(255), $0.entry("inner") + 6) },
    Lie("entry of type 8", "sub", "entry type") { $0.put(UInt16(8), $0.entry("inner") + 4) },
    Lie("entry with a number below 1", "sub", "entry number") {
      $0.put(Int16(-30000), $0.entry("inner") + 2)
    },
    Lie("257 entries in a run", "sub", "directory entries") { $0.put(UInt32(256), $0.entry("below") - 12) },
    Lie("entries in a block outside", "sub", "entry block") { $0.put(UInt32.max, $0.entry("below") - 8) },
    Lie("directory below itself", "sub/below", "directory") {
      // The inode of `below` becomes a copy of the listing's place of `sub`, whose entries hold `below`.
      let from = $0.inode("sub")
      let to = $0.inode("sub/below")
      for index in 16..<28 { $0.bytes[to + index] = $0.bytes[from + index] }
    },
    Lie("xattr index at the count", "twin-a", "xattr table index") {
      $0.put(UInt32(77), $0.inode("twin-a") + 52)
    },
  ]
}

extension PlainImage {
  /// Where the inode table starts.
  var table: Int { Int(integer(64, UInt64.self)) }
}

extension SquashfsFault {
  /// What it complains of, without values.
  var subject: String {
    switch self {
    case .notSquashfs: "magic"
    case .version: "version"
    case .compressor: "compressor"
    case .field(let name, _, _): name
    case .truncated(let structure): structure
    case .block(.corrupt(let compressor)), .block(.outOfMemory(let compressor)): compressor.name
    case .read: "read"
    }
  }
}

@Suite(.enabled(if: hasTools, "needs mksquashfs and setfattr"))
struct HostileImageTests {
  /// Opens, walks and reads everything; the first fault of each path.
  static func faults(_ bytes: [UInt8]) throws -> [String: SquashfsFault] {
    let open = try OpenImage(bytes)
    let decoder = try BlockDecoder(open.image.superblock.compressor)
    var faults: [String: SquashfsFault] = [:]
    var left = 100_000
    open.image.walk { object in
      let path = String(decoding: object.path, as: UTF8.self)
      do {
        let inode = try object.inode.get()
        _ = try open.image.extendedAttributes(of: inode)
        // Holes cost nothing in the image and much here.
        if inode.kind == .file, inode.size < 1 << 24 { _ = try open.contents(of: inode, with: decoder) }
      } catch let fault as SquashfsFault { faults[path] = faults[path] ?? fault } catch {}
      left -= 1
      return left > 0
    }
    return faults
  }

  @Test(arguments: Lie.superblock + Lie.objects)
  func `a lie is found and named, and harms only its object`(lie: Lie) throws {
    var image = try PlainImage.image.get()
    lie.tell(&image)
    guard let path = lie.path else {
      let fault = #expect(throws: SquashfsFault.self) { _ = try OpenImage(image.bytes) }
      #expect(fault?.subject == lie.field)
      return
    }
    let faults = try Self.faults(image.bytes)
    let met = faults[path] ?? faults.first { $0.key.hasPrefix(path + "/") }?.value
    #expect(met?.subject == lie.field, "\(faults)")
    #expect(faults.count == 1)
  }

  @Test func `nothing is wrong with the image when nobody lies`() throws {
    #expect(try Self.faults(PlainImage.image.get().bytes).isEmpty)
  }

  @Test func `extended attributes that lie harm no contents`() throws {
    var image = try PlainImage.image.get()
    image.put(UInt32.max, Int(image.integer(56, UInt64.self)) + 8)
    let open = try OpenImage(image.bytes)
    let entry = try #require(try open.image.lookup(Array("tail".utf8), in: open.image.inode(open.image.root)))
    let tail = try open.image.inode(of: entry)
    let fault = #expect(throws: SquashfsFault.self) { try open.image.extendedAttributes(of: tail) }
    #expect(fault?.subject == "xattr table count")
    #expect(try open.contents(of: tail, with: BlockDecoder(.gzip)) == Array("end\n".utf8))
  }

  @Test func `of two entries of one name only the first exists`() throws {
    var image = try PlainImage.image.get()
    image.put("twin-a", image.entry("twin-b") + 8)
    let open = try OpenImage(image.bytes)
    let names = try open.image.entries(of: open.image.inode(open.image.root)).map(\.name)
    #expect(names.count { $0 == Array("twin-a".utf8) } == 1)
    let first = try #require(
      try open.image.lookup(Array("twin-a".utf8), in: open.image.inode(open.image.root)))
    #expect(
      try open.contents(of: open.image.inode(of: first), with: BlockDecoder(.gzip)) == Array("x\n".utf8))
  }

  @Test func `entries out of order are sorted`() throws {
    var image = try PlainImage.image.get()
    image.put("zzzz", image.entry("hole") + 8)
    let open = try OpenImage(image.bytes)
    let names = try open.image.entries(of: open.image.inode(open.image.root)).map(\.name)
    #expect(names == names.sorted { $0.lexicographicallyPrecedes($1) })
    #expect(names.count == 10)
  }

  @Test func `an image of any shorter length is refused or has faults, and nothing else`() throws {
    let bytes = try PlainImage.image.get().bytes
    for count in stride(from: 0, to: bytes.count, by: 97) { _ = try? Self.faults(Array(bytes.prefix(count))) }
    #expect(throws: SquashfsFault.notSquashfs) { _ = try OpenImage(Array(bytes.prefix(95))) }
  }

  @Test func `a file that shrinks while it is open is a fault`() throws {
    let bytes = try PlainImage.image.get().bytes
    let file = try memoryFile(bytes)
    let image = try SquashfsImage(descriptor: file.number, offset: 0, length: bytes.count)
    let entry = try #require(try image.lookup(Array("blocks".utf8), in: image.inode(image.root)))
    let list = try image.blockList(of: image.inode(of: entry))
    ftruncate(file.number, 100)
    let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: 8192, alignment: 16)
    defer { scratch.deallocate() }
    #expect(throws: SquashfsFault.self) {
      _ = try image.decode(list.blocks[0], with: BlockDecoder(.gzip), scratch: scratch, into: scratch)
    }
  }

  @Test(arguments: 0..<96)
  func `any byte of the superblock may be wrong`(place: Int) throws {
    for change in [{ _ in 0 }, { _ in 0xFF }, { $0 &+ 1 }] as [@Sendable (UInt8) -> UInt8] {
      var image = try PlainImage.image.get()
      image.bytes[place] = change(image.bytes[place])
      _ = try? Self.faults(image.bytes)
    }
  }

  @Test func `metadata may be wrong in any way`() throws {
    let image = try PlainImage.image.get()
    var seed: UInt64 = 0x5EED
    func random(_ below: Int) -> Int {
      seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(seed >> 33) % below
    }
    for _ in 0..<1500 {
      var bytes = image.bytes
      for _ in 0...random(3) {
        let place = image.table + random(Int(image.integer(40, UInt64.self)) - image.table)
        bytes[place] = [0, 0xFF, 0x80, 1, UInt8(random(256))][random(5)]
      }
      _ = try? Self.faults(bytes)
    }
  }
}
