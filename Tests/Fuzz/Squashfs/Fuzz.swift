import Codec
import Glibc
import Linux
import Squashfs

/// libFuzzer's entry: the input is an image. Opens it, walks it, and reads attributes and contents of every object.
/// Wrong contents are no finding; a trap, a bad address and a walk without end are.
@c(LLVMFuzzerTestOneInput)
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  guard let start = unsafe start, count <= 1 << 20 else { return 0 }
  guard ftruncate(file, 0) == 0, unsafe pwrite(file, start, count, 0) == count else { return 0 }
  guard let image = try? SquashfsImage(descriptor: file, offset: 0, length: count) else { return 0 }
  guard let decoder = try? BlockDecoder(image.superblock.compressor) else { return 0 }
  var left = 2000
  image.walk { object in
    left -= 1
    guard case .success(let inode) = object.inode else { return left > 0 }
    _ = try? image.extendedAttributes(of: inode)
    if inode.kind == .file { read(inode, of: image, with: decoder) }
    if inode.kind == .directory { _ = try? image.lookup(Array("name".utf8), in: inode) }
    return left > 0
  }
  return 0
}

/// Decodes the first blocks of a file and its fragment.
private func read(_ inode: Inode, of image: SquashfsImage, with decoder: BlockDecoder) {
  guard let list = try? image.blockList(of: inode) else { return }
  for block in list.blocks.prefix(4) {
    _ = try? unsafe image.decode(block, with: decoder, scratch: scratch, into: output)
  }
  if let fragment = list.fragment {
    _ = try? unsafe image.decode(fragment.block, with: decoder, scratch: scratch, into: output)
  }
  for offset in [0, list.size / 2, list.size - 1, list.size, .max] { _ = list.location(of: offset) }
}

/// A file without a name, used again for each input.
private let file = memfd_create("image", 0)
/// Of exactly the largest block's size, so that the address sanitizer sees one byte too many.
private nonisolated(unsafe) let scratch = room()
private nonisolated(unsafe) let output = room()

private func room() -> UnsafeMutableRawBufferPointer { .allocate(byteCount: 1 << 20, alignment: 1) }
