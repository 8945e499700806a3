internal import Codec
internal import Glibc
internal import Linux
internal import Squashfs
internal import Tree

/// Writes the objects of an image beneath a directory. Every name is made by its directory's descriptor and without
/// following links, so that nothing in the image can lead outside.
struct Unpacker {
  private let image: SquashfsImage
  private let path: String
  private let root: Int32
  private let isRoot = geteuid() == 0
  private let decoder: BlockDecoder
  private var scratch: [UInt8]
  private var block: [UInt8]
  /// The fragment decoded last: neighbours share it.
  private var fragment: (block: StoredBlock, bytes: [UInt8])?
  /// First names of objects with several, by inode number.
  private var names: [UInt32: [UInt8]] = [:]
  private var visited: Set<UInt32> = []
  private var skippedDevices = 0
  private var skippedAttributes = 0

  /// Returns sentences about what was left out.
  static func unpack(_ image: SquashfsImage, path: String, into root: Int32) throws(BuildFault) -> [String] {
    var unpacker: Unpacker
    do throws(CodecFault) { unpacker = try Unpacker(image, path: path, root: root) } catch {
      throw .squashfs(path: path, .block(error))
    }
    let inode = try unpacker.reading { () throws(SquashfsFault) in try image.inode(image.root) }
    guard inode.kind == .directory else { throw .directoryLoop(path: path) }
    try unpacker.fill(inode, root, [])
    try unpacker.finish(inode, [0x2E], in: root, [])
    var omissions: [String] = []
    if unpacker.skippedDevices > 0 {
      omissions.append("\(unpacker.skippedDevices) device nodes were left out: only root can make them")
    }
    if unpacker.skippedAttributes > 0 {
      omissions.append(
        "\(unpacker.skippedAttributes) extended attributes were left out: not permitted or not supported")
    }
    return omissions
  }

  private init(_ image: SquashfsImage, path: String, root: Int32) throws(CodecFault) {
    self.image = image
    self.path = path
    self.root = root
    decoder = try BlockDecoder(image.superblock.compressor)
    scratch = [UInt8](repeating: 0, count: Int(image.superblock.blockSize))
    block = scratch
  }

  private func reading<T>(_ body: () throws(SquashfsFault) -> T) throws(BuildFault) -> T {
    do throws(SquashfsFault) { return try body() } catch { throw .squashfs(path: path, error) }
  }

  private func making<T: ~Copyable>(_ here: [UInt8], _ body: () throws(SystemCallFault) -> T)
    throws(BuildFault) -> T
  {
    do throws(SystemCallFault) { return try body() } catch {
      throw .unpack(path: "/" + RawName.text(here), error)
    }
  }

  private mutating func fill(_ directory: Inode, _ number: Int32, _ here: [UInt8]) throws(BuildFault) {
    guard visited.insert(directory.number).inserted, here.count(where: { $0 == 0x2F }) < Tree.deepest else {
      throw .directoryLoop(path: "/" + RawName.text(here))
    }
    for entry in try reading({ () throws(SquashfsFault) in try image.entries(of: directory) }) {
      let inode = try reading { () throws(SquashfsFault) in try image.inode(entry.inode) }
      try unpack(entry.name, inode, in: number, here.isEmpty ? entry.name : here + [0x2F] + entry.name)
    }
  }

  private mutating func unpack(
    _ name: [UInt8], _ inode: Inode, in directory: Int32, _ here: [UInt8]
  ) throws(BuildFault) {
    if inode.kind != .directory, inode.linkCount > 1 {
      if let first = names[inode.number] { return try link(name, in: directory, to: first, here) }
      names[inode.number] = here
    }
    switch inode.kind {
    case .directory:
      try making(here) { () throws(SystemCallFault) in
        try RawName.makeDirectory(name, mode: 0o700, in: directory)
      }
      let child = try making(here) { () throws(SystemCallFault) in
        try RawName.open(name, O_RDONLY | O_DIRECTORY, in: directory)
      }
      try fill(inode, child.number, here)
    case .file: try writeFile(name, inode, in: directory, here)
    case .link:
      guard case .link(let target) = inode.content else { return }
      try making(here) { () throws(SystemCallFault) in try RawName.makeLink(name, to: target, in: directory) }
    case .block, .character, .pipe, .socket:
      let device = inode.device
      do throws(SystemCallFault) {
        try RawName.makeNode(
          name, inode.kind, mode: 0o600, major: device.major, minor: device.minor, in: directory)
      } catch {
        guard error.number == EPERM else { throw .unpack(path: "/" + RawName.text(here), error) }
        skippedDevices += 1
        names[inode.number] = nil
        return
      }
    }
    try finish(inode, name, in: directory, here)
  }

