import Codec
import Glibc
import Linux
import Squashfs
import Testing

/// A folder of its own below the folder for temporary files, gone with the value.
final class Folder: Sendable {
  let path: String

  init() throws {
    _ = Self.sweep
    var template = Array("/tmp/apus-squashfs-\(getpid())-XXXXXX".utf8CString)
    _ = try #require(mkdtemp(&template))
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// A folder that a static variable owns has no deinit: it goes when the process does.
  private static let sweep = atexit {
    let folders = "/tmp/apus-squashfs-\(getpid())-*"
    _ = system("chmod -R u+rwX \(folders) 2>/dev/null; rm -rf \(folders)")
  }

  deinit { _ = system("chmod -R u+rwX '\(path)' 2>/dev/null; rm -rf '\(path)'") }

  /// Runs lines of the shell in this folder.
  func run(_ lines: String) throws {
    let status = system("cd '\(path)' && ( set -e\n\(lines)\n) >log 2>&1")
    let log = (try? File.readAll(path + "/log", limit: 1 << 20)) ?? []
    try #require(status == 0, "\(String(decoding: log, as: UTF8.self))")
  }

  func bytes(_ name: String) throws -> [UInt8] { try File.readAll(path + "/" + name, limit: 1 << 28) }
}

/// Whether the programs of squashfs-tools are there to make images with.
let hasTools = system("command -v mksquashfs unsquashfs setfattr >/dev/null 2>&1") == 0

/// An image opened from a file, or from bytes in memory.
final class OpenImage {
  private let file: Descriptor
  let image: SquashfsImage

  init(_ path: String, offset: Int = 0) throws {
    file = try File.open(path)
    image = try SquashfsImage(
      descriptor: file.number, offset: offset, length: try File.facts(file).size - offset)
  }

  init(_ bytes: [UInt8]) throws {
    file = try memoryFile(bytes)
    image = try SquashfsImage(descriptor: file.number, offset: 0, length: bytes.count)
  }

  /// All bytes of a regular file.
  func contents(of inode: Inode, with decoder: BlockDecoder) throws -> [UInt8] {
    let list = try image.blockList(of: inode)
    let room = list.blockSize
    let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: room, alignment: 16)
    let output = UnsafeMutableRawBufferPointer.allocate(byteCount: room, alignment: 16)
    defer {
      scratch.deallocate()
      output.deallocate()
    }
    var out: [UInt8] = []
    while out.count < list.size {
      let place = try #require(list.location(of: out.count))
      let count = try image.decode(place.block, with: decoder, scratch: scratch, into: output)
      let wanted = min(list.size - out.count, place.block.isFragment ? list.size % room : count)
      guard place.inBlock + wanted <= count else { throw SquashfsFault.truncated("a fragment") }
      out.append(contentsOf: UnsafeRawBufferPointer(rebasing: output[place.inBlock..<place.inBlock + wanted]))
    }
    return out
  }
}

/// The bytes as a file without a name.
func memoryFile(_ bytes: [UInt8]) throws -> Descriptor {
  let file = Descriptor(owning: memfd_create("image", UInt32(MFD_CLOEXEC)))
  try #require(file.number >= 0)
  try File.write(bytes, to: file.number)
  return file
}
