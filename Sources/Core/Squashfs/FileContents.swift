internal import Codec

extension SquashfsImage {
  /// All bytes of a file, block by block. For small files: the caller bounds `inode.size` first.
  public func contents(of file: Inode) throws(SquashfsFault) -> [UInt8] {
    let list = try blockList(of: file)
    let decoder: BlockDecoder
    do throws(CodecFault) { decoder = try BlockDecoder(superblock.compressor) } catch { throw .block(error) }
    let size = Int(superblock.blockSize)
    let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 16)
    let output = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 16)
    defer {
      unsafe scratch.deallocate()
      unsafe output.deallocate()
    }
    var bytes: [UInt8] = []
    while let place = list.location(of: bytes.count) {
      let decoded = try unsafe decode(place.block, with: decoder, scratch: scratch, into: output)
      let run = min(list.size - bytes.count, list.blockSize)
      guard place.inBlock + run <= decoded else { throw .truncated("a block") }
      unsafe bytes.append(contentsOf: output[place.inBlock..<place.inBlock + run])
    }
    return bytes
  }
}
