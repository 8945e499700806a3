public import Codec
internal import Model

/// Collects a table of metadata blocks: 8 KiB each, compressed where that helps, with two bytes of size in front
/// ("Squashfs Binary Format", section 3).
struct MetadataWriter {
  static let blockSize = 8192

  /// The finished blocks.
  private(set) var bytes: [UInt8] = []
  /// Where each block begins in `bytes`.
  private(set) var starts: [Int] = []
  private var pending: [UInt8] = []
  private let encoder: BlockEncoder

  init(_ encoder: BlockEncoder) {
    self.encoder = encoder
    pending.reserveCapacity(Self.blockSize)
  }

  /// Where the next byte goes: start of its block, and place in the decoded block (less than 8192).
  var position: (block: Int, offset: Int) { (bytes.count, pending.count) }

  mutating func append(_ more: [UInt8]) {
    var done = 0
    while done < more.count {
      let count = min(more.count - done, Self.blockSize - pending.count)
      pending += more[done..<done + count]
      done += count
      if pending.count == Self.blockSize { flush() }
    }
  }

  /// Ends the last block.
  mutating func finish() { if !pending.isEmpty { flush() } }

  private mutating func flush() {
    starts.append(bytes.count)
    let stored = encoded(pending, with: encoder)
    let size = UInt16(stored?.count ?? pending.count) | (stored == nil ? 0x8000 : 0)
    bytes.append(UInt8(truncatingIfNeeded: size))
    bytes.append(UInt8(truncatingIfNeeded: size >> 8))
    bytes += stored ?? pending
    pending.removeAll(keepingCapacity: true)
  }
}

/// The block compressed, or nil when that would not make it smaller.
public func encoded(_ block: [UInt8], with encoder: BlockEncoder) -> [UInt8]? {
  guard block.count > 1 else { return nil }
  var size: Int?
  let out = unsafe [UInt8](unsafeUninitializedCapacity: block.count - 1) { buffer, initialized in
    let room = UnsafeMutableRawBufferPointer(buffer)
    size = unsafe block.withUnsafeBytes { unsafe encoder.encode($0, into: room) }
    initialized = size ?? 0
  }
  return size == nil ? nil : out
}

/// A table of equal entries that is found through a list of pointers to its blocks ("Squashfs Binary Format", 7, 8).
struct TableWriter {
  private var writer: MetadataWriter
  init(_ encoder: BlockEncoder) { writer = MetadataWriter(encoder) }

  mutating func append(_ entry: [UInt8]) { writer.append(entry) }

  /// The blocks, then the pointers. `start`: where the bytes will lie in the image. `table`: where the pointers do.
  mutating func finish(at start: Int, head: [UInt8] = []) -> (bytes: [UInt8], table: UInt64) {
    writer.finish()
    var out = ByteWriter(reserving: writer.bytes.count + writer.starts.count * 8)
    out.put(writer.bytes)
    out.put(head)
    for block in writer.starts { out.put(UInt64(start + block)) }
    return (out.bytes, UInt64(start + writer.bytes.count))
  }
}
