import Codec
import Glibc
import Linux
import Squashfs
import Testing

/// Images of mksquashfs over its options, compared entry by entry with the tree they were made from.
@Suite(.serialized, .enabled(if: hasTools, "needs mksquashfs, unsquashfs and setfattr"))
struct PeerImageTests {
  /// Every kind of object, each size around a block, names of all lengths, hard links, holes, attributes.
  static let tree = """
    mkdir -p tree/dir/deep/deeper tree/empty tree/many
    for n in 1 4095 4096 4097 131072; do head -c $n /dev/urandom >tree/random-$n; done
    for n in 1 4095 4096 4097 131071 131072 131073 300000 1048577; do
      yes 'the same line again and again' | head -c $n >tree/plain-$n
    done
    : >tree/nothing
    truncate -s 2000000 tree/hole
    printf end >>tree/hole
    truncate -s 1100000 tree/only-hole
    printf start | dd of=tree/late-hole bs=1 conv=notrunc status=none; truncate -s 700000 tree/late-hole
    for n in $(seq 1 300); do echo $n >tree/many/a-name-that-is-not-so-short-$n; done
    touch "tree/many/$(printf 'x%.0s' $(seq 255))" tree/many/Ω 'tree/many/with space'
    ln tree/plain-4097 tree/dir/hard; ln tree/plain-4097 tree/dir/deep/hard
    ln -s dir/deep tree/link; ln -s "$(printf '/y%.0s' $(seq 1000))" tree/long-link; ln -s nowhere tree/dangling
    mkfifo -m 640 tree/pipe
    mknod tree/block b 259 70000 2>/dev/null && mknod -m 600 tree/character c 5 300 || true
    python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("tree/socket")' 2>/dev/null || true
    chmod 4755 tree/plain-1; chmod 1777 tree/dir; chmod 0 tree/plain-4095; chmod 2750 tree/empty
    touch -d '1999-12-31 23:59:59' tree/nothing; touch -h -d '2030-01-01' tree/dangling
    chown 1234:4321 tree/plain-4096 tree/dir/deep 2>/dev/null || true
    setfattr -n user.small -v value tree/plain-4096; setfattr -n user.empty tree/dir
    setfattr -n user.large -v "$(head -c 3000 /dev/zero | tr '\\0' v)" tree/random-1
    for n in plain-1 plain-4097 nothing; do
      setfattr -n user.shared -v "$(head -c 1000 /dev/zero | tr '\\0' s)" tree/$n
      setfattr -n user.own-$n -v $n tree/$n
    done
    setfattr -n user.x -v y tree/many tree/dir/deep/deeper
    """

  static let folder = Result {
    let folder = try Folder()
    try folder.run(tree)
    return (folder, try readAttributes(folder))
  }

  static let grid: [String] =
    ["gzip", "lzo", "lz4", "xz", "zstd", "lzma"].flatMap { compressor in
      ["4K", "128K", "1M"].map { "-comp \(compressor) -b \($0)" + (compressor == "lz4" ? " -Xhc" : "") }
    } + [
      "-no-fragments", "-always-use-fragments", "-no-xattrs", "-no-exports", "-no-sparse", "-no-duplicates",
      "-all-root",
      "-noI", "-noD", "-noF", "-noX", "-noI -noD -noF -noX",
      "-comp gzip -Xcompression-level 1 -Xwindow-size 9",
      "-comp xz -Xbcj x86,arm -Xdict-size 8192", "-comp lzo -Xalgorithm lzo1x_1",
      "-comp zstd -Xcompression-level 22 -b 16K",
      "-offset 4096",
    ]

