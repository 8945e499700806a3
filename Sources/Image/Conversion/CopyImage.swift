internal import Glibc
internal import Linux
internal import Model
internal import SIF
internal import Squashfs
internal import SquashfsWriter

extension SIFBuild {
  /// A SIF of a directory or of an image, whichever `source` is.
  public static func make(_ target: String, from source: String, _ options: Options) throws(BuildFault)
    -> Result
  {
    let facts: FileFacts
    do throws(SystemCallFault) { facts = try File.facts(source) } catch { throw .source(path: source, error) }
    do throws(BuildFault) {
      return facts.kind == .directory
        ? try make(target, fromDirectory: source, options) : try make(target, fromImage: source, options)
    } catch { throw error.measured(cache: nil, scratch: nil) }
  }

  /// A SIF with the same root file system as an image, byte for byte. Its small objects come along; signatures do not,
  /// because they sign another file.
  public static func make(
    _ target: String, fromImage path: String, _ options: Options
  ) throws(BuildFault) -> Result {
    var output = try OutputFile(target, replaces: options.replaces)
    let source = try ImageSource(path)
    var objects: [(type: SIFDataType, name: String, bytes: [UInt8])] = []
    var architecture = options.architecture
    var time = options.time
    if let sif = source.sif {
      do throws(SIFFault) {
        if architecture == nil { architecture = try sif.primaryPartition().architecture }
        for object in sif.descriptors {
          guard let type = object.type, [.definition, .genericJSON, .labels, .environment].contains(type)
          else { continue }
          objects.append(
            (
              type, object.name,
              try sif.contents(of: object, descriptor: source.descriptor.number, limit: 16 << 20)
            ))
        }
      } catch { throw .sif(error) }
      time = time ?? UInt32(exactly: sif.header.created)
    } else {
      objects = [(.definition, "deffile", Array("bootstrap: localimage\nfrom: .\n\n".utf8))]
    }
    var copied = options
    copied.time = time
    let known = architecture ?? source.architecture ?? .host
    var layout = layout(objects, known, copied)
    let start = layout.nextOffset(alignedTo: SIFWriter.partitionAlignment)
    let hash: [UInt8]
    do throws(SystemCallFault) {
      hash = try copy(
        source.descriptor.number, at: source.offset, count: source.size, to: output.number, at: start)
    } catch {
      let size = start + source.size
      throw BuildFault.output(path: target, error).needing { _ in .atLeast(size) }
    }
    layout.add(
      .partition, name: "squashfs", size: source.size, alignedTo: SIFWriter.partitionAlignment,
      extra: SIFDescriptor.partitionExtra(.squashfs, .primarySystem, known))
    // The same root file system is the same image: it keeps its name.
    try finish(
      layout, objects, identifier: source.sif?.header.identifier ?? ownIdentifier(hash), into: output.number)
    try output.publish()
    return Result(
      size: source.size, inodeCount: Int(source.image.superblock.inodeCount), isCopied: true, omissions: [])
  }

  private static func copy(
    _ source: Int32, at offset: Int, count: Int, to output: Int32, at start: Int
  ) throws(SystemCallFault) -> [UInt8] {
    var hash = ContentHash()
    var buffer = [UInt8](repeating: 0, count: 1 << 20)
    var done = 0
    while done < count {
      let wanted = min(buffer.count, count - done)
      var failure: SystemCallFault?
      unsafe buffer.withUnsafeMutableBytes { buffer in
        let piece = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[..<wanted])
        do throws(SystemCallFault) {
          let got = try unsafe File.read(source, at: offset + done, into: piece)
          guard got == wanted else { throw SystemCallFault("read", "", EIO) }
          unsafe hash.add(UnsafeRawBufferPointer(piece))
          try unsafe File.write(UnsafeRawBufferPointer(piece), to: output, at: start + done)
        } catch { failure = error }
      }
      if let failure { throw failure }
      done += wanted
    }
    return hash.bytes
  }
}
