public import Cache
internal import Content
internal import Layers
public import Model
internal import SIF
internal import Segments
public import SquashfsWriter
internal import Tree

extension SIFBuild {
  /// What a conversion of an image of layers is given.
  public struct LayerOptions: Sendable {
    public var writer: WriterOptions
    /// Bytes that converting may take, about (`--mem`).
    public var memory: Int
    /// Where layers are kept; nil: nowhere, and each is read twice.
    public var cache: CacheDirectory?
    /// A directory for layers without a cache, of images that cost too much to read twice.
    public var scratch = "/tmp"
    /// The image is made in the cache, too: it needs room there beside its layers.
    var imageIsCached = false
    /// SOURCE_DATE_EPOCH
    public var time: UInt32?
    /// Directories can be entered and files read by their owner (`--fix-perms`).
    public var fixesPermissions = false
    public var progress: ConversionProgress = { _ in }
    /// Hears what a user should know, from any thread.
    public var notice: @Sendable (Notice) -> Void = { _ in }

    /// What of it blocks may take: enough to keep every thread busy while one block holds up the order. The rest is for
    /// the indexes of the layers and for decompressors.
    var blockBudget: Int { min(memory / 3, max(8 << 20, writer.threads * 32 * writer.blockSize)) }

    public init(writer: WriterOptions, memory: Int = 96 << 20, cache: CacheDirectory? = nil) {
      self.writer = writer
      self.memory = memory
      self.cache = cache
    }
  }

  /// Writes the SIF of an image of layers into `output`, an empty file open for reading and writing.
  ///
  /// Its bytes follow from the manifest and the configuration, the options and the versions of the format and of the
  /// compressor: not from where the layers came from, who converts, when, or with how many threads.
  public static func write(
    _ image: SourceImage, into output: Int32, _ options: LayerOptions
  ) throws(BuildFault) -> Result {
    let missing = options.cache.map { LayerConversion.missingSize(image, options.writer, $0) }
    do throws(BuildFault) { return try convert(image, into: output, options) } catch {
      // Layers and images take about the room of the layers as they are stored where they come from.
      let whole = image.layers.reduce(0) { $0 + $1.size }
      throw error.needing { path in
        guard let cache = options.cache, let missing,
          path.starts(withBytesOf: cache.path + "/segments/")
        else { return .about(whole) }
        return .about(missing + (options.imageIsCached ? whole : 0))
      }
    }
  }

  private static func convert(
    _ image: SourceImage, into output: Int32, _ options: LayerOptions
  ) throws(BuildFault) -> Result {
    let pool: EncoderPool
    do throws(WriterFault) { pool = try EncoderPool(options.writer, budget: options.blockBudget) } catch {
      throw .writer(error)
    }
    defer { pool.close() }
    let layers = LayerConversion(
      image: image, pool: pool, cache: options.cache, scratch: options.scratch, progress: options.progress,
      notice: options.notice)
    let prepared = try layers.prepare()
    options.progress(.assembling)
    let indexes = prepared.indexes
    let created = min(image.configuration.created, options.time ?? .max)
    let omissions = tellNotes(indexes, image, options)
    var (tree, visible, lost) = try merge(indexes, image, created)
    if let time = options.time { tree.clampTimes(to: time) }
    if options.fixesPermissions { tree.fixPermissions() }
    do throws(TreeFault) { try planSingularityDirectory(&tree, contents(of: image, created)) } catch {
      throw .tree(error)
    }
    let objects = objects(of: image, tree)
    let architecture = try architecture(of: image.configuration)
    var layout = SIFWriter(architecture: architecture, time: Int64(created))
    for object in objects { layout.add(object.type, name: object.name, size: object.bytes.count) }
    let start = layout.nextOffset(alignedTo: SIFWriter.partitionAlignment)

    let plan = AssemblyPlan(visible: visible.map(\.source), of: indexes)
    let made = SquashfsWriter.filesInOrder(tree).compactMap { node, content -> (node: Int, bytes: [UInt8])? in
      if case .bytes(let bytes) = content { (node, bytes) } else { nil }
    }
    let data: AssembledData
    do throws(SegmentFault) {
      switch prepared {
      case .stored(let segments):
        data = try Assembler.assemble(
          segments, plan, extra: made.map(\.bytes), to: output, at: start, with: pool)
      case .indexed:
        data = try Assembler.assemble(
          indexes, plan, extra: made.map(\.bytes), to: output, at: start, with: pool,
          name: { image.layers[$0].name }, open: { layer throws(SegmentFault) in try layers.reopen(layer) })
      }
    } catch { throw .segment(error) }

    var placements: [Int: FilePlacement] = [:]
    placements.reserveCapacity(visible.count + made.count)
    for (file, source) in zip(visible, plan.sources) {
      placements[file.node] = data.layers[source.layer][source.content]
    }
    for (file, placement) in zip(made, data.extra) { placements[file.node] = placement }
    var writer = options.writer
    writer.modified = created
    let result: SquashfsWriter.Result
    do throws(WriterFault) {
      result = try SquashfsWriter.finish(
        tree, placements, fragments: data.fragments, dataEnd: data.end, to: output, at: start,
        options: writer
      ) { parts in
        // The tables say where everything lies, the hashes what it is.
        let hasher = DigestHasher()
        for source in plan.sources {
          unsafe indexes[source.layer].contents[source.content].hash.withUnsafeBytes { unsafe hasher.add($0) }
        }
        for part in made.map(\.bytes) + parts { unsafe part.withUnsafeBytes { unsafe hasher.add($0) } }
        return Array(hasher.finishBytes().prefix(16))
      }
    } catch { throw .writer(error) }
    layout.add(
      .partition, name: partitionName, size: result.size, alignedTo: SIFWriter.partitionAlignment,
      extra: SIFDescriptor.partitionExtra(.squashfs, .primarySystem, architecture))
    try finish(layout, objects, identifier: ownIdentifier(result.identifier), into: output)
    return Result(
      size: layout.fileSize, inodeCount: result.inodeCount, isCopied: false, omissions: omissions + lost)
  }

