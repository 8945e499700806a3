internal import Codec
internal import Glibc
internal import Linux
internal import Squashfs

/// One thread's share of a server: its buffers and its decoder. Answers one request at a time.
@safe final class Worker {
  /// The largest READ the kernel sends (max_pages 256), and the largest answer built in a buffer.
  private static let mostBytes = 1 << 20

  let server: ImageServer
  /// For requests. The kernel wants room for its largest, and never less than 8 KiB (FUSE_MIN_READ_BUFFER).
  let incoming: UnsafeMutableRawBufferPointer
  let decoder: BlockDecoder
  private let buffer: UnsafeMutableRawBufferPointer
  let scratch: UnsafeMutableRawBufferPointer
  private let zeros: UnsafeMutableRawBufferPointer
  let notice: UnsafeMutableRawBufferPointer
  private var pieces: [iovec] = unsafe []
  private(set) var held: [CachedBlock] = []

  init(_ server: ImageServer) throws(CodecFault) {
    self.server = server
    decoder = try BlockDecoder(server.image.superblock.compressor)
    let block = Int(server.image.superblock.blockSize)
    unsafe incoming = .allocate(byteCount: 16 << 10, alignment: 16)
    unsafe buffer = .allocate(byteCount: 256 << 10, alignment: 16)
    unsafe scratch = .allocate(byteCount: block, alignment: 16)
    unsafe notice = .allocate(byteCount: Protocol.storeHeader, alignment: 16)
    // Zeroed by the kernel: pages that no hole is ever read from are never made.
    guard let blank = unsafe calloc(1, block) else { fatalError("out of memory") }
    unsafe zeros = UnsafeMutableRawBufferPointer(start: blank, count: block)
    unsafe pieces.reserveCapacity(300)
    held.reserveCapacity(300)
  }

  deinit {
    unsafe incoming.deallocate()
    unsafe buffer.deallocate()
    unsafe scratch.deallocate()
    unsafe free(zeros.baseAddress)
    unsafe notice.deallocate()
  }

  func answer(_ request: Request, on device: Int32) {
    var answer = unsafe Answer(buffer)
    switch request.operation {
    case Protocol.Operation.forget, Protocol.Operation.batchForget, Protocol.Operation.interrupt:
      return  // no answer is expected
    case Protocol.Operation.read:
      return read(request, answer, on: device)
    default: break
    }
    let error: Int32
    do throws(SquashfsFault) {
      error = try fill(&answer, for: request)
    } catch {
      return send(failure: EIO, to: request, answer, on: device)
    }
    if error != 0 { return send(failure: error, to: request, answer, on: device) }
    answer.finish(unique: request.unique, length: answer.count)
    _ = unsafe write(device, answer.start, answer.count)
  }

  private func send(failure: Int32, to request: Request, _ answer: Answer, on device: Int32) {
    answer.finish(unique: request.unique, error: -failure, length: Protocol.answerHeader)
    _ = unsafe write(device, answer.start, Protocol.answerHeader)
  }

  /// Builds the body of an answer. Returns an error number instead, or 0.
  private func fill(_ answer: inout Answer, for request: Request) throws(SquashfsFault) -> Int32 {
    switch request.operation {
    case Protocol.Operation.initialize: return initialize(request, &answer)
    case Protocol.Operation.lookup: return try lookup(request, &answer)
    case Protocol.Operation.getAttributes:
      answer.put(Protocol.forever)
      answer.put(UInt64(0))
      put(attributesOf: try server.inode(request.node), in: &answer)
    case Protocol.Operation.readLink:
      guard case .link(let target) = try server.inode(request.node).content else { return EINVAL }
      answer.put(target)
    case Protocol.Operation.readDirectory, Protocol.Operation.readDirectoryPlus:
      return try list(request, &answer, plus: request.operation == Protocol.Operation.readDirectoryPlus)
    case Protocol.Operation.fileSystemFacts: fileSystemFacts(&answer)
    case Protocol.Operation.getExtendedAttribute, Protocol.Operation.listExtendedAttributes:
      return try attributes(request, &answer)
    case Protocol.Operation.release, Protocol.Operation.releaseDirectory, Protocol.Operation.destroy: break
    default:
      // ENOSYS to OPEN, OPENDIR, FLUSH, ACCESS … tells the kernel not to ask again.
      return Protocol.Operation.changing.contains(request.operation) ? EROFS : ENOSYS
    }
    return 0
  }

