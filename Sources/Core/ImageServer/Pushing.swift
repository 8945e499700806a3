internal import Codec
internal import Glibc
internal import Linux
internal import Squashfs

/// Bytes for the page cache that nobody asked for (`Neighbours` says when and why).
extension Worker {
  /// Gives the kernel the small files that lie behind the one being read, in the same decoded block, if they are likely
  /// to be read too. Returns the block behind them.
  func pushNeighbours(of request: Request, on device: Int32) -> StoredBlock? {
    guard held.count == 1, server.hasThreadsToSpare, let file = server.maps.find(request.node) else {
      return nil
    }
    let map = file.list
    if !map.blocks.isEmpty { storeRest(of: request, file, on: device) }
    guard map.blocks.isEmpty, let fragment = map.fragment,
      let limit = server.neighbours.begin(request.node, in: held[0])
    else { return nil }
    var stopped = request.node + 1
    defer { server.neighbours.end(from: request.node, to: stopped, in: held[0]) }
    guard let inode = try? server.inode(request.node), var run = try? InodeRun(server.image, behind: inode)
    else {
      return nil
    }
    while let next = try? run.next() {
      guard case .file(let place) = next.content, place.blockCount == 0, next.size > 0 else { continue }
      guard let list = try? server.image.blockList(of: next), let there = list.fragment else { return nil }
      let node = server.node(of: next.reference)
      guard node < limit else { return nil }
      guard there.block.start == fragment.block.start else {
        return server.neighbours.expect(node) ? there.block : nil
      }
      guard there.offset + list.size <= held[0].count else { return nil }
      stopped = node
      guard store(node, held[0], at: there.offset, count: list.size, on: device) else { return nil }
      stopped = node + 1
    }
    return nil
  }

  /// Gives the kernel the rest of the data block of which it asked a page or two.
  private func storeRest(of request: Request, _ file: FileMap, on device: Int32) {
    let map = file.list
    let offset = Int(truncatingIfNeeded: request.argument(8, UInt64.self))
    let count = Int(request.argument(16, UInt32.self))
    let index = offset / map.blockSize
    guard index < map.blocks.count, !map.blocks[index].size.isSparse,
      server.neighbours.beginRest(of: held[0], in: file, requested: count, at: offset)
    else { return }
    defer { server.neighbours.endRest() }
    // Whole pages: the kernel asks for nothing else, and the end of a block is the end of a page or of the file.
    let inBlock = offset % map.blockSize
    let end = inBlock + count
    _ = store(request.node, held[0], at: 0, count: inBlock, to: offset - inBlock, on: device)
    if end < held[0].count {
      _ = store(request.node, held[0], at: end, count: held[0].count - end, to: offset + count, on: device)
    }
  }

  /// Puts bytes into the page cache of a file. Returns whether the kernel knows the file.
  private func store(
    _ node: UInt64, _ block: CachedBlock, at offset: Int, count: Int, to position: Int = 0, on device: Int32
  ) -> Bool {
    guard count > 0 else { return true }
    var message = unsafe Answer(notice)
    message.put(node)
    message.put(UInt64(position))
    message.put(UInt32(count))
    message.put(UInt32(0))
    message.finish(unique: 0, error: Protocol.store, length: Protocol.storeHeader + count)
    var parts = unsafe [
      iovec(iov_base: message.start, iov_len: Protocol.storeHeader),
      iovec(iov_base: block.buffer.baseAddress! + offset, iov_len: count),
    ]
    return unsafe writev(device, &parts, 2) > 0
  }

  /// Has the rest of a program or library decoded whose start is being read. It is about to be mapped and read here and
  /// there, each place waiting for its block.
  func wantProgram(_ request: Request) {
    // 2 MiB in blocks of the usual size: more than that is seldom all used.
    guard request.argument(8, UInt64.self) == 0, server.hasThreadsToSpare,
      let file = server.maps.find(request.node), (2...16).contains(file.list.blocks.count),
      let inode = try? server.inode(request.node), inode.mode & 0o111 != 0
    else { return }
    server.ahead.want(file.list.blocks.dropFirst().filter { !$0.size.isSparse })
  }
}