  @Test(arguments: [
    "-comp gzip -b 4K", "-comp gzip", "-no-fragments", "-always-use-fragments -no-xattrs", "-noI",
  ])
  func `a run through the inode table meets every object once`(options: String) throws {
    let (folder, _) = try Self.folder.get()
    let own = try Folder()
    try own.run("mksquashfs '\(folder.path)/tree' image -noappend -no-progress \(options)")
    let image = try OpenImage(own.path + "/image").image
    var objects: [InodeReference: Inode] = [:]
    image.walk { object in
      if let inode = try? object.inode.get() { objects[inode.reference] = inode }
      return true
    }
    objects[image.root] = try image.inode(image.root)
    let ordered = objects.values.sorted { $0.reference.rawValue < $1.reference.rawValue }
    var run = try InodeRun(image, behind: ordered[0])
    for expected in ordered.dropFirst() { #expect(try run.next() == expected) }
    #expect(throws: SquashfsFault.self) { try run.next() }
  }

  @Test(arguments: grid)
  func `every object reads as the tree has it`(options: String) throws {
    let (folder, attributes) = try Self.folder.get()
    let own = try Folder()
    // Level 1 where it can be chosen: the bytes are the subject, not their number.
    let quick = options.contains("-comp zstd -b") ? " -Xcompression-level 3" : ""
    let lzo = options.contains("-comp lzo -b") ? " -Xcompression-level 1" : ""
    let gzip = options.contains("-comp gzip -b") ? " -Xcompression-level 1" : ""
    try own.run(
      "mksquashfs '\(folder.path)/tree' image -noappend -no-progress \(options)\(quick)\(lzo)\(gzip)")
    let open = try OpenImage(own.path + "/image", offset: options.contains("-offset") ? 4096 : 0)
    let decoder = try BlockDecoder(open.image.superblock.compressor)
    var met: [String: Inode] = [:]
    open.image.walk { object in
      let path = String(decoding: object.path, as: UTF8.self)
      switch object.inode {
      case .success(let inode): met[path] = inode
      case .failure(let fault): Issue.record("\(path): \(fault)")
      }
      return true
    }
    let expected = try below(folder.path + "/tree")
    #expect(Set(met.keys) == Set(expected))
    #expect(Int(open.image.superblock.inodeCount) == Set(met.values.map(\.number)).count)
    var numbers: [UInt64: UInt32] = [:]
    for (path, inode) in met {
      let source = folder.path + "/tree/" + path
      let facts = try File.facts(source, following: false)
      #expect(inode.kind == facts.kind, "\(path)")
      #expect(inode.mode == facts.mode, "\(path)")
      #expect(inode.modified == UInt32(facts.modifiedSeconds), "\(path)")
      let allRoot = options.contains("-all-root")
      #expect(inode.uid == (allRoot ? 0 : facts.uid) && inode.gid == (allRoot ? 0 : facts.gid), "\(path)")
      if facts.kind != .directory {
        #expect(UInt64(inode.linkCount) == facts.linkCount, "\(path)")
        #expect(inode.number == numbers[facts.inode, default: inode.number], "\(path) is a hard link")
        numbers[facts.inode] = inode.number
      }
      switch inode.content {
      case .file:
        #expect(inode.size == UInt64(facts.size), "\(path)")
        #expect(
          try open.contents(of: inode, with: decoder) == File.readAll(source, limit: 1 << 28), "\(path)")
      case .link(let target):
        #expect(try String(decoding: target, as: UTF8.self) == File.target(ofLink: source), "\(path)")
      case .device:
        #expect(
          inode.device.major == major(facts.represents) && inode.device.minor == minor(facts.represents),
          "\(path)")
      default: break
      }
      let expected = options.contains("-no-xattrs") ? [] : attributes[path, default: []]
      #expect(try Set(open.image.extendedAttributes(of: inode)) == expected, "\(path)")
    }
  }

  @Test func `a name is found, and a name that is not there is not`() throws {
    let (folder, _) = try Self.folder.get()
    let own = try Folder()
    try own.run("mksquashfs '\(folder.path)/tree' image -noappend -no-progress -Xcompression-level 1")
    let image = try OpenImage(own.path + "/image").image
    let root = try image.inode(image.root)
    let many = try image.inode(of: #require(try image.lookup(Array("many".utf8), in: root)))
    for name in ["with space", "Ω", "a-name-that-is-not-so-short-1", "a-name-that-is-not-so-short-300"] {
      #expect(try image.lookup(Array(name.utf8), in: many) != nil)
    }
    for name in ["", ".", "..", "a", "zzz", "a-name-that-is-not-so-short-301"] {
      #expect(try image.lookup(Array(name.utf8), in: many) == nil)
    }
  }

  @Test func `an empty tree has an empty root`() throws {
    let own = try Folder()
    try own.run("mkdir tree; mksquashfs tree image -noappend -no-progress")
    let image = try OpenImage(own.path + "/image").image
    #expect(try image.entries(of: image.inode(image.root)).isEmpty)
  }

  // The C library's coding of device numbers (gnu_dev_major(3)), whose macros Swift does not see.
  private func major(_ device: UInt64) -> UInt32 {
    UInt32((device >> 8 & 0xFFF) | (device >> 32 & 0xFFFF_F000))
  }
  private func minor(_ device: UInt64) -> UInt32 { UInt32((device & 0xFF) | (device >> 12 & 0xFFFF_FF00)) }

  /// Paths of everything below a folder, without it in front, and the folder itself as "".
  private func below(_ top: String) throws -> [String] {
    var found = [""]
    var next = 0
    while next < found.count {
      let path = found[next]
      next += 1
      guard try File.facts(top + "/" + path, following: false).kind == .directory else { continue }
      let directory = try File.open(top + "/" + path, O_RDONLY | O_DIRECTORY)
      found += try File.names(in: directory).map { path.isEmpty ? $0 : path + "/" + $0 }
    }
    return found
  }

  /// What getfattr says of the tree, by path.
  private static func readAttributes(_ folder: Folder) throws -> [String: Set<ExtendedAttribute>] {
    try folder.run("(cd tree && getfattr -R -P -h -m - -e hex -d .) >attributes")
    var found: [String: Set<ExtendedAttribute>] = [:]
    var path = ""
    for line in try folder.bytes("attributes").split(separator: 10) {
      let text = String(decoding: line, as: UTF8.self)
      if text.hasPrefix("# file: ") {
        path = String(text.dropFirst(8))
      } else if let equals = text.firstIndex(of: "=") {
        let digits = Array(text[equals...].dropFirst(3).utf8)
        let value = stride(from: 0, to: digits.count, by: 2).map {
          UInt8(String(decoding: digits[$0..<$0 + 2], as: UTF8.self), radix: 16) ?? 0
        }
        found[path, default: []].insert(ExtendedAttribute(name: Array(text[..<equals].utf8), value: value))
      }
    }
    return found
  }
}