  /// fuse_init_in: major, minor, max_readahead, flags; fuse_init_out has 64 bytes.
  private func initialize(_ request: Request, _ answer: inout Answer) -> Int32 {
    let major: UInt32 = request.argument(0)
    let offered: UInt32 = request.argument(12)
    guard major >= 7 else { return EPROTO }
    answer.put(UInt32(7))
    // The version whose structures are written here; the kernel takes the lower of the two.
    answer.put(UInt32(31))
    answer.put(request.argument(8, UInt32.self))
    answer.put(offered & Protocol.Feature.wanted)
    answer.put(UInt16(64))  // max_background
    answer.put(UInt16(48))  // congestion_threshold
    answer.put(UInt32(4096))  // max_write
    answer.put(UInt32(1))  // time_gran
    answer.put(UInt16(256))  // max_pages
    answer.zeros(64 - 30)
    return 0
  }

  private func lookup(_ request: Request, _ answer: inout Answer) throws(SquashfsFault) -> Int32 {
    let listing = try server.listing(request.node)
    guard let found = listing.find(request.name()) else {
      // Node 0 with a time: the kernel remembers the absence.
      answer.put(UInt64(0))
      answer.put(UInt64(0))
      answer.put(Protocol.forever)
      answer.zeros(Protocol.entry - 24)
      return 0
    }
    put(entry: try server.image.inode(of: found), in: &answer)
    return 0
  }

  private func put(entry inode: Inode, in answer: inout Answer) {
    answer.put(server.node(of: inode.reference))
    answer.put(UInt64(0))
    answer.put(Protocol.forever)
    answer.put(Protocol.forever)
    answer.put(UInt64(0))
    put(attributesOf: inode, in: &answer)
  }

  private func put(attributesOf inode: Inode, in answer: inout Answer) {
    let size =
      inode.kind == .file || inode.kind == .link ? inode.size : inode.kind == .directory ? inode.size : 0
    answer.put(UInt64(inode.number))
    answer.put(size)
    answer.put((size + 511) / 512)
    for _ in 0..<3 { answer.put(UInt64(inode.modified)) }
    for _ in 0..<3 { answer.put(UInt32(0)) }
    answer.put(Worker.typeBits(inode.kind) | inode.mode)
    answer.put(inode.linkCount)
    answer.put(inode.uid < server.options.users ? inode.uid : 0)
    answer.put(inode.gid < server.options.groups ? inode.gid : 0)
    let device = inode.device
    // The kernel's encoding of a device number (new_encode_dev).
    answer.put((device.minor & 0xFF) | (device.major << 8) | ((device.minor & ~0xFF) << 12))
    answer.put(UInt32(server.image.superblock.blockSize))
    answer.put(UInt32(0))
  }

  private static func typeBits(_ kind: FileFacts.Kind) -> UInt32 {
    switch kind {
    case .file: 0o100000
    case .directory: 0o040000
    case .link: 0o120000
    case .block: 0o060000
    case .character: 0o020000
    case .pipe: 0o010000
    case .socket: 0o140000
    }
  }

  /// READDIR and READDIRPLUS. The position is the index of the next entry: 0 `.`, 1 `..`, then the entries.
  private func list(_ request: Request, _ answer: inout Answer, plus: Bool) throws(SquashfsFault) -> Int32 {
    let listing = try server.listing(request.node)
    let position: UInt64 = request.argument(8)
    let wanted = Int(request.argument(16, UInt32.self))
    let limit = min(answer.capacity, Protocol.answerHeader + wanted)
    let count = UInt64(listing.entries.count) + 2
    var index = position
    while index < count {
      let entry = index < 2 ? nil : listing.entries[Int(index - 2)]
      let name = entry?.name ?? (index == 0 ? [0x2E] : [0x2E, 0x2E])
      let padded = (Protocol.directoryEntry + name.count + 7) / 8 * 8
      guard answer.count + padded + (plus ? Protocol.entry : 0) <= limit else { break }
      if plus {
        // An object that cannot be read is listed without attributes; a look-up then says EIO.
        if let entry, let inode = try? server.image.inode(of: entry) {
          put(entry: inode, in: &answer)
        } else {
          answer.zeros(Protocol.entry)
        }
      }
      answer.put(UInt64(entry?.number ?? listing.directory.number))
      answer.put(index + 1)
      answer.put(UInt32(name.count))
      answer.put(Worker.typeBits(entry?.kind ?? .directory) >> 12)
      answer.put(name)
      answer.zeros(padded - Protocol.directoryEntry - name.count)
      index += 1
    }
    return 0
  }

