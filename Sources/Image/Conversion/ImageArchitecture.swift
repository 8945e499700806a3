internal import Codec
internal import Linux
internal import Model
internal import Squashfs
internal import Tree

extension ImageSource {
  /// The architecture of the programs in the image, as far as one is found without following links.
  var architecture: Architecture? {
    for path in ["usr/bin/env", "bin/sh", "bin/busybox", "usr/bin/dash", "usr/bin/bash", "bin/bash"] {
      guard var inode = try? image.inode(image.root) else { return nil }
      var found = true
      for name in path.utf8.split(separator: 0x2F) {
        guard let entry = try? image.lookup(Array(name), in: inode), let next = try? image.inode(entry.inode)
        else {
          found = false
          break
        }
        inode = next
      }
      guard found, inode.kind == .file, let head = head(of: inode) else { continue }
      if let architecture = Tree.architecture(ofELF: head) { return architecture }
    }
    return nil
  }

  private func head(of file: Inode) -> [UInt8]? {
    guard let list = try? image.blockList(of: file), let place = list.location(of: 0), list.size >= 20,
      let decoder = try? BlockDecoder(image.superblock.compressor)
    else { return nil }
    var scratch = [UInt8](repeating: 0, count: list.blockSize)
    var block = scratch
    let count = unsafe scratch.withUnsafeMutableBytes { scratch in
      unsafe block.withUnsafeMutableBytes { block in
        (try? unsafe image.decode(place.block, with: decoder, scratch: scratch, into: block)) ?? 0
      }
    }
    return count >= place.inBlock + 20 ? Array(block[place.inBlock..<place.inBlock + 20]) : nil
  }
}
