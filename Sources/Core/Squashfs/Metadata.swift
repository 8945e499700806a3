internal import Codec
internal import Linux
internal import Synchronization

/// One decoded metadata block: at most 8 KiB ("Squashfs Binary Format", section 3).
final class MetadataBlock: Sendable {
  let bytes: [UInt8]
  /// Where the next block starts, from the start of the image.
  let next: Int

  init(bytes: [UInt8], next: Int) {
    self.bytes = bytes
    self.next = next
  }
}

/// Decoded metadata blocks by their place in the image, kept while there is room: all metadata of an image with
/// 46,000 inodes is 2.8 MiB.
final class MetadataCache: Sendable {
  /// 16 MiB decoded.
  static let mostBlocks = 2048

  private struct State {
    var blocks: [Int: MetadataBlock] = [:]
    /// Oldest first; a ring would save nothing at this size.
    var order: [Int] = []
    var decoder: BlockDecoder?
  }

  private let state = Mutex(State())
  private let descriptor: Int32
  private let offset: Int
  private let compressor: Compressor

  init(descriptor: Int32, offset: Int, compressor: Compressor) {
    self.descriptor = descriptor
    self.offset = offset
    self.compressor = compressor
  }

  /// The block that starts at `position` of the image and must end before `end`.
  func block(at position: Int, end: Int) throws(SquashfsFault) -> MetadataBlock {
    let result = state.withLock { (state: inout sending State) -> Result<MetadataBlock, SquashfsFault> in
      if let block = state.blocks[position] {
        return block.next <= end ? .success(block) : .failure(.truncated("a table"))
      }
      do throws(SquashfsFault) {
        let block = try read(at: position, end: end, decoder: &state.decoder)
        if state.order.count >= Self.mostBlocks {
          let dropped = Self.mostBlocks / 4
          for old in state.order.prefix(dropped) { state.blocks[old] = nil }
          state.order.removeFirst(dropped)
        }
        state.blocks[position] = block
        state.order.append(position)
        return .success(block)
      } catch { return .failure(error) }
    }
    return try result.get()
  }

  private func read(at position: Int, end: Int, decoder: inout BlockDecoder?) throws(SquashfsFault) -> MetadataBlock {
    guard position >= 0, position <= end - 3 else { throw .truncated("a metadata block") }
    // Header and the largest block in one read.
    let wanted = min(2 + 8192, end - position)
    var stored = [UInt8](repeating: 0, count: wanted)
    let got = try SquashfsImage.read(descriptor, at: offset + position, into: &stored)
    guard got >= 2 else { throw .truncated("a metadata block") }
    let header = UInt16(stored[0]) | UInt16(stored[1]) << 8
    let size = Int(header & 0x7FFF)
    guard (1...8192).contains(size) else {
      throw .field("metadata block size", value: UInt64(size), limit: "1 to 8192")
    }
    guard size <= got - 2 else { throw .truncated("a metadata block") }
    let next = position + 2 + size
    if header & 0x8000 != 0 { return MetadataBlock(bytes: Array(stored[2..<2 + size]), next: next) }
    if decoder == nil {
      do throws(CodecFault) { decoder = try BlockDecoder(compressor) } catch { throw .block(error) }
    }
    guard let decoder else { throw .truncated("a metadata block") }
    var failure: CodecFault?
    let bytes = unsafe [UInt8](unsafeUninitializedCapacity: 8192) { buffer, initialized in
      // In range: `size` bytes after the header were read above; 8192 bytes of room were asked for.
      let room = unsafe UnsafeMutableRawBufferPointer(start: buffer.baseAddress, count: 8192)
      unsafe stored.withUnsafeBytes { source in
        do throws(CodecFault) {
          initialized = try unsafe decoder.decode(UnsafeRawBufferPointer(rebasing: source[2..<2 + size]), into: room)
        } catch { failure = error }
      }
    }
    if let failure { throw .block(failure) }
    guard !bytes.isEmpty else { throw .truncated("a metadata block") }
    return MetadataBlock(bytes: bytes, next: next)
  }
}

/// Walks through consecutive metadata blocks of one table. Positions only rise, so no walk can go in circles.
struct MetadataCursor {
  private let cache: MetadataCache
  /// Where the table ends, from the start of the image.
  private let end: Int
  private var block: MetadataBlock
  private(set) var position: Int
  private(set) var offset: Int

  init(_ cache: MetadataCache, at position: Int, offset: Int, end: Int) throws(SquashfsFault) {
    self.cache = cache
    self.end = end
    self.position = position
    self.offset = offset
    block = try cache.block(at: position, end: end)
    guard offset <= block.bytes.count else {
      throw .field("metadata offset", value: UInt64(offset), limit: "at most \(block.bytes.count)")
    }
  }

  /// Copies the next `count` bytes.
  mutating func take(_ count: Int) throws(SquashfsFault) -> [UInt8] {
    if offset + count <= block.bytes.count {
      defer { offset += count }
      return Array(block.bytes[offset..<offset + count])
    }
    var out: [UInt8] = []
    out.reserveCapacity(min(count, 65536))
    while out.count < count {
      if offset == block.bytes.count {
        position = block.next
        block = try cache.block(at: position, end: end)
        offset = 0
      }
      let run = min(count - out.count, block.bytes.count - offset)
      out += block.bytes[offset..<offset + run]
      offset += run
    }
    return out
  }

  /// The next little-endian integer. Within one block, which is nearly always, nothing is allocated.
  mutating func take<T: FixedWidthInteger>(_: T.Type = T.self) throws(SquashfsFault) -> T {
    let size = MemoryLayout<T>.size
    var value: T = 0
    if offset + size <= block.bytes.count {
      for index in stride(from: size - 1, through: 0, by: -1) {
        value = size > 1 ? value << 8 | T(truncatingIfNeeded: block.bytes[offset + index]) : T(truncatingIfNeeded: block.bytes[offset])
      }
      offset += size
      return value
    }
    for byte in try take(size).reversed() { value = size > 1 ? value << 8 | T(truncatingIfNeeded: byte) : T(truncatingIfNeeded: byte) }
    return value
  }

  mutating func skip(_ count: Int) throws(SquashfsFault) {
    var left = count
    while left > block.bytes.count - offset {
      left -= block.bytes.count - offset
      position = block.next
      block = try cache.block(at: position, end: end)
      offset = 0
    }
    offset += left
  }
}
