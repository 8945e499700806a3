internal import Linux
public import Model

/// A partition to run: what a launch needs to know of a SIF.
public struct SIFPartition: Equatable, Sendable {
  public let id: UInt32
  /// Bytes from the start of the file, and bytes of the partition.
  public let offset: Int
  public let size: Int
  public let fileSystem: SIFFileSystem
  /// nil: a code this program does not know.
  public let architecture: Architecture?
}

/// The header and the descriptors of a SIF, checked against the file's size.
public struct SIFFile: Equatable, Sendable {
  /// Slots of a descriptor table we read: far more than the 48 every writer makes.
  public static let mostDescriptors: Int64 = 4096
  /// The header and a table of 48 descriptors are 32176 bytes: one read gets both.
  public static let usualStart = 32176

  public let header: SIFHeader
  /// Those in use, in the order of the table.
  public let descriptors: [SIFDescriptor]
  /// Places of the table that are free, counted from 0.
  public let freeSlots: [Int]

  /// Whether bytes at the start of a file are those of a SIF.
  public static func begins(_ start: [UInt8]) -> Bool {
    start.count >= 42 && start[32..<42].elementsEqual(SIFHeader.magic)
  }

  public static func read(descriptor: Int32, size: Int) throws(SIFFault) -> SIFFile {
    try read(
      descriptor: descriptor, size: size, start: try bytes(descriptor, at: 0, count: min(size, usualStart)))
  }

  /// The same with the start of the file already read, at least `usualStart` bytes of it or all there is.
  public static func read(descriptor: Int32, size: Int, start: [UInt8]) throws(SIFFault) -> SIFFile {
    guard begins(start) else { throw .notSIF }
    guard start.count >= SIFHeader.size else { throw .truncated("the header") }
    let header: SIFHeader
    do throws(TruncatedFault) { header = try SIFHeader(parsing: start) } catch {
      throw .truncated("the header")
    }
    try check(header, size: Int64(size))
    let tableStart = Int(header.descriptorsOffset)
    let tableBytes = Int(header.totalDescriptors) * SIFDescriptor.size
    let table: ArraySlice<UInt8>
    if tableStart + tableBytes <= start.count {
      table = start[tableStart..<tableStart + tableBytes]
    } else {
      table = try bytes(descriptor, at: tableStart, count: tableBytes)[...]
      guard table.count == tableBytes else { throw .truncated("the descriptor table") }
    }
    var descriptors: [SIFDescriptor] = []
    var free: [Int] = []
    for slot in 0..<Int(header.totalDescriptors) {
      // Most slots are free: the byte behind the type says so.
      let place = table.startIndex + slot * SIFDescriptor.size
      guard table[place + 4] != 0 else {
        free.append(slot)
        continue
      }
      let entry = Array(table[place..<place + SIFDescriptor.size])
      do throws(TruncatedFault) {
        if let descriptor = try SIFDescriptor(parsing: entry) { descriptors.append(descriptor) }
      } catch { throw .truncated("a descriptor") }
    }
    try check(descriptors, header, size: Int64(size))
    return SIFFile(header: header, descriptors: descriptors, freeSlots: free)
  }

  private static func bytes(_ descriptor: Int32, at offset: Int, count: Int) throws(SIFFault) -> [UInt8] {
    do throws(SystemCallFault) { return try File.bytes(of: descriptor, at: offset, count: count) } catch {
      throw .read(error)
    }
  }

  private static func check(_ header: SIFHeader, size: Int64) throws(SIFFault) {
    guard header.version == "01" else { throw .version(header.version) }
    guard (0...mostDescriptors).contains(header.totalDescriptors) else {
      throw .field(
        "the count of descriptors", value: header.totalDescriptors, limit: "0 to \(mostDescriptors)")
    }
    guard (0...header.totalDescriptors).contains(header.freeDescriptors) else {
      throw .field(
        "the count of free descriptors", value: header.freeDescriptors,
        limit: "0 to \(header.totalDescriptors)")
    }
    let needed = header.totalDescriptors * Int64(SIFDescriptor.size)
    guard header.descriptorsOffset >= Int64(SIFHeader.size), header.descriptorsOffset <= size,
      needed <= size - header.descriptorsOffset
    else {
      throw .field(
        "the offset of the descriptor table", value: header.descriptorsOffset,
        limit: "\(SIFHeader.size) to \(max(0, size - needed))")
    }
    // The length that the header states for the table: whoever trusts it must see every descriptor that we see.
    guard (needed...size - header.descriptorsOffset).contains(header.descriptorsSize) else {
      throw .field(
        "the size of the descriptor table", value: header.descriptorsSize,
        limit: "\(needed) to \(size - header.descriptorsOffset)")
    }
    guard header.dataOffset >= 0, header.dataOffset <= size else {
      throw .field("the offset of the data", value: header.dataOffset, limit: "0 to \(size)")
    }
    guard header.dataSize >= 0 else {
      throw .field("the size of the data", value: header.dataSize, limit: "0 to \(size - header.dataOffset)")
    }
    // Beyond the end: the file was cut short, whichever object that hits.
    guard header.dataSize <= size - header.dataOffset else { throw .truncated("the data") }
  }

