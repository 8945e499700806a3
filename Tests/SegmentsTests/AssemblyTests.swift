import Codec
import Content
import Glibc
import Layers
import Linux
import Segments
import Squashfs
import SquashfsWriter
import Testing
import Tree

/// Layers stored or read twice, with any number of threads: one image, with the bytes of all that is visible and of
/// nothing else.
@Suite struct AssemblyTests {
  static let blockSize = 4096

  /// Three layers: files of many sizes, repeats within and across layers, some that later layers hide.
  static func layers(_ seed: UInt64) -> [[UInt8]] {
    var random = Pseudorandom(seed)
    func content() -> [UInt8] {
      let size = [0, 1, 17, 300, 2000, 4095, 4096, 4097, 9000, 20_000].randomElement(using: &random) ?? 0
      switch UInt8.random(in: 0..<4, using: &random) {
      case 0: return [UInt8](repeating: 0, count: size)
      case 1: return (0..<size).map { _ in UInt8.random(in: .min ... .max, using: &random) }
      case 2: return [UInt8](repeating: 7, count: size)
      default: return (0..<size).map { UInt8(truncatingIfNeeded: $0 / 64) }
      }
    }
    return (0..<3).map { layer in
      var files: [(name: String, bytes: [UInt8])] = []
      for _ in 0..<40 {
        let number = Int.random(in: 0..<60, using: &random)
        if layer > 0, number % 7 == 0 {
          files.append((".wh.file\(number)", []))
        } else {
          files.append(("file\(number)", content()))
        }
      }
      files.append(("secret\(layer)", Array("the secret of layer \(layer)".utf8)))
      if layer > 0 { files.append((".wh.secret\(layer - 1)", [])) }
      return SmallArchive.of(files)
    }
  }

  static func options(_ compressor: Compressor, threads: Int) -> WriterOptions {
    WriterOptions(compressor: compressor, blockSize: blockSize, threads: threads)
  }

  static func temporaryFile() throws -> Descriptor {
    try File.open("/tmp", O_TMPFILE | O_RDWR, mode: 0o600)
  }

  static func merged(_ indexes: [LayerIndex]) throws -> (
    tree: Tree, visible: [(node: Int, source: AssemblyPlan.Source)]
  ) {
    var merged = LayerTree(created: 5)
    for (number, index) in indexes.enumerated() { try merged.apply(index.items, layer: number) }
    let (tree, contents, _) = merged.finish()
    return (tree, contents.map { ($0.node, AssemblyPlan.Source(layer: $0.layer, content: $0.content)) })
  }

  enum Way: CaseIterable { case stored, reopened, streamed }

  /// The bytes of the image.
  static func image(
    _ layers: [[UInt8]], _ way: Way, _ options: WriterOptions, extra: [[UInt8]] = []
  ) throws -> [UInt8] {
    let pool = try EncoderPool(options, budget: 64 << 10)
    defer { pool.close() }
    let output = try temporaryFile()
    let data: AssembledData
    let indexes: [LayerIndex]
    let tree: Tree
    let visible: [(node: Int, source: AssemblyPlan.Source)]
    let plan: AssemblyPlan
    if way == .streamed {
      indexes = try layers.map {
        try SegmentWriter.index(MemorySource($0), name: "layer", blockSize: blockSize)
      }
      (tree, visible) = try merged(indexes)
      plan = AssemblyPlan(visible: visible.map(\.source), of: indexes)
      data = try Assembler.assemble(
        indexes, plan, extra: extra, to: output.number, at: 512, with: pool, name: { "\($0)" },
        open: { MemorySource(layers[$0]) })
    } else {
      var segments = SegmentList()
      for layer in layers {
        let file = try temporaryFile()
        let segment = try SegmentWriter.write(
          MemorySource(layer), name: "layer", to: file.number, path: "segment", with: pool)
        if way == .reopened {
          segments.append(
            HeldSegment(try Segment.open(try file.duplicate(), name: "segment", blockSize: blockSize)))
        } else {
          segments.append(HeldSegment(segment))
        }
      }
      indexes = segments.indexes
      (tree, visible) = try merged(indexes)
      plan = AssemblyPlan(visible: visible.map(\.source), of: indexes)
      data = try Assembler.assemble(segments, plan, extra: extra, to: output.number, at: 512, with: pool)
    }
    var placements: [Int: FilePlacement] = [:]
    for (file, source) in zip(visible, plan.sources) {
      placements[file.node] = data.layers[source.layer][source.content]
    }
    let result = try SquashfsWriter.finish(
      tree, placements, fragments: data.fragments, dataEnd: data.end, to: output.number, at: 512,
      options: options, identifier: { _ in [] })
    return try File.bytes(of: output.number, at: 512, count: result.size)
  }

