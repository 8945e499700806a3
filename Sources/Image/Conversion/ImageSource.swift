internal import Glibc
internal import Linux
internal import SIF
internal import Squashfs

/// An image that something is made from: a SIF's primary partition, or a bare squashfs.
struct ImageSource: ~Copyable {
  let path: String
  let descriptor: Descriptor
  /// nil for a bare squashfs.
  let sif: SIFFile?
  /// Where the squashfs lies in the file.
  let offset: Int
  let size: Int
  let image: SquashfsImage

  init(_ path: String) throws(BuildFault) {
    let descriptor: Descriptor
    do throws(SystemCallFault) { descriptor = try File.open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY) } catch {
      throw .source(path: path, error)
    }
    let facts: FileFacts
    let start: [UInt8]
    do throws(SystemCallFault) {
      facts = try File.facts(descriptor)
      start = facts.kind == .file ? try descriptor.firstBytes(SIFHeader.size) : []
    } catch { throw .source(path: path, error) }
    guard facts.kind != .directory else { throw .sourceIsDirectory(path: path) }
    var sif: SIFFile?
    var offset = 0
    var size = facts.size
    if SIFFile.begins(start) {
      do throws(SIFFault) {
        let file = try SIFFile.read(descriptor: descriptor.number, size: facts.size)
        let partition = try file.primaryPartition()
        (sif, offset, size) = (file, partition.offset, partition.size)
      } catch { throw .sif(error) }
    } else if !start.starts(with: [0x68, 0x73, 0x71, 0x73]) {
      throw .unknownSource(path: path)
    }
    let image: SquashfsImage
    do throws(SquashfsFault) {
      image = try SquashfsImage(descriptor: descriptor.number, offset: offset, length: size)
    } catch { throw .squashfs(path: path, error) }
    self.path = path
    self.sif = sif
    self.offset = offset
    self.size = size
    self.image = image
    self.descriptor = descriptor
  }
}
