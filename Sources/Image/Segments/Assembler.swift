internal import Codec
public import Content
internal import Layers
internal import Linux
internal import Squashfs
internal import SquashfsWriter

/// Puts the data of an image together: from stored segments, or by reading the layers once more. Both give the same
/// bytes.
public enum Assembler {
  /// From segments, one for each layer in order. `extra`: files made here. The image begins at `offset` of `output`.
  public static func assemble(
    _ segments: SegmentList, _ plan: AssemblyPlan, extra: [[UInt8]], to output: Int32, at offset: Int,
    with pool: EncoderPool
  ) throws(SegmentFault) -> AssembledData {
    let indexes = segments.indexes
    let stream = BlockStream(
      pool, to: output, offset: offset, start: SquashfsWriter.dataStart(pool.options))
    var assembly = Assembly(stream, layers: indexes, blockSize: pool.options.blockSize)
    for layer in 0..<segments.count {
      let index = indexes[layer]
      let file = segments.file(layer)
      for unit in index.units {
        switch unit {
        case .blocks(let content):
          guard plan.isNeeded[layer][content] else { continue }
          let place = segments.blocks(layer, content)
          assembly.add(stored: file, at: place.start, sizes: place.sizes, layer: layer, content: content)
        case .fragment(let number):
          let place = segments.fragment(layer, number)
          switch plan.use(ofFragment: number, in: index, at: layer) {
          case .none: continue
          case .all:
            assembly.add(
              storedFragment: file, at: place.start, stored: place.stored, number: number, layer: layer,
              of: index)
          case .some:
            let bytes = try decode(
              place, of: file, index, number, isNeeded: plan.isNeeded[layer], pool.options.compressor,
              name: "segment \(layer)")
            assembly.add(
              survivors: bytes, number: number, layer: layer, of: index, isNeeded: plan.isNeeded[layer])
          }
        }
      }
    }
    for file in extra { assembly.add(file: file) }
    return try assembly.finish(indexes)
  }

  /// The bytes of the needed members of a stored fragment, one behind the other.
  private static func decode(
    _ place: (start: Int, stored: StoredSize), of file: Int32, _ index: LayerIndex, _ number: Int,
    isNeeded: [Bool], _ compressor: Compressor, name: String
  ) throws(SegmentFault) -> [UInt8] {
    let stored: [UInt8]
    do throws(SystemCallFault) {
      stored = try File.bytes(of: file, at: place.start, count: place.stored.bytes)
    } catch { throw .call(path: name, error) }
    var decoded = stored
    if place.stored.isCompressed {
      var failure: CodecFault?
      decoded = unsafe [UInt8](unsafeUninitializedCapacity: index.blockSize) { buffer, initialized in
        initialized = 0
        do throws(CodecFault) {
          let decoder = try BlockDecoder(compressor)
          let room = UnsafeMutableRawBufferPointer(buffer)
          initialized = try unsafe Self.decode(stored, with: decoder, into: room)
        } catch { failure = error }
      }
      if failure != nil { throw .damaged(name: name, why: "a block of it cannot be decoded") }
    }
    var bytes: [UInt8] = []
    for member in index.members[number] where isNeeded[member] {
      guard case .fragment(_, let offset) = index.contents[member].place,
        offset + index.contents[member].size <= decoded.count
      else { throw .damaged(name: name, why: "a file of it lies outside its block") }
      bytes += decoded[offset..<offset + index.contents[member].size]
    }
    return bytes
  }

  private static func decode(
    _ stored: [UInt8], with decoder: BlockDecoder, into room: UnsafeMutableRawBufferPointer
  ) throws(CodecFault) -> Int {
    var failure: CodecFault?
    let count = unsafe stored.withUnsafeBytes { stored in
      do throws(CodecFault) { return try unsafe decoder.decode(stored, into: room) } catch {
        failure = error
        return 0
      }
    }
    if let failure { throw failure }
    return count
  }

  /// From the layers themselves, read a second time. `open` opens a layer at its start; every byte of it is read, so
  /// that what it checks at the end is checked.
  public static func assemble(
    _ indexes: [LayerIndex], _ plan: AssemblyPlan, extra: [[UInt8]], to output: Int32, at offset: Int,
    with pool: EncoderPool, name: (Int) -> String,
    open: (Int) throws(SegmentFault) -> any ByteSource
  ) throws(SegmentFault) -> AssembledData {
    let stream = BlockStream(
      pool, to: output, offset: offset, start: SquashfsWriter.dataStart(pool.options))
    var assembly = Assembly(stream, layers: indexes, blockSize: pool.options.blockSize)
    do throws(SegmentFault) {
      for (layer, index) in indexes.enumerated() {
        let isNeeded = plan.isNeeded[layer]
        let source = try open(layer)
        try LayerReplayer(index, name: name(layer)).replay(
          TarReader(source, name: name(layer)), isWanted: isNeeded
        ) { bytes, content throws(SegmentFault) in
          if stream.hasFailed { _ = try stream.finish() }
          assembly.add(block: bytes, layer: layer, content: content)
        } fragment: { number, bytes throws(SegmentFault) in
          if stream.hasFailed { _ = try stream.finish() }
          switch plan.use(ofFragment: number, in: index, at: layer) {
          case .none: break
          case .all: assembly.add(fragment: bytes, number: number, layer: layer, of: index)
          case .some:
            assembly.add(survivors: bytes, number: number, layer: layer, of: index, isNeeded: isNeeded)
          }
        }
        do throws(ContentFault) { try source.drain() } catch { throw .content(error) }
      }
      for file in extra { assembly.add(file: file) }
      return try assembly.finish(indexes)
    } catch {
      // Nobody may still write when the caller takes the file away.
      _ = try? stream.finish()
      throw error
    }
  }
}
