internal import Model

/// The parts of an ELF shared object by which a dynamic symbol is found in the file (gABI, "Object Files"; elf(5)).
///
/// | ELF header | at | section header | at | program header | at | symbol | at |
/// |---|---|---|---|---|---|---|---|
/// | type | 16 | type | 4 | type | 0 | name | 0 |
/// | machine | 18 | offset | 24 | offset | 8 | info | 4 |
/// | program headers | 32 | bytes | 32 | address | 16 | section | 6 |
/// | section headers | 40 | link | 40 | bytes in the file | 32 | address | 8 |
/// | sizes and counts | 54 | bytes of an entry | 56 | | | bytes | 16 |
struct SharedObject {
  /// EM_X86_64 and EM_AARCH64.
  static let machines: [UInt16] = [62, 183]
  /// Our plugin has a few dozen; a file with more is not ours.
  static let symbolLimit: UInt64 = 65536

  private let bytes: [UInt8]

  init(_ bytes: [UInt8]) throws(PluginFault) {
    self.bytes = bytes
    // Magic, 64 bits, little-endian, version 1.
    guard bytes.starts(with: [0x7F, 0x45, 0x4C, 0x46, 2, 1, 1]), bytes.count >= 64,
      bytes[16] == 3, bytes[17] == 0  // ET_DYN
    else { throw .notASharedObject }
    let machine: UInt16 = try read(at: 18, "machine")
    guard Self.machines.contains(machine) else { throw .machine(machine) }
  }

  /// Where in the file the four bytes of a data symbol stand; nil without such a symbol.
  func fileOffset(ofSymbol name: String) throws(PluginFault) -> Int? {
    let sections = try sections()
    for section in sections where section.type == 11 {  // SHT_DYNSYM
      guard section.link < sections.count, case let strings = sections[Int(section.link)],
        strings.type == 3  // SHT_STRTAB
      else {
        throw .field(what: "link to names", value: UInt64(section.link), expected: "a table of strings")
      }
      guard section.entrySize == 24 else {
        throw .field(what: "size of symbols", value: section.entrySize, expected: "24")
      }
      try check("table of symbols", section.offset, section.size)
      try check("table of names", strings.offset, strings.size)
      guard section.size / 24 <= Self.symbolLimit else {
        throw .field(
          what: "count of symbols", value: section.size / 24, expected: "\(Self.symbolLimit) at most")
      }
      for position in 0..<section.size / 24 {
        let start = section.offset + position * 24
        let nameOffset: UInt32 = try read(at: start, "symbol")
        let info: UInt8 = try read(at: start + 4, "symbol")
        let place: UInt16 = try read(at: start + 6, "symbol")
        let size: UInt64 = try read(at: start + 16, "symbol")
        // STT_OBJECT, and defined here.
        guard info & 0xF == 1, place != 0, size == 4, isName(name, at: UInt64(nameOffset), in: strings)
        else { continue }
        return try fileOffset(ofAddress: read(at: start + 8, "symbol"))
      }
    }
    return nil
  }

  private func isName(_ name: String, at offset: UInt64, in strings: Section) -> Bool {
    let wanted = Array(name.utf8) + [0]
    guard offset <= strings.size, strings.size - offset >= UInt64(wanted.count) else { return false }
    // In the file: the table was checked.
    return bytes[Int(strings.offset + offset)...].starts(with: wanted)
  }

  private struct Section {
    let type: UInt32
    let offset: UInt64
    let size: UInt64
    let link: UInt32
    let entrySize: UInt64
  }

  private func sections() throws(PluginFault) -> [Section] {
    let entry: UInt16 = try read(at: 58, "header")
    guard entry == 64 else {
      throw .field(what: "size of section headers", value: UInt64(entry), expected: "64")
    }
    let count: UInt16 = try read(at: 60, "header")
    let start: UInt64 = try read(at: 40, "header")
    try check("table of sections", start, UInt64(count) * 64)
    var sections: [Section] = []
    for position in 0..<UInt64(count) {
      let header = start + position * 64
      sections.append(
        Section(
          type: try read(at: header + 4, "section"), offset: try read(at: header + 24, "section"),
          size: try read(at: header + 32, "section"), link: try read(at: header + 40, "section"),
          entrySize: try read(at: header + 56, "section")))
    }
    return sections
  }

  /// By the segment (PT_LOAD) that holds the four bytes at an address.
  private func fileOffset(ofAddress address: UInt64) throws(PluginFault) -> Int {
    let entry: UInt16 = try read(at: 54, "header")
    guard entry == 56 else {
      throw .field(what: "size of program headers", value: UInt64(entry), expected: "56")
    }
    let count: UInt16 = try read(at: 56, "header")
    let start: UInt64 = try read(at: 32, "header")
    try check("table of segments", start, UInt64(count) * 56)
    for position in 0..<UInt64(count) {
      let header = start + position * 56
      let type: UInt32 = try read(at: header, "segment")
      guard type == 1 else { continue }  // PT_LOAD
      let offset: UInt64 = try read(at: header + 8, "segment")
      let first: UInt64 = try read(at: header + 16, "segment")
      let size: UInt64 = try read(at: header + 32, "segment")
      guard size >= 4, address >= first, address - first <= size - 4 else { continue }
      try check("segment", offset, size)
      return Int(offset + (address - first))
    }
    throw .field(what: "address of plugin_version", value: address, expected: "in a segment")
  }

  private func check(_ what: String, _ offset: UInt64, _ size: UInt64) throws(PluginFault) {
    let have = UInt64(bytes.count)
    guard offset <= have, size <= have - offset else {
      throw .cut(what: what, at: offset, size: size, have: bytes.count)
    }
  }

  private func read<T: FixedWidthInteger & BitwiseCopyable>(
    at offset: UInt64, _ what: String
  ) throws(PluginFault) -> T {
    try check(what, offset, UInt64(MemoryLayout<T>.size))
    var reader = unsafe ByteReader(bytes.span.bytes)
    reader.offset = Int(offset)
    do throws(TruncatedFault) { return try reader.take() } catch {
      throw .cut(what: what, at: offset, size: UInt64(error.wanted), have: bytes.count)
    }
  }
}
