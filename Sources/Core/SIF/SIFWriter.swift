public import Model

/// Plans the header and the descriptors of a new SIF; whoever writes the objects does so at the offsets it gives.
///
/// Bytes depend on what is put in alone: no clock and no random identifier. The identifier is that of the content, given
/// by the caller; times are those of the caller (0 unless somebody asks for a date).
public struct SIFWriter: Sendable {
  /// Slots of the table, as every other writer makes them.
  public static let totalDescriptors = 48
  /// Where the first object goes.
  public static let dataOffset = 4096 + totalDescriptors * SIFDescriptor.size
  /// What partitions are aligned to: a page, so that the kernel can mount them.
  public static let partitionAlignment = 4096

  private let architecture: Architecture
  private let time: Int64
  private var descriptors: [SIFDescriptor] = []
  private var end = SIFWriter.dataOffset

  public init(architecture: Architecture, time: Int64) {
    self.architecture = architecture
    self.time = time
  }

  /// Where the next object begins.
  public func nextOffset(alignedTo alignment: Int = 1) -> Int {
    (end + alignment - 1) / alignment * alignment
  }

  /// Records an object of `size` bytes that lies at `nextOffset(alignedTo:)`.
  public mutating func add(
    _ type: SIFDataType, name: String, size: Int, alignedTo alignment: Int = 1, extra: [UInt8] = []
  ) {
    let offset = nextOffset(alignedTo: alignment)
    descriptors.append(
      SIFDescriptor(
        type: type, id: UInt32(descriptors.count + 1), group: SIFDescriptor.groupMask | 1,
        offset: Int64(offset),
        size: Int64(size), paddedSize: Int64(offset - end + size), time: time, name: name, extra: extra))
    end = offset + size
  }

  /// Bytes of the finished file.
  public var fileSize: Int { end }

  /// The first `dataOffset` bytes of the file.
  public func start(identifier: [UInt8]) -> [UInt8] {
    let header = SIFHeader(
      architectureCode: architecture.sifCode, identifier: identifier, time: time,
      descriptors: descriptors.count,
      total: Self.totalDescriptors, dataSize: Int64(end - Self.dataOffset))
    var out = ByteWriter(reserving: Self.dataOffset)
    out.put(header.bytes)
    out.pad(to: 4096)
    for descriptor in descriptors { out.put(descriptor.bytes) }
    out.pad(to: Self.dataOffset)
    return out.bytes
  }
}
