internal import Glibc
internal import Linux
public import Model
internal import SIF
internal import Squashfs
public import SquashfsWriter
internal import Tree

/// Makes a SIF.
public enum SIFBuild {
  public struct Options: Sendable {
    public var replaces = false
    public var writer: WriterOptions
    public var architecture: Architecture?
    /// SOURCE_DATE_EPOCH: nothing in the image is younger, and the file says it was made then. Without it nothing in
    /// the file tells when it was made.
    public var time: UInt32?

    public init(writer: WriterOptions = WriterOptions()) { self.writer = writer }
  }

  public struct Result: Sendable {
    /// Bytes of the root file system.
    public let size: Int
    public let inodeCount: Int
    /// Whether its blocks were taken over from an image as they were.
    public let isCopied: Bool
    /// What could not be taken along: sentences for warnings.
    public let omissions: [String]
  }

  /// The name of the root file system's object.
  static let partitionName = "squashfs"

  /// A SIF of the root file system in `directory`.
  public static func make(
    _ target: String, fromDirectory path: String, _ options: Options
  ) throws(BuildFault) -> Result {
    var output = try OutputFile(target, replaces: options.replaces)
    let source: Descriptor
    do throws(SystemCallFault) { source = try File.open(path, O_RDONLY | O_DIRECTORY) } catch {
      throw .source(path: path, error)
    }
    let plan: (tree: Tree, architecture: Architecture, omissions: [String])
    do throws(TreeFault) { plan = try prepare(source, options) } catch {
      throw .tree(error.onHost(below: path))
    }
    let result: SquashfsWriter.Result
    do throws(BuildFault) {
      result = try write(plan.tree, plan.architecture, into: output.number, options)
    } catch {
      if case .writer(.tree(let fault)) = error { throw .tree(fault.onHost(below: path)) }
      let size = (try? File.facts("", from: output.number).size) ?? 0
      throw error.writing(target).needing { _ in .atLeast(size) }
    }
    try output.publish()
    return Result(
      size: result.size, inodeCount: result.inodeCount, isCopied: false, omissions: plan.omissions)
  }

  private static func prepare(
    _ source: consuming Descriptor, _ options: Options
  ) throws(TreeFault) -> (tree: Tree, architecture: Architecture, omissions: [String]) {
    var (tree, omissions) = try Scanner.scan(source)
    if let time = options.time { tree.clampTimes(to: time) }
    let architecture = options.architecture ?? tree.architecture ?? .host
    try planSingularityDirectory(
      &tree,
      SingularityDirectory(
        time: options.time ?? 0,
        labels: [
          ("org.label-schema.build-arch", architecture.rawValue), ("org.label-schema.schema-version", "1.0"),
          ("org.label-schema.usage.singularity.deffile.bootstrap", "localimage"),
        ]))
    return (tree, architecture, omissions)
  }

  /// Writes the objects and the tree's squashfs.
  static func write(
    _ tree: Tree, _ architecture: Architecture, into output: Int32, _ options: Options
  ) throws(BuildFault) -> SquashfsWriter.Result {
    let definition = tree.text(at: "/.singularity.d/Singularity") ?? "bootstrap: localimage\nfrom: .\n\n"
    let objects: [(type: SIFDataType, name: String, bytes: [UInt8])] = [
      (.definition, "deffile", Array(definition.utf8)),
      (.genericJSON, InspectMetadata.objectName, Array(InspectMetadata.json(of: tree).utf8)),
    ]
    var writerOptions = options.writer
    writerOptions.modified = options.time ?? 0
    var layout = layout(objects, architecture, options)
    let start = layout.nextOffset(alignedTo: SIFWriter.partitionAlignment)
    let result: SquashfsWriter.Result
    do throws(WriterFault) {
      result = try SquashfsWriter.write(tree, to: output, at: start, options: writerOptions)
    } catch { throw .writer(error) }
    layout.add(
      .partition, name: partitionName, size: result.size, alignedTo: SIFWriter.partitionAlignment,
      extra: SIFDescriptor.partitionExtra(.squashfs, .primarySystem, architecture))
    try finish(layout, objects, identifier: ownIdentifier(result.identifier), into: output)
    return result
  }

  /// Go's zero time: what sylabs/sif writes into files without a date.
  private static let noTime: Int64 = -62_135_596_800

  static func layout(
    _ objects: [(type: SIFDataType, name: String, bytes: [UInt8])], _ architecture: Architecture,
    _ options: Options
  ) -> SIFWriter {
    var layout = SIFWriter(architecture: architecture, time: options.time.map { Int64($0) } ?? noTime)
    for object in objects { layout.add(object.type, name: object.name, size: object.bytes.count) }
    return layout
  }

  /// A UUID of version 8: 16 bytes of one's own making (RFC 9562, section 5.8).
  static func ownIdentifier(_ bytes: [UInt8]) -> [UInt8] {
    var identifier = bytes
    identifier[6] = identifier[6] & 0x0F | 0x80
    identifier[8] = identifier[8] & 0x3F | 0x80
    return identifier
  }

  /// Header, descriptors and the small objects.
  static func finish(
    _ layout: SIFWriter, _ objects: [(type: SIFDataType, name: String, bytes: [UInt8])], identifier: [UInt8],
    into output: Int32
  ) throws(BuildFault) {
    let front = objects.reduce(layout.start(identifier: identifier)) { $0 + $1.bytes }
    var failure: SystemCallFault?
    unsafe front.withUnsafeBytes { bytes in
      do throws(SystemCallFault) { try unsafe File.write(bytes, to: output, at: 0) } catch { failure = error }
    }
    if let failure { throw .writer(.write(failure)) }
  }
}
