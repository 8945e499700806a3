internal import Cache
internal import Codec
internal import Content
internal import Glibc
internal import Layers
internal import Linux
internal import Model
internal import Segments
internal import SquashfsWriter

/// Where the contents of an image's layers come from when the image is put together.
enum PreparedLayers {
  /// Stored, each in a segment.
  case stored(SegmentList)
  /// Known, and read once more.
  case indexed([LayerIndex])
}

/// Makes the layers of an image ready: each becomes a segment in the cache unless it is there already, or, without a
/// cache, only its index is made.
struct LayerConversion {
  /// Layers that are read at the same time: more connections to one registry gain nothing.
  private static let mostAtOnce = 4

  let image: SourceImage
  let pool: EncoderPool
  let cache: CacheDirectory?
  /// A directory for segments without a name.
  let scratch: String
  let progress: ConversionProgress
  /// Hears what a user should know, from any thread.
  let notice: @Sendable (Notice) -> Void

  func prepare() throws(BuildFault) -> PreparedLayers {
    // The largest first: it decides when all are done.
    let order = image.layers.indices.sorted {
      (image.layers[$1].size, $0) < (image.layers[$0].size, $1)
    }
    let conversion = self
    if cache == nil, image.isLocal {
      let indexes = try LayerThreads.run(order, atMost: Self.mostAtOnce) { layer throws(BuildFault) in
        try conversion.index(layer)
      }
      return .indexed(image.layers.indices.compactMap { indexes[$0] })
    }
    let cache = cache
    let segments = try LayerThreads.run(order, atMost: Self.mostAtOnce) { layer throws(BuildFault) in
      if let cache { try conversion.segment(layer, cache) } else { try conversion.unnamedSegment(layer) }
    }
    var list = SegmentList()
    for layer in image.layers.indices {
      if let segment = segments[layer] { list.append(segment) }
    }
    return .stored(list)
  }

  /// A layer as it is read.
  private struct OpenLayer {
    /// As it comes, counted.
    let packed: CountedSource
    /// Decompressed.
    let hashed: HashedSource
    /// The same, where a processor is free for it in a thread of its own.
    let bytes: any ByteSource

    /// Why bytes make no sense: they may not be those that were promised, which a source that verifies them
    /// tells at its end, and only there. Whoever keeps a download then knows that it is not to be resumed.
    func cause(_ fault: SegmentFault) -> BuildFault {
      switch fault {
      case .layer, .content:
        do throws(ContentFault) {
          // The thread may have met the end already.
          if let met = stop(), !met.isOfSource { throw met }
          try packed.drain()
          return .segment(fault)
        } catch {
          return error.isOfSource ? .segment(fault) : .content(error)
        }
      default: return .segment(fault)
      }
    }

    /// Reads what lies behind the archive. Returns the digest of all bytes.
    func finish() throws(ContentFault) -> Digest {
      try bytes.drain()
      stop()
      return try hashed.finish()
    }

    @discardableResult private func stop() -> ContentFault? { (bytes as? PipelinedSource)?.stop() }
  }

  /// Whether there are more processors than layers that are read at once.
  private var pipelines: Bool { pool.options.threads > min(Self.mostAtOnce, image.layers.count) }

  private func pipelined(_ source: any ByteSource) -> any ByteSource {
    pipelines ? PipelinedSource(source) : source
  }

  private func open(_ layer: Int) throws(BuildFault) -> OpenLayer {
    let source = image.layers[layer]
    let progress = progress
    let packed: CountedSource
    do throws(ContentFault) {
      packed = CountedSource(try source.open()) { progress(.read(layer, bytes: $0)) }
    } catch { throw .content(error) }
    let inflated = InflatedSource(packed, name: source.name, isVerified: source.isVerified)
    let hashed = HashedSource(inflated)
    return OpenLayer(packed: packed, hashed: hashed, bytes: pipelined(hashed))
  }

  /// Compares the whole layer with what the configuration says.
  private func check(_ opened: OpenLayer, _ layer: Int) throws(BuildFault) {
    let expected = image.configuration.differences[layer]
    let found: Digest
    do throws(ContentFault) { found = try opened.finish() } catch { throw .content(error) }
    guard found == expected else {
      throw .difference(layer: image.layers[layer].name, expected: expected, found: found)
    }
  }

  private func index(_ layer: Int) throws(BuildFault) -> LayerIndex {
    let source = image.layers[layer]
    progress(.layer(layer, name: source.name, size: source.size))
    let opened = try open(layer)
    let index: LayerIndex
    do throws(SegmentFault) {
      index = try SegmentWriter.index(opened.bytes, name: source.name, blockSize: pool.options.blockSize)
    } catch { throw opened.cause(error) }
    try check(opened, layer)
    progress(.done(layer, fromCache: false))
    return index
  }

  /// The name of a layer's segment: everything that its bytes follow from.
  static func segmentName(_ difference: Digest, _ options: WriterOptions) -> String {
    let level = options.level ?? BlockEncoder.defaultLevel(options.compressor)
    return Digest.of(
      Array(
        ("segment \(Segment.formatVersion) \(difference.text) \(options.compressor.name) "
          + "\(BlockEncoder.libraryVersion(options.compressor)) \(level) \(options.blockSize)").utf8)
    ).hex
  }

