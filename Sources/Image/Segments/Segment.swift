internal import Content
internal import Glibc
public import Linux
internal import Squashfs

/// A layer as it is stored: its contents compressed, and its index. Two images with the same layer share it.
///
/// | part | bytes |
/// |---|---|
/// | magic `APUSSEG1` | 8 |
/// | data: blocks and fragments in the order of the layer's stream | |
/// | index (`SegmentIndex`) | |
/// | footer: offset and size of the index u64, u64; SHA-256 of the index; magic | 56 |
///
/// Written once, never changed: whoever finds it under its name finds all of it.
public struct Segment: ~Copyable, Sendable {
  static let magic = Array("APUSSEG1".utf8)
  static let footerSize = 8 + 8 + 32 + 8
  /// Counts up when the bytes of the format change or the packing does.
  public static let formatVersion = 2

  public let index: LayerIndex
  /// For each content with blocks of its own: where they begin in the file, and how each is stored. Empty for others.
  let blocks: [(start: Int, sizes: [StoredSize])]
  let fragments: [(start: Int, stored: StoredSize)]
  let file: Descriptor

  init(
    _ index: LayerIndex, blocks: [(start: Int, sizes: [StoredSize])],
    fragments: [(start: Int, stored: StoredSize)], file: consuming Descriptor
  ) {
    self.index = index
    self.blocks = blocks
    self.fragments = fragments
    self.file = file
  }

  /// Reads the index of a stored segment. `name` is for messages. `checksData`: all of its data is read and compared with
  /// what was written, for segments that somebody else keeps.
  public static func open(
    _ file: consuming Descriptor, name: String, blockSize: Int, checksData: Bool = false
  ) throws(SegmentFault) -> Segment {
    let size: Int
    let footer: [UInt8]
    do throws(SystemCallFault) {
      size = try File.facts(file).size
      footer =
        size >= magic.count + footerSize
        ? try File.bytes(of: file.number, at: size - footerSize, count: footerSize) : []
    } catch { throw .call(path: name, error) }
    guard footer.count == footerSize, Array(footer.suffix(8)) == magic else {
      throw .damaged(name: name, why: "it has no end")
    }
    func number(_ at: Int) -> UInt64 {
      (0..<8).reduce(0) { $0 | UInt64(footer[at + $1]) << (8 * UInt64($1)) }
    }
    guard let offset = Int(exactly: number(0)), let count = Int(exactly: number(8)), offset >= magic.count,
      count >= 0, offset <= size - footerSize, count == size - footerSize - offset
    else { throw .damaged(name: name, why: "its index lies outside the file") }
    let bytes: [UInt8]
    do throws(SystemCallFault) { bytes = try File.bytes(of: file.number, at: offset, count: count) } catch {
      throw .call(path: name, error)
    }
    guard Array(footer[16..<48]) == sha256(bytes) else {
      throw .damaged(name: name, why: "its index is not what was written")
    }
    let parsed = try SegmentIndex.parse(bytes, name: name, blockSize: blockSize, dataEnd: offset)
    if checksData, try dataHash(file.number, end: offset, name: name) != parsed.dataHash {
      throw .damaged(name: name, why: "its data are not what was written")
    }
    return Segment(parsed.index, blocks: parsed.blocks, fragments: parsed.fragments, file: file)
  }

  /// SHA-256 of what lies between the magic and `end`.
  static func dataHash(_ file: Int32, end: Int, name: String) throws(SegmentFault) -> [UInt8] {
    let hasher = DigestHasher()
    var buffer = [UInt8](repeating: 0, count: 1 << 20)
    var position = magic.count
    while position < end {
      let wanted = min(buffer.count, end - position)
      var failure: SystemCallFault?
      unsafe buffer.withUnsafeMutableBytes { buffer in
        let piece = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[..<wanted])
        do throws(SystemCallFault) {
          guard try unsafe File.read(file, at: position, into: piece) == wanted else {
            throw SystemCallFault("read", name, EIO)
          }
          unsafe hasher.add(UnsafeRawBufferPointer(piece))
        } catch { failure = error }
      }
      if let failure { throw .call(path: name, failure) }
      position += wanted
    }
    return hasher.finishBytes()
  }
}
