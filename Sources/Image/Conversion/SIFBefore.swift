internal import Glibc
internal import Linux
internal import SIF

/// What a SIF was before it got another object, to make it so again where that has failed.
struct SIFBefore {
  private let header: [UInt8]
  private let descriptor: [UInt8]
  /// Where in the file that is.
  private let slot: Int
  /// Bytes.
  private let size: Int

  init(_ file: Int32, slot: Int, size: Int) throws(SystemCallFault) {
    header = try File.bytes(of: file, count: SIFHeader.size)
    descriptor = try File.bytes(of: file, at: slot, count: SIFDescriptor.size)
    self.slot = slot
    self.size = size
  }

  /// The header first, because it counts the objects. The file keeps its length where one of the two cannot be written: an
  /// object that is listed and has no bytes would make an image of which nothing can be read.
  func restore(_ file: Int32) {
    do throws(SystemCallFault) {
      try File.write(header, to: file, at: 0)
      try File.write(descriptor, to: file, at: slot)
    } catch { return }
    _ = ftruncate(file, size)
  }
}