  /// Bytes of a layer's files for each that is stored beyond which it is suspicious: what programs and data are made of
  /// stays far below.
  private static let usualRatio = 1000

  /// What people should know of the layers, wherever those came from: warnings are returned, the rest is told.
  private static func tellNotes(
    _ indexes: [LayerIndex], _ image: SourceImage, _ options: LayerOptions
  ) -> [String] {
    var warnings: [String] = []
    for (layer, index) in zip(image.layers, indexes) {
      let start = "layer \(printable(layer.name)): "
      for note in index.notes {
        if note.level == .warning {
          warnings.append(start + note.text)
        } else {
          options.notice(Notice(note.level, start + note.text))
        }
      }
      // Below what can be counted: an archive's sizes are checked one by one.
      let bytes = index.items.reduce(0.0) { sum, item in
        if case .file(let size) = item.entry.kind { sum + Double(size) } else { sum }
      }
      if bytes / Double(max(1, layer.size)) >= Double(usualRatio) {
        let count = Int(exactly: bytes) ?? .max
        warnings.append(
          start + "its files have \(count) bytes, more than \(usualRatio) times what is stored of it")
      }
    }
    return warnings
  }

  private static func merge(
    _ indexes: [LayerIndex], _ image: SourceImage, _ created: UInt32
  ) throws(BuildFault) -> (
    tree: Tree, visible: [(node: Int, source: AssemblyPlan.Source)], notes: [String]
  ) {
    var merged = LayerTree(created: created)
    do throws(LayerFault) {
      for (layer, index) in indexes.enumerated() {
        try merged.apply(index.items, layer: layer, name: image.layers[layer].name)
      }
    } catch { throw .layer(error) }
    let (tree, contents, notes) = merged.finish()
    return (
      tree,
      contents.map { ($0.node, AssemblyPlan.Source(layer: $0.layer, content: $0.content)) }, notes
    )
  }

  private static func contents(of image: SourceImage, _ created: UInt32) -> SingularityDirectory {
    let configuration = image.configuration
    var labels = configuration.labels
    labels += [
      ("org.label-schema.build-arch", configuration.architecture), ("org.label-schema.schema-version", "1.0"),
      ("org.label-schema.usage.singularity.deffile.bootstrap", "docker"),
    ]
    if let manifest = image.manifest {
      labels.append(("org.opencontainers.image.base.digest", manifest.text))
    }
    var contents = SingularityDirectory(
      OCIProcess(
        entrypoint: configuration.entrypoint, command: configuration.command,
        environment: configuration.environment), labels: labels, time: created)
    contents.definition = definition(of: image)
    return contents
  }

  /// The image by its own digest: where it was got from is no part of it.
  private static func definition(of image: SourceImage) -> String {
    "bootstrap: docker\nfrom: \((image.manifest ?? image.configuration.digest).text)\n\n"
  }

  /// In Apptainer's order.
  private static func objects(
    of image: SourceImage, _ tree: Tree
  ) -> [(type: SIFDataType, name: String, bytes: [UInt8])] {
    [
      (.definition, "deffile", Array(definition(of: image).utf8)),
      (.genericJSON, InspectMetadata.objectName, Array(InspectMetadata.json(of: tree).utf8)),
      (.genericJSON, "oci-config.json", Array(image.configuration.process.text().utf8)),
    ]
  }

  private static func architecture(of configuration: OCIConfiguration) throws(BuildFault) -> Architecture {
    // Nothing said: what registries took for granted before they asked.
    if configuration.architecture.isEmpty { return .amd64 }
    guard let architecture = Architecture(rawValue: configuration.architecture) else {
      throw .architecture(code: configuration.architecture)
    }
    return architecture
  }
}

extension PreparedLayers {
  var indexes: [LayerIndex] {
    switch self {
    case .stored(let segments): segments.indexes
    case .indexed(let indexes): indexes
    }
  }
}
