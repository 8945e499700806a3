import Content
import Layers
import Model

/// A tar archive built byte by byte.
struct Archive {
  enum Format {
    case v7, ustar, gnu
  }

  enum Checksum {
    case unsigned, signed, wrong
  }

  private(set) var bytes: [UInt8] = []

  init() {}

  /// A header and the content behind it, filled up to whole blocks. `patches`: bytes put into the header
  /// before its checksum. `size`: what the header claims, that of the content by itself.
  mutating func add(
    _ name: String, _ type: Character = "0", _ content: [UInt8] = [], size: Int? = nil, target: String = "",
    mode: Int = 0o644, uid: Int = 0, gid: Int = 0, modified: Int = 0, format: Format = .ustar,
    patches: [(offset: Int, bytes: [UInt8])] = [], checksum: Checksum = .unsigned
  ) {
    var header = [UInt8](repeating: 0, count: 512)
    func put(_ offset: Int, _ bytes: [UInt8]) {
      header.replaceSubrange(offset..<offset + bytes.count, with: bytes)
    }
    put(0, Array(name.utf8))
    put(100, Self.octal(mode, 8))
    put(108, Self.octal(uid, 8))
    put(116, Self.octal(gid, 8))
    put(124, Self.octal(size ?? content.count, 12))
    put(136, Self.octal(modified, 12))
    put(156, [type == "\0" ? 0 : UInt8(type.asciiValue ?? 0)])
    put(157, Array(target.utf8))
    switch format {
    case .v7: break
    case .ustar: put(257, Array("ustar\0".utf8) + Array("00".utf8))
    case .gnu: put(257, Array("ustar  \0".utf8))
    }
    for patch in patches { put(patch.offset, patch.bytes) }
    put(148, [UInt8](repeating: 0x20, count: 8))
    let sum: Int
    switch checksum {
    case .unsigned: sum = header.reduce(0) { $0 + Int($1) }
    case .signed: sum = header.reduce(0) { $0 + Int(Int8(bitPattern: $1)) }
    case .wrong: sum = 1
    }
    put(148, Self.octal(sum, 7) + [0x20])
    bytes += header + Self.padded(content)
  }

  /// An extended header.
  mutating func pax(_ records: [(String, String)], _ type: Character = "x") {
    add("pax", type, records.flatMap { Self.record(Array($0.0.utf8), Array($0.1.utf8)) })
  }

  mutating func end() { bytes += [UInt8](repeating: 0, count: 1024) }

  mutating func append(_ more: [UInt8]) { bytes += more }

  /// `LENGTH KEYWORD=VALUE\n`, where the length counts itself.
  static func record(_ keyword: [UInt8], _ value: [UInt8]) -> [UInt8] {
    let rest = [0x20] + keyword + [0x3D] + value + [0x0A]
    var length = rest.count
    while String(length).utf8.count + rest.count != length { length = String(length).utf8.count + rest.count }
    return Array(String(length).utf8) + rest
  }

  static func padded(_ bytes: [UInt8]) -> [UInt8] {
    bytes + [UInt8](repeating: 0, count: -bytes.count & 511)
  }

  static func octal(_ value: Int, _ width: Int) -> [UInt8] {
    let digits = String(value, radix: 8)
    return Array((String(repeating: "0", count: max(0, width - 1 - digits.utf8.count)) + digits).utf8) + [0]
  }

  /// The bytes of a number with the first bit set.
  static func binary(_ value: Int, _ width: Int) -> [UInt8] {
    var bytes = [UInt8](repeating: value < 0 ? 0xFF : 0, count: width)
    for place in 0..<min(8, width) {
      bytes[width - 1 - place] = UInt8(truncatingIfNeeded: value >> (8 * place))
    }
    bytes[0] |= 0x80
    return bytes
  }

  /// One entry and the end.
  static func of(
    _ name: String, _ type: Character = "0", _ content: [UInt8] = [], size: Int? = nil, target: String = "",
    format: Format = .ustar, patches: [(offset: Int, bytes: [UInt8])] = [], checksum: Checksum = .unsigned
  ) -> [UInt8] {
    var archive = Archive()
    archive.add(
      name, type, content, size: size, target: target, format: format, patches: patches, checksum: checksum)
    archive.end()
    return archive.bytes
  }

  /// An extended header with these bytes, an entry of that type, and the end.
  static func extended(_ records: [UInt8], type: Character = "x", then next: Character = "0") -> [UInt8] {
    var archive = Archive()
    archive.add("pax", type, records)
    archive.add("name", next, target: next == "1" || next == "2" ? "target" : "")
    archive.end()
    return archive.bytes
  }

  static func extended(_ keyword: String, _ value: String, type: Character = "x") -> [UInt8] {
    extended(record(Array(keyword.utf8), Array(value.utf8)), type: type)
  }
}

/// Gives out a few bytes at a time, so that every border is crossed somewhere.
final class Trickle: ByteSource {
  private let source: MemorySource
  private let step: Int

  init(_ bytes: [UInt8], step: Int) {
    source = MemorySource(bytes)
    self.step = step
  }

  func read(into buffer: UnsafeMutableRawBufferPointer) throws(ContentFault) -> Int {
    try source.read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<min(step, buffer.count)]))
  }
}

/// All entries of an archive with their contents.
func entries(
  of bytes: [UInt8], reading piece: Int = 4096
) throws -> (entries: [(entry: LayerEntry, content: [UInt8])], notes: [String]) {
  let reader = TarReader(MemorySource(bytes), name: "1")
  var found: [(entry: LayerEntry, content: [UInt8])] = []
  while let entry = try reader.next() { found.append((entry, try content(reader, piece))) }
  return (found, reader.notes.map(\.text))
}

func content(_ reader: TarReader, _ piece: Int = 4096) throws -> [UInt8] {
  let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: piece, alignment: 1)
  defer { buffer.deallocate() }
  var content: [UInt8] = []
  while case let count = try reader.read(into: buffer), count > 0 { content += buffer[..<count] }
  return content
}

/// Why an archive is refused; nil when it is not.
func fault(of bytes: [UInt8]) -> EntryFault? {
  do {
    _ = try entries(of: bytes)
    return nil
  } catch LayerFault.entry(_, _, let fault) {
    return fault
  } catch { return nil }
}

func path(_ text: String) -> [[UInt8]] { text.split(separator: "/").map { Array($0.utf8) } }
