import Model
import Testing

@testable import SIF

/// A SIF of two small objects and a partition of 8192 bytes, laid out by the writer.
private func sample() -> (start: [UInt8], size: Int) {
  var writer = SIFWriter(architecture: .amd64, time: 7)
  writer.add(.definition, name: "deffile", size: 10)
  writer.add(.genericJSON, name: "meta.json", size: 20)
  writer.add(
    .partition, name: "root", size: 8192, alignedTo: SIFWriter.partitionAlignment,
    extra: SIFDescriptor.partitionExtra(.squashfs, .primarySystem, .amd64))
  return (writer.start(identifier: [UInt8](repeating: 0xAB, count: 16)), writer.fileSize)
}

private func little(_ value: Int64, _ width: Int) -> [UInt8] {
  (0..<width).map { UInt8(truncatingIfNeeded: value >> (8 * Int64($0))) }
}

/// A change of the sample's bytes, and what must be said of it.
struct Damage: CustomTestStringConvertible, Sendable {
  let name: String
  let at: Int
  let bytes: [UInt8]
  let fault: SIFFault?
  var testDescription: String { name }

  init(_ name: String, at: Int, _ bytes: [UInt8], _ fault: SIFFault?) {
    self.name = name
    self.at = at
    self.bytes = bytes
    self.fault = fault
  }

  /// Offset of a field of the descriptor in that slot, from 0.
  static func slot(_ slot: Int, _ field: Int) -> Int { 4096 + slot * 585 + field }
}