  /// Stored bytes of the layers that the cache has no segment of.
  static func missingSize(_ image: SourceImage, _ options: WriterOptions, _ cache: CacheDirectory) -> Int {
    zip(image.layers, image.configuration.differences).reduce(0) { sum, layer in
      sum + (cache.has(.segments, segmentName(layer.1, options)) ? 0 : layer.0.size)
    }
  }

  private func segment(_ layer: Int, _ cache: CacheDirectory) throws(BuildFault) -> HeldSegment {
    let source = image.layers[layer]
    let name = Self.segmentName(image.configuration.differences[layer], pool.options)
    progress(.layer(layer, name: source.name, size: source.size))
    if let found = try stored(name, cache, inStores: true) {
      progress(.done(layer, fromCache: true))
      return found
    }
    // What a store has would have been found, if it were whole.
    let outcome: LockOutcome
    do throws(CacheFault) {
      outcome = try cache.lock(name, work: "converts \(source.name)") {
        cache.has(.segments, name, inStores: false)
      } notice: {
        notice($0)
      }
    } catch { throw .cache(error) }
    // Another process may have made it meanwhile.
    if let found = try stored(name, cache, inStores: false) {
      progress(.done(layer, fromCache: true))
      return found
    }
    let made = try make(layer, name, cache)
    progress(.done(layer, fromCache: false))
    // Others that wait for it find it now.
    _ = consume outcome
    return made
  }

  /// nil where there is none, or only a damaged one, which is then made anew. What somebody else keeps is read whole once:
  /// nobody here saw it being written.
  private func stored(
    _ name: String, _ cache: CacheDirectory, inStores: Bool
  ) throws(BuildFault) -> HeldSegment? {
    guard let object = cache.locate(.segments, name, inStores: inStores) else { return nil }
    let (path, isOfStore) = (object.path, object.isOfStore)
    do throws(SegmentFault) {
      return HeldSegment(
        try Segment.open(
          object.takeDescriptor(), name: isOfStore ? path : name, blockSize: pool.options.blockSize,
          checksData: isOfStore))
    } catch {
      notice(Notice(.warning, "\(error.explanation.what): \(error.explanation.why); it is made anew"))
      cache.remove(.segments, name)
      return nil
    }
  }

  private func make(_ layer: Int, _ name: String, _ cache: CacheDirectory) throws(BuildFault) -> HeldSegment {
    var object: UnfinishedObject
    do throws(CacheFault) { object = try cache.create(.segments, name) } catch { throw .cache(error) }
    let opened = try open(layer)
    let segment: Segment
    do throws(SegmentFault) {
      segment = try SegmentWriter.write(
        opened.bytes, name: image.layers[layer].name, to: object.number,
        path: "\(cache.path)/segments/\(name)", with: pool)
    } catch { throw opened.cause(error) }
    try check(opened, layer)
    do throws(CacheFault) { try object.publish() } catch { throw .cache(error) }
    image.layers[layer].forget()
    return HeldSegment(segment)
  }

  /// A segment in a file without a name: for layers that cost too much to read twice, where there is no cache.
  private func unnamedSegment(_ layer: Int) throws(BuildFault) -> HeldSegment {
    let source = image.layers[layer]
    progress(.layer(layer, name: source.name, size: source.size))
    let file: Descriptor
    do throws(SystemCallFault) { file = try ArchiveFile.unnamedFile(in: scratch) } catch {
      throw .output(path: scratch, error)
    }
    let opened = try open(layer)
    let segment: Segment
    do throws(SegmentFault) {
      segment = try SegmentWriter.write(
        opened.bytes, name: source.name, to: file.number, path: scratch, with: pool)
    } catch { throw opened.cause(error) }
    try check(opened, layer)
    progress(.done(layer, fromCache: false))
    return HeldSegment(segment)
  }

  /// The layer once more, for the second pass. Its end is checked as in the first.
  func reopen(_ layer: Int) throws(SegmentFault) -> any ByteSource {
    do throws(ContentFault) {
      let source = image.layers[layer]
      return pipelined(
        VerifiedSource(
          InflatedSource(try source.open(), name: source.name, isVerified: source.isVerified),
          name: source.name, digest: image.configuration.differences[layer], size: nil))
    } catch { throw .content(error) }
  }
}

extension ContentFault {
  fileprivate var isOfSource: Bool { if case .source = self { true } else { false } }
}

/// Passes bytes on and tells how many have come.
final class CountedSource: ByteSource {
  private let source: any ByteSource
  private let told: (Int) -> Void
  private var count = 0

  init(_ source: any ByteSource, _ told: @escaping (Int) -> Void) {
    self.source = source
    self.told = told
  }

  func read(into buffer: UnsafeMutableRawBufferPointer) throws(ContentFault) -> Int {
    let got = try unsafe source.read(into: buffer)
    count += got
    if got > 0 { told(count) }
    return got
  }
}
