public import Content
internal import Glibc
internal import Layers
internal import Linux
internal import Model
internal import Squashfs
internal import SquashfsWriter

/// Stores a layer as a segment.
public enum SegmentWriter {
  private struct Sink: LayerSink {
    let stream: BlockStream
    /// Tickets by content: the first, and how many. Empty for contents in fragments.
    var blocks: [Int: (first: Int, count: Int)] = [:]
    var fragments: [Int] = []

    mutating func block(_ bytes: [UInt8], of content: Int) throws(SegmentFault) {
      try check()
      let ticket = stream.append(bytes)
      blocks[content, default: (ticket, 0)].count += 1
    }

    mutating func fragment(_ bytes: [UInt8], number: Int) throws(SegmentFault) {
      try check()
      fragments.append(stream.append(bytes, isFragment: true))
    }

    /// A full disk ends the work at once, not when the layer ends.
    private func check() throws(SegmentFault) { if stream.hasFailed { _ = try stream.finish() } }
  }

  /// Reads the whole layer and writes the segment to `output`, an empty file open for reading and writing, of which the result
  /// keeps a descriptor of its own. `layer` is at its start; what it has behind the archive is the caller's.
  public static func write(
    _ layer: any ByteSource, name: String, to output: Int32, path: String,
    with pool: EncoderPool
  ) throws(SegmentFault) -> Segment {
    let copy: Descriptor
    do throws(SystemCallFault) { copy = try Descriptor.duplicate(of: output) } catch {
      throw .call(path: path, error)
    }
    do throws(SystemCallFault) { try File.write(Segment.magic, to: output, subject: path) } catch {
      throw .call(path: path, error)
    }
    let stream = BlockStream(pool, to: output, offset: 0, start: Segment.magic.count, path: path)
    var packer = LayerPacker(
      blockSize: pool.options.blockSize, sink: Sink(stream: stream))
    do throws(SegmentFault) { try packer.pack(TarReader(layer, name: name)) } catch {
      // Nobody may still write when the caller takes the file away.
      _ = try? stream.finish()
      throw error
    }
    let end = try stream.finish()
    let (starts, sizes) = stream.places
    let blocks = (0..<packer.index.contents.count).map { content -> (start: Int, sizes: [StoredSize]) in
      guard let place = packer.sink.blocks[content] else { return (0, []) }
      return (Int(starts[place.first]), Array(sizes[place.first..<place.first + place.count]))
    }
    let fragments = packer.sink.fragments.map { (start: Int(starts[$0]), stored: sizes[$0]) }
    let index = SegmentIndex.bytes(
      of: packer.index, blocks: blocks, fragments: fragments,
      dataHash: try Segment.dataHash(output, end: end, name: path))
    var footer = ByteWriter(reserving: Segment.footerSize)
    footer.put(UInt64(end))
    footer.put(UInt64(index.count))
    footer.put(sha256(index))
    footer.put(Segment.magic)
    var failure: SystemCallFault?
    unsafe (index + footer.bytes).withUnsafeBytes { bytes in
      do throws(SystemCallFault) { try unsafe File.write(bytes, to: output, at: end) } catch {
        failure = error
      }
    }
    if let failure { throw .call(path: path, failure) }
    return Segment(packer.index, blocks: blocks, fragments: fragments, file: copy)
  }

  /// Only the index of a layer: nothing is stored.
  public static func index(
    _ layer: any ByteSource, name: String, blockSize: Int
  ) throws(SegmentFault) -> LayerIndex {
    var packer = LayerPacker(blockSize: blockSize, sink: NoSink())
    try packer.pack(TarReader(layer, name: name))
    return packer.index
  }
}