  private static func check(
    _ descriptors: [SIFDescriptor], _ header: SIFHeader, size: Int64
  ) throws(SIFFault) {
    let tableEnd = header.descriptorsOffset + header.totalDescriptors * Int64(SIFDescriptor.size)
    var isTaken = [Bool](repeating: false, count: Int(header.totalDescriptors) + 1)
    for descriptor in descriptors {
      guard descriptor.id >= 1, Int64(descriptor.id) <= header.totalDescriptors, !isTaken[Int(descriptor.id)]
      else {
        throw .field(
          "an object's id", value: Int64(descriptor.id), limit: "1 to \(header.totalDescriptors), once each")
      }
      isTaken[Int(descriptor.id)] = true
      guard descriptor.size >= 0, descriptor.size <= size else {
        throw .field("the size of object \(descriptor.id)", value: descriptor.size, limit: "0 to \(size)")
      }
      guard descriptor.offset >= tableEnd, descriptor.offset <= size - descriptor.size else {
        throw .field(
          "the offset of object \(descriptor.id)", value: descriptor.offset,
          limit: "\(tableEnd) to \(size - descriptor.size)")
      }
    }
    for descriptor in descriptors { try check(descriptor, among: descriptors) }
    let placed = descriptors.filter { $0.size > 0 }.sorted { $0.offset < $1.offset }
    for (before, after) in zip(placed, placed.dropFirst()) where after.offset < before.offset + before.size {
      throw .overlap(first: before.id, second: after.id)
    }
    guard descriptors.count(where: { $0.partition?.use == .primarySystem }) <= 1 else {
      throw .severalPrimaryPartitions
    }
  }

  /// The group and the link of an object: what is signed hangs on them, so neither may point at nothing.
  private static func check(_ descriptor: SIFDescriptor, among all: [SIFDescriptor]) throws(SIFFault) {
    let mask = SIFDescriptor.groupMask
    guard descriptor.group & mask == mask else {
      throw .field(
        "the group of object \(descriptor.id)", value: Int64(descriptor.group), limit: "\(mask) and above")
    }
    let link = descriptor.link
    guard
      link == 0
        || (link & mask == mask ? all.contains { $0.group == link } : all.contains { $0.id == link })
    else {
      throw .field(
        "the link of object \(descriptor.id)", value: Int64(link), limit: "0, an object's id, or a group")
    }
  }

  /// The container's root.
  public func primaryPartition() throws(SIFFault) -> SIFPartition {
    guard let found = descriptors.first(where: { $0.partition?.use == .primarySystem }),
      let partition = found.partition
    else { throw .noPrimaryPartition }
    switch partition.fileSystem {
    case .squashfs: break
    case .encryptedSquashfs, .gocryptfsSquashfs: throw .encrypted
    case .some(let other): throw .fileSystem(name: other.name)
    case nil: throw .fileSystem(name: "unknown")
    }
    return SIFPartition(
      id: found.id, offset: Int(found.offset), size: Int(found.size), fileSystem: .squashfs,
      architecture: Architecture(sifCode: partition.architectureCode))
  }

  public func object(_ id: UInt32) throws(SIFFault) -> SIFDescriptor {
    guard let found = descriptors.first(where: { $0.id == id }) else { throw .noSuchObject(id: id) }
    return found
  }

  /// The bytes of an object, refused beyond `limit`.
  public func contents(
    of object: SIFDescriptor, descriptor: Int32, limit: Int
  ) throws(SIFFault) -> [UInt8] {
    guard object.size <= Int64(limit) else {
      throw .field("the size of object \(object.id)", value: object.size, limit: "at most \(limit)")
    }
    let bytes = try Self.bytes(descriptor, at: Int(object.offset), count: Int(object.size))
    guard bytes.count == Int(object.size) else { throw .truncated("object \(object.id)") }
    return bytes
  }
}
