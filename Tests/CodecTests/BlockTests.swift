import Codec
import Testing

@Suite struct BlockTests {
  static let samples: [[UInt8]] = [
    [1], Array("some words, some words, some words".utf8), [UInt8](repeating: 0, count: 8192),
    (0..<131072).map { UInt8(truncatingIfNeeded: $0 &* $0 >> 7) },
    (0..<1 << 20).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 13) },
  ]

  static func encode(_ bytes: [UInt8], _ compressor: Compressor, level: Int? = nil, room: Int? = nil)
    -> [UInt8]?
  {
    guard let encoder = BlockEncoder(compressor, level: level) else { return nil }
    var output = [UInt8](repeating: 0, count: room ?? bytes.count * 2 + 1024)
    guard
      let count = output.withUnsafeMutableBytes({ target in
        bytes.withUnsafeBytes { encoder.encode($0, into: target) }
      })
    else { return nil }
    return Array(output.prefix(count))
  }

  static func decode(_ bytes: [UInt8], _ compressor: Compressor, room: Int) throws -> [UInt8] {
    let decoder = try BlockDecoder(compressor)
    var output = [UInt8](repeating: 0xAA, count: room)
    let count = try output.withUnsafeMutableBytes { target in
      try bytes.withUnsafeBytes { try decoder.decode($0, into: target) }
    }
    return Array(output.prefix(count))
  }

  @Test(arguments: BlockEncoder.supported, samples.indices)
  func roundTrips(compressor: Compressor, sample: Int) throws {
    let bytes = Self.samples[sample]
    let level = compressor == .xz ? 1 : nil
    let encoded = try #require(Self.encode(bytes, compressor, level: level))
    #expect(try Self.decode(encoded, compressor, room: bytes.count) == bytes)
    #expect(try Self.decode(encoded, compressor, room: bytes.count + 100) == bytes)
  }

  @Test(arguments: BlockEncoder.supported)
  func `a block that decodes to more than its room is a fault`(compressor: Compressor) throws {
    let encoded = try #require(Self.encode(Self.samples[3], compressor, level: 1))
    #expect(throws: CodecFault.corrupt(compressor)) {
      try Self.decode(encoded, compressor, room: Self.samples[3].count - 1)
    }
  }

  @Test(arguments: BlockEncoder.supported)
  func `a block that does not shrink is refused a room of its own size`(compressor: Compressor) {
    var seed: UInt64 = 1
    let noise = (0..<4096).map { _ in
      seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return UInt8(truncatingIfNeeded: seed >> 56)
    }
    #expect(Self.encode(noise, compressor, level: 1, room: noise.count) == nil)
  }

  @Test(arguments: Compressor.allCases)
  func `damage is a fault or other bytes, never a crash`(compressor: Compressor) throws {
    let encoded =
      Self.encode(Self.samples[1], compressor, level: 1) ?? [
        0x5D, 0, 0, 1, 0, 34, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3,
      ]
    for place in encoded.indices {
      for value: UInt8 in [0, 0xFF, encoded[place] ^ 1, encoded[place] ^ 0x80] {
        var changed = encoded
        changed[place] = value
        _ = try? Self.decode(changed, compressor, room: 64)
      }
    }
    for count in 0..<encoded.count {
      _ = try? Self.decode(Array(encoded.prefix(count)), compressor, room: 64)
    }
  }

  @Test(arguments: [Compressor.gzip, .xz, .zstd, .lz4, .lzo])
  func `bytes behind the end of the stream are a fault`(compressor: Compressor) throws {
    let encoded = try #require(Self.encode(Self.samples[1], compressor, level: 1))
    #expect(throws: CodecFault.self) { try Self.decode(encoded + [7, 7, 7, 7], compressor, room: 34) }
  }

  @Test func `an xz dictionary of 64 MiB gets no memory`() throws {
    // xz --check=crc32 --lzma2=dict=64MiB of the one byte "a".
    var xz: [UInt8] = [
      0xFD, 0x37, 0x7A, 0x58, 0x5A, 0, 0, 1, 0x69, 0x22, 0xDE, 0x36, 2, 0, 0x21, 1, 0x1C, 0, 0, 0, 0x10, 0xCF,
      0x58,
      0xCC, 1, 0, 0, 0x61, 0, 0, 0, 0, 0x43, 0xBE, 0xB7, 0xE8, 0, 1, 0x15, 1, 0x9F, 0xDD, 0xD2, 0xFD, 0x90,
      0x42, 0x99,
      0x0D, 1, 0, 0, 0, 0, 1, 0x59, 0x5A,
    ]
    #expect(throws: CodecFault.corrupt(.xz)) { try Self.decode(xz, .xz, room: 64) }
    xz.removeLast()
    #expect(throws: CodecFault.corrupt(.xz)) { try Self.decode(xz, .xz, room: 64) }
  }

  @Test func `a zstd window of 128 MiB takes no memory, for a block is decoded in one go`() throws {
    // Frame with a window descriptor of 2^27 and one raw block of the byte "a".
    let zstd: [UInt8] = [0x28, 0xB5, 0x2F, 0xFD, 0x00, 0x88, 0x09, 0x00, 0x00, 0x61]
    #expect(try Self.decode(zstd, .zstd, room: 64) == [0x61])
  }

  @Test func `compressors have the numbers and names of the format`() {
    #expect(Compressor.allCases.map(\.rawValue) == [1, 2, 3, 4, 5, 6])
    for compressor in Compressor.allCases { #expect(Compressor(name: compressor.name) == compressor) }
    #expect(Compressor(name: "brotli") == nil)
  }
}