  /// fuse_kstatfs: the image is full and has no free inodes.
  private func fileSystemFacts(_ answer: inout Answer) {
    let superblock = server.image.superblock
    answer.put((superblock.bytesUsed + UInt64(superblock.blockSize) - 1) / UInt64(superblock.blockSize))
    answer.put(UInt64(0))
    answer.put(UInt64(0))
    answer.put(UInt64(superblock.inodeCount))
    answer.put(UInt64(0))
    answer.put(superblock.blockSize)
    answer.put(UInt32(256))
    answer.put(superblock.blockSize)
    answer.zeros(28)
  }

  /// GETXATTR and LISTXATTR: a size of 0 asks how much there is.
  ///
  /// Attributes that would mean rights on the host are not shown: file capabilities, access lists, trusted ones.
  private func attributes(_ request: Request, _ answer: inout Answer) throws(SquashfsFault) -> Int32 {
    guard server.image.hasAttributes else { return ENOSYS }
    let room = Int(request.argument(0, UInt32.self))
    let shown = try server.image.extendedAttributes(of: try server.inode(request.node))
      .filter { $0.name.starts(with: Array("user.".utf8)) }
    let value: [UInt8]
    if request.operation == Protocol.Operation.getExtendedAttribute {
      let name = request.name(after: 8)
      guard let found = shown.first(where: { $0.name == name }) else { return ENODATA }
      value = found.value
    } else {
      value = shown.flatMap { $0.name + [0] }
    }
    guard room > 0 else {
      answer.put(UInt32(value.count))
      answer.put(UInt32(0))
      return 0
    }
    guard value.count <= room, value.count <= answer.room else { return ERANGE }
    answer.put(value)
    return 0
  }

  /// READ: header and the parts of decoded blocks in one writev, nothing copied here.
  private func read(_ request: Request, _ answer: Answer, on device: Int32) {
    unsafe pieces.removeAll(keepingCapacity: true)
    held.removeAll(keepingCapacity: true)
    defer { held.removeAll(keepingCapacity: true) }
    var offset = Int(truncatingIfNeeded: request.argument(8, UInt64.self))
    var left = min(Int(request.argument(16, UInt32.self)), Worker.mostBytes)
    var length = Protocol.answerHeader
    unsafe pieces.append(iovec(iov_base: answer.start, iov_len: Protocol.answerHeader))
    do throws(SquashfsFault) {
      let map = try server.map(request.node)
      left = offset < 0 ? 0 : min(left, max(0, map.list.size - offset))
      while left > 0, let place = map.list.location(of: offset) {
        let inFile = map.list.blockSize - offset % map.list.blockSize
        let run = min(left, inFile)
        if place.block.size.isSparse {
          unsafe pieces.append(iovec(iov_base: zeros.baseAddress, iov_len: run))
        } else {
          let block = try unsafe server.blocks.block(place.block, decoder: decoder, scratch: scratch)
          guard place.inBlock + run <= block.count else { throw .truncated("a block") }
          held.append(block)
          unsafe pieces.append(iovec(iov_base: block.buffer.baseAddress! + place.inBlock, iov_len: run))
        }
        offset += run
        left -= run
        length += run
      }
    } catch {
      return send(failure: EIO, to: request, answer, on: device)
    }
    // Before the answer, so that others find a processor before the reader runs again.
    if let next = pushNeighbours(of: request, on: device) { server.ahead.want([next]) }
    wantProgram(request)
    answer.finish(unique: request.unique, length: length)
    _ = unsafe writev(device, pieces, Int32(pieces.count))
  }
}