  /// What a container sees: the names and bytes of the last layer that has them.
  static func expected(_ layers: [[UInt8]]) throws -> [String: [UInt8]] {
    var files: [String: [UInt8]] = [:]
    for layer in layers {
      let reader = TarReader(MemorySource(layer), name: "layer")
      var added: [String: [UInt8]] = [:]
      while let entry = try reader.next() {
        let name = String(decoding: entry.path.last ?? [], as: UTF8.self)
        guard case .file(let size) = entry.kind else { continue }
        if name.hasPrefix(".wh.") {
          files[String(name.dropFirst(4))] = nil
          continue
        }
        var bytes = [UInt8](repeating: 0, count: size)
        var done = 0
        while done < size {
          done += try bytes.withUnsafeMutableBytes { try reader.read(into: .init(rebasing: $0[done...])) }
        }
        added[name] = bytes
      }
      files.merge(added) { $1 }
    }
    return files
  }

  static func contents(of image: [UInt8]) throws -> [String: [UInt8]] {
    let file = try temporaryFile()
    try image.withUnsafeBytes { try File.write($0, to: file.number, at: 0) }
    let squashfs = try SquashfsImage(descriptor: file.number, offset: 0, length: image.count)
    var found: [String: [UInt8]] = [:]
    let decoder = try BlockDecoder(squashfs.superblock.compressor)
    let root = try squashfs.inode(squashfs.root)
    for name in try expectedNames(squashfs, root) {
      let inode = try squashfs.inode(try #require(try squashfs.lookup(Array(name.utf8), in: root)).inode)
      let list = try squashfs.blockList(of: inode)
      var bytes: [UInt8] = []
      while let place = list.location(of: bytes.count) {
        var scratch = [UInt8](repeating: 0, count: blockSize)
        var block = scratch
        let count = try scratch.withUnsafeMutableBytes { scratch in
          try block.withUnsafeMutableBytes {
            try squashfs.decode(place.block, with: decoder, scratch: scratch, into: $0)
          }
        }
        bytes += block[place.inBlock..<min(count, place.inBlock + list.size - bytes.count)]
      }
      found[name] = bytes
    }
    return found
  }

  private static func expectedNames(_ image: SquashfsImage, _ root: Inode) throws -> [String] {
    try image.entries(of: root).map { String(decoding: $0.name, as: UTF8.self) }
  }

  @Test(arguments: [1, 2, 3, 4, 5] as [UInt64], [Compressor.gzip, .zstd])
  func `an image holds what is visible, whichever way it was made`(seed: UInt64, compressor: Compressor)
    throws
  {
    let layers = Self.layers(seed)
    let first = try Self.image(layers, .stored, Self.options(compressor, threads: 2))
    #expect(try Self.contents(of: first) == Self.expected(layers))
    for way in Way.allCases {
      for threads in [0, 1, 3] {
        #expect(
          try Self.image(layers, way, Self.options(compressor, threads: threads)) == first,
          "\(way) \(threads)")
      }
    }
  }

  @Test func `no byte of a hidden file reaches the image, not even in a shared block`() throws {
    let layers = Self.layers(3)
    let image = try Self.image(layers, .stored, Self.options(.lz4, threads: 2))
    // lz4 keeps literals as they are.
    for (layer, isThere) in [(0, false), (1, false), (2, true)] {
      let secret = Array("the secret of layer \(layer)".utf8)
      let occurs = image.indices.contains { image[$0...].starts(with: secret) }
      #expect(occurs == isThere, "layer \(layer)")
    }
  }

  @Test func `equal files are stored once`() throws {
    var random = Pseudorandom(9)
    let noise = (0..<20_000).map { _ in UInt8.random(in: .min ... .max, using: &random) }
    let one = try Self.image([SmallArchive.of([("a", noise)])], .stored, Self.options(.gzip, threads: 1))
    let many = try Self.image(
      [SmallArchive.of([("a", noise), ("b", noise)]), SmallArchive.of([("c", noise)])], .stored,
      Self.options(.gzip, threads: 1))
    #expect(many.count < one.count + 4096)
    #expect(try Self.contents(of: many)["c"] == noise)
  }
}