  private func link(
    _ name: [UInt8], in directory: Int32, to first: [UInt8], _ here: [UInt8]
  ) throws(BuildFault) {
    try making(here) { () throws(SystemCallFault) in
      let parts = first.split(separator: 0x2F).map { Array($0) }
      let parent =
        parts.count > 1
        ? try RawName.open(
          path: Array(parts.dropLast().joined(separator: [0x2F])), O_PATH | O_DIRECTORY, beneath: root)
        : try File.open(".", O_PATH | O_DIRECTORY, from: root)
      try RawName.link(name, in: directory, to: parts.last ?? first, in: parent.number)
    }
  }

  /// Owner first: it clears set-id bits and capabilities. The time last: all else changes it.
  private mutating func finish(
    _ inode: Inode, _ name: [UInt8], in directory: Int32, _ here: [UInt8]
  ) throws(BuildFault) {
    if isRoot {
      try making(here) { () throws(SystemCallFault) in
        try RawName.changeOwner(name, uid: inode.uid, gid: inode.gid, in: directory)
      }
    }
    for attribute in try reading({ () throws(SquashfsFault) in try image.extendedAttributes(of: inode) })
    where TreeAttribute.isKept(attribute.name) {
      do throws(SystemCallFault) {
        try RawAttribute.set(attribute.name, attribute.value, of: name, in: directory)
      } catch {
        guard [EPERM, EACCES, ENOTSUP, ENODATA].contains(error.number) else {
          throw .unpack(path: "/" + RawName.text(here), error)
        }
        skippedAttributes += 1
      }
    }
    try making(here) { () throws(SystemCallFault) in
      if inode.kind != .link { try RawName.changeMode(name, mode: inode.mode, in: directory) }
      try RawName.changeTime(name, seconds: Int(inode.modified), in: directory)
    }
  }
}

/// Contents of files.
extension Unpacker {
  private mutating func writeFile(
    _ name: [UInt8], _ inode: Inode, in directory: Int32, _ here: [UInt8]
  ) throws(BuildFault) {
    let file = try making(here) { () throws(SystemCallFault) in
      try RawName.open(name, O_WRONLY | O_CREAT | O_EXCL, mode: 0o600, in: directory)
    }
    let number = file.number
    let list = try reading { () throws(SquashfsFault) in try image.blockList(of: inode) }
    var offset = 0
    for stored in list.blocks {
      if !stored.size.isSparse {
        let count = try decode(stored)
        try write(block, 0..<count, to: number, at: offset, here)
      }
      offset += stored.decodedBytes
    }
    if let tail = list.fragment {
      if fragment?.block != tail.block {
        let count = try decode(tail.block)
        fragment = (tail.block, Array(block[..<count]))
      }
      let bytes = fragment?.bytes ?? []
      let end = tail.offset + list.size - offset
      guard end <= bytes.count else {
        throw .squashfs(
          path: path, .field("fragment offset", value: UInt64(end), limit: "at most \(bytes.count)"))
      }
      try write(bytes, tail.offset..<end, to: number, at: offset, here)
    } else if list.blocks.last?.size.isSparse == true {
      let size = list.size
      _ = try making(here) { () throws(SystemCallFault) in
        try retrying("ftruncate") { ftruncate(number, size) }
      }
    }
  }

  private mutating func decode(_ stored: StoredBlock) throws(BuildFault) -> Int {
    var result: Swift.Result<Int, SquashfsFault> = .success(0)
    unsafe scratch.withUnsafeMutableBytes { scratch in
      unsafe block.withUnsafeMutableBytes { block in
        do throws(SquashfsFault) {
          result = .success(
            try unsafe image.decode(stored, with: decoder, scratch: scratch, into: block))
        } catch { result = .failure(error) }
      }
    }
    do throws(SquashfsFault) { return try result.get() } catch { throw .squashfs(path: path, error) }
  }

  private func write(
    _ bytes: [UInt8], _ range: Range<Int>, to file: Int32, at offset: Int, _ here: [UInt8]
  ) throws(BuildFault) {
    var failure: SystemCallFault?
    unsafe bytes.withUnsafeBytes { bytes in
      do throws(SystemCallFault) {
        try unsafe File.write(UnsafeRawBufferPointer(rebasing: bytes[range]), to: file, at: offset)
      } catch { failure = error }
    }
    if let failure { throw .unpack(path: "/" + RawName.text(here), failure) }
  }
}