@Suite struct SIFReaderTests {
  @Test func `what the writer lays out is read back`() throws {
    let (start, size) = sample()
    let file = try SIFFile.read(descriptor: -1, size: size, start: start)
    #expect(start.count == SIFWriter.dataOffset)
    #expect(file.header.architectureCode == "02")
    #expect(file.header.freeDescriptors == 45)
    #expect(file.header.identifierText == "abababab-abab-abab-abab-abababababab")
    #expect(file.descriptors.map(\.id) == [1, 2, 3])
    #expect(file.descriptors.map(\.offset) == [32176, 32186, 32768])
    #expect(file.descriptors.map(\.paddedSize) == [10, 20, 8192 + 32768 - 32206])
    #expect(
      try file.primaryPartition()
        == SIFPartition(id: 3, offset: 32768, size: 8192, fileSystem: .squashfs, architecture: .amd64))
  }

  static let damages: [Damage] = [
    Damage("another magic", at: 32, [0x58], .notSIF),
    Damage("another version", at: 42, Array("02".utf8), .version("02")),
    Damage(
      "negative count of descriptors", at: 88, little(-1, 8),
      .field("the count of descriptors", value: -1, limit: "0 to 4096")),
    Damage(
      "huge count of descriptors", at: 88, little(.max, 8),
      .field("the count of descriptors", value: .max, limit: "0 to 4096")),
    Damage(
      "more free descriptors than there are", at: 80, little(49, 8),
      .field("the count of free descriptors", value: 49, limit: "0 to 48")),
    Damage(
      "table inside the header", at: 96, little(64, 8),
      .field("the offset of the descriptor table", value: 64, limit: "128 to 12880")),
    Damage(
      "table at the end of time", at: 96, little(.max - 5, 8),
      .field("the offset of the descriptor table", value: .max - 5, limit: "128 to 12880")),
    Damage(
      "a stated table size that no descriptor fits in", at: 104, little(1, 8),
      .field("the size of the descriptor table", value: 1, limit: "28080 to 36864")),
    Damage(
      "a stated table size beyond the file", at: 104, little(.max, 8),
      .field("the size of the descriptor table", value: .max, limit: "28080 to 36864")),
    Damage(
      "negative table size", at: 104, little(-28080, 8),
      .field("the size of the descriptor table", value: -28080, limit: "28080 to 36864")),
    Damage(
      "a group without its mark", at: Damage.slot(0, 9), little(1, 4),
      .field("the group of object 1", value: 1, limit: "4026531840 and above")),
    Damage(
      "a link to an object that is not there", at: Damage.slot(0, 13), little(7, 4),
      .field("the link of object 1", value: 7, limit: "0, an object's id, or a group")),
    Damage(
      "a link to a group that nothing is in", at: Damage.slot(0, 13), little(0xF000_0002, 4),
      .field("the link of object 1", value: 0xF000_0002, limit: "0, an object's id, or a group")),
    Damage("a link to an object", at: Damage.slot(0, 13), little(3, 4), nil),
    Damage("a link to a group, as signatures have", at: Damage.slot(0, 13), little(0xF000_0001, 4), nil),
    Damage("no group, as signatures have", at: Damage.slot(0, 9), little(0xF000_0000, 4), nil),
    Damage(
      "negative data offset", at: 112, little(-5, 8),
      .field("the offset of the data", value: -5, limit: "0 to 40960")),
    Damage(
      "negative data size", at: 120, little(-5, 8),
      .field("the size of the data", value: -5, limit: "0 to 8784")),
    Damage("data beyond the file", at: 120, little(.max, 8), .truncated("the data")),
    Damage(
      "object id 0", at: Damage.slot(0, 5), little(0, 4),
      .field("an object's id", value: 0, limit: "1 to 48, once each")),
    Damage(
      "object id beyond the table", at: Damage.slot(0, 5), little(49, 4),
      .field("an object's id", value: 49, limit: "1 to 48, once each")),
    Damage(
      "the same object id twice", at: Damage.slot(1, 5), little(1, 4),
      .field("an object's id", value: 1, limit: "1 to 48, once each")),
    Damage(
      "negative object offset", at: Damage.slot(2, 17), little(-4096, 8),
      .field("the offset of object 3", value: -4096, limit: "32176 to 32768")),
    Damage(
      "object inside the descriptor table", at: Damage.slot(2, 17), little(8192, 8),
      .field("the offset of object 3", value: 8192, limit: "32176 to 32768")),
    Damage(
      "object offset that overflows", at: Damage.slot(2, 17), little(.max, 8),
      .field("the offset of object 3", value: .max, limit: "32176 to 32768")),
    Damage(
      "negative object size", at: Damage.slot(2, 25), little(-1, 8),
      .field("the size of object 3", value: -1, limit: "0 to 40960")),
    Damage(
      "object size that overflows", at: Damage.slot(2, 25), little(.max, 8),
      .field("the size of object 3", value: .max, limit: "0 to 40960")),
    Damage("objects that overlap", at: Damage.slot(1, 17), little(32180, 8), .overlap(first: 1, second: 2)),
    Damage("launch script of somebody else", at: 0, Array("#!/bin/rm -rf\n".utf8), nil),
    Damage("times that nobody has", at: 64, little(.min, 8), nil),
  ]

  @Test(arguments: damages) func `refuses, by field and value,`(_ damage: Damage) {
    var (start, size) = sample()
    start.replaceSubrange(damage.at..<damage.at + damage.bytes.count, with: damage.bytes)
    var fault: SIFFault?
    do throws(SIFFault) { _ = try SIFFile.read(descriptor: -1, size: size, start: start) } catch {
      fault = error
    }
    #expect(fault == damage.fault)
  }

  @Test(arguments: [
    (fileSystem: Int64(2), fault: SIFFault.fileSystem(name: "Ext3")),
    (fileSystem: 5, fault: .encrypted),
    (fileSystem: 6, fault: .encrypted),
    (fileSystem: 99, fault: .fileSystem(name: "unknown")),
  ])
  func `a primary partition that cannot be mounted is refused by what it is`(
    fileSystem: Int64, fault: SIFFault
  ) throws {
    var (start, size) = sample()
    start.replaceSubrange(Damage.slot(2, 201)..<Damage.slot(2, 205), with: little(fileSystem, 4))
    let file = try SIFFile.read(descriptor: -1, size: size, start: start)
    #expect(throws: fault) { try file.primaryPartition() }
  }

  @Test func `two primary partitions are refused`() {
    var (start, size) = sample()
    start.replaceSubrange(Damage.slot(0, 0)..<Damage.slot(0, 4), with: little(0x4004, 4))
    start.replaceSubrange(
      Damage.slot(0, 201)..<Damage.slot(0, 212), with: start[Damage.slot(2, 201)..<Damage.slot(2, 212)])
    #expect(throws: SIFFault.severalPrimaryPartitions) {
      try SIFFile.read(descriptor: -1, size: size, start: start)
    }
  }

  @Test func `without a primary partition it can be listed, not run`() throws {
    var (start, size) = sample()
    start.replaceSubrange(Damage.slot(2, 205)..<Damage.slot(2, 209), with: little(3, 4))
    let file = try SIFFile.read(descriptor: -1, size: size, start: start)
    #expect(throws: SIFFault.noPrimaryPartition) { try file.primaryPartition() }
  }

  @Test(arguments: (0..<10).map { $0 * 4096 })
  func `a file that was cut short is refused`(size: Int) {
    let (start, _) = sample()
    #expect(throws: SIFFault.self) {
      try SIFFile.read(descriptor: -1, size: size, start: Array(start.prefix(size)))
    }
  }

  @Test func `random bytes in the table never crash the reader`() {
    var random = SystemRandomNumberGenerator()
    for _ in 0..<60 {
      var (start, size) = sample()
      for _ in 0..<8 {
        start[Int.random(in: 64..<6000, using: &random)] = .random(in: 0...255, using: &random)
      }
      _ = try? SIFFile.read(descriptor: -1, size: size, start: start).primaryPartition()
    }
  }
}
