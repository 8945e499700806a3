import CZlib
import Content
import Layers
import Model
import Testing

/// `apus ` twenty times, as programs compress it: gzip -9n, zstd -19 --check, xz -6.
enum Compressed {
  static let text = Array(String(repeating: "apus ", count: 20).utf8)
  static let gzip = bytes("1f8b08000000000002034b2c282d5648a42d0100d53a170564000000")
  static let zstd = bytes("28b52ffd046865000028617075732001008ca968015bc0f160")
  static let xz = bytes(
    "fd377a585a000004e6d6b4460200210116000000742fe5a3e00063000b5d00309c0b037f2505b3df00000000e27d2dbbc71ae4d400012764"
      + "0fa29cb01fb6f37d010000000004595a")
  /// A skippable frame of three bytes.
  static let skippable = bytes("532a4d1803000000" + "aabbcc")
  /// The same text with an extra field, a name, a comment and the check of the header.
  static let wholeHeader = bytes(
    "1f8b081e0000000000ff050061620100786e006300e1274b2c282d5648a42d0100d53a170564000000")
  /// A member without a byte.
  static let emptyMember = bytes("1f8b080000000000000303000000000000000000")

  static func bytes(_ digits: String) -> [UInt8] {
    let digits = Array(digits)
    return stride(from: 0, to: digits.count, by: 2).compactMap {
      UInt8(String(digits[$0...$0 + 1]), radix: 16)
    }
  }
}

@Suite struct InflatedSourceTests {
  static func inflated(_ bytes: [UInt8], isVerified: Bool = false, step: Int = 1 << 20) throws -> [UInt8] {
    try InflatedSource(Trickle(bytes, step: step), name: "blob", isVerified: isVerified)
      .readAll(limit: 1 << 24, name: "blob")
  }

  @Test(
    arguments: [
      ([], .plain), ([0x1F], .plain), ([0x1F, 0x8B], .gzip), ([0x28, 0xB5, 0x2F, 0xFD], .zstd),
      ([0x28, 0xB5, 0x2F], .plain), ([0x5F, 0x2A, 0x4D, 0x18], .zstd), ([0x60, 0x2A, 0x4D, 0x18], .plain),
      ([0xFD, 0x37, 0x7A, 0x58, 0x5A, 0], .xz), ([0xFD, 0x37, 0x7A, 0x58, 0x5A], .plain),
      (Array("etc/passwd".utf8), .plain),
    ] as [([UInt8], InflatedSource.Kind)])
  func `the first bytes say what it is`(bytes: [UInt8], kind: InflatedSource.Kind) {
    #expect(InflatedSource.kind(of: bytes) == kind)
  }

  static let text = Compressed.text
  @Test(
    arguments: [
      ("nothing", [], []), ("one byte", [0x1F], [0x1F]), ("plain", text, text),
      ("gzip", Compressed.gzip, text), ("two members", Compressed.gzip + Compressed.gzip, text + text),
      ("an empty member between", Compressed.gzip + Compressed.emptyMember + Compressed.gzip, text + text),
      ("a header with all fields", Compressed.wholeHeader + Compressed.wholeHeader, text + text),
      ("gzip and zeros", Compressed.gzip + [UInt8](repeating: 0, count: 1000), text),
      ("zstd", Compressed.zstd, text), ("two frames", Compressed.zstd + Compressed.zstd, text + text),
      ("skippable frame before", Compressed.skippable + Compressed.zstd, text),
      (
        "skippable frames between and behind",
        Compressed.zstd + Compressed.skippable + Compressed.zstd + Compressed.skippable, text + text
      ),
      ("xz", Compressed.xz, text),
      ("two streams", Compressed.xz + [0, 0, 0, 0] + Compressed.xz, text + text),
    ] as [(String, [UInt8], [UInt8])], [1, 7, 1 << 20])
  func `all members, frames and streams are read`(
    row: (name: String, bytes: [UInt8], text: [UInt8]), step: Int
  )
    throws
  {
    #expect(try Self.inflated(row.bytes, step: step) == row.text, "\(row.name)")
  }

  static let kinds: [(String, [UInt8])] = [
    ("gzip", Compressed.gzip), ("zstd", Compressed.zstd), ("xz", Compressed.xz),
  ]

  @Test(arguments: kinds) func `a stream that is cut anywhere is refused`(name: String, bytes: [UInt8]) {
    for count in 6..<bytes.count {
      let why = Self.why { _ = try Self.inflated(Array(bytes[..<count]), isVerified: true, step: 5) }
      #expect(why == "its \(name) data is truncated", "\(count) bytes")
    }
  }

  @Test(arguments: kinds) func `a stream whose check is wrong is refused`(name: String, bytes: [UInt8]) {
    var bytes = bytes
    // The CRC of gzip, the checksum of zstd, the CRC32 in the footer of xz.
    bytes[name == "gzip" ? 20 : name == "zstd" ? 22 : 61] ^= 1
    #expect(Self.why { _ = try Self.inflated(bytes) } == "its \(name) data is damaged")
  }

  /// Each byte of a header, one bit of it changed: what zlib refuses is refused, however it comes.
  @Test func `a damaged header of gzip is to us what it is to zlib`() {
    for place in 2..<23 {
      for bit in 0..<8 {
        var bytes = Compressed.wholeHeader
        bytes[place] ^= UInt8(1 << bit)
        let expected = Zlib.gunzip(bytes, limit: 1000)
        for step in [1, 3, 1000] {
          #expect(
            (try? Self.inflated(bytes, step: step)) == expected, "byte \(place), bit \(bit), step \(step)")
        }
      }
    }
  }

  @Test(arguments: kinds) func `something else behind a stream is ignored only under a digest`(
    name: String, bytes: [UInt8]
  ) throws {
    let bytes = bytes + Array("junk".utf8)
    #expect(try Self.inflated(bytes, isVerified: true) == Self.text)
    #expect(Self.why { _ = try Self.inflated(bytes) } == "its \(name) data is followed by something else")
  }

  @Test func `the source is read to its end, so that its digest is checked`() {
    let bytes = Compressed.gzip + [UInt8](repeating: 1, count: 300_000)
    let source = VerifiedSource(
      MemorySource(bytes), name: "blob", digest: .of(bytes + [1]), size: bytes.count)
    #expect(throws: ContentFault.self) {
      try InflatedSource(source, name: "blob", isVerified: true).readAll(limit: 1000, name: "blob")
    }
  }

  /// What zlib says is the measure: bytes that were damaged anywhere are refused by both, or mean the same to both.
  @Test func `damaged gzip data is to us what it is to zlib`() throws {
    var random = SystemRandomNumberGenerator()
    let seed = UInt64.random(in: 0 ..< .max, using: &random)
    var state = seed
    func next(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % bound
    }
    // Repeats and noise, so that all kinds of blocks and far matches are there.
    let text = (0..<200_000).map { _ in UInt8(next(8) == 0 ? next(256) : 97 + next(4)) }
    let whole = try Zlib.gzip(text, level: 1 + Int32(next(9)))
    #expect(try Self.inflated(whole) == text)
    for round in 0..<2000 {
      var bytes = whole
      for _ in 0...next(3) {
        let place = next(round % 2 == 0 ? bytes.count : 400)
        if next(4) == 0 {
          bytes.removeSubrange(place..<min(bytes.count, place + 1 + next(9)))
        } else {
          bytes[min(place, bytes.count - 1)] ^= UInt8(1 << next(8))
        }
      }
      guard InflatedSource.kind(of: bytes) == .gzip else { continue }
      let expected = Zlib.gunzip(bytes, limit: 1 << 22)
      let found = try? Self.inflated(bytes, step: 1 + next(100_000))
      #expect(found == expected, "seed \(seed), round \(round)")
    }
  }

  @Test func `a large window of zstd is refused`() {
    // Magic, a frame header with a window of 2^28 bytes, an empty last block.
    let bytes: [UInt8] = [0x28, 0xB5, 0x2F, 0xFD, 0x00, 18 << 3, 0x01, 0, 0]
    #expect(Self.why { _ = try Self.inflated(bytes) }?.hasPrefix("its zstd data needs more memory") == true)
  }

  @Test func `what a stream turned out to be is known after the first read`() throws {
    let source = InflatedSource(MemorySource(Compressed.xz), name: "blob")
    #expect(source.kind == nil)
    #expect(try source.readAll(limit: 100, name: "blob") == Self.text)
    #expect(source.kind == .xz)
  }

  /// The reason of the fault; nil without one.
  static func why(_ body: () throws -> Void) -> String? {
    do {
      try body()
      return nil
    } catch ContentFault.source(let explanation) { return explanation.why } catch { return "\(error)" }
  }
}

/// The oracle for gzip.
private enum Zlib {
  static func gzip(_ bytes: [UInt8], level: Int32) throws -> [UInt8] {
    var stream = z_stream()
    try #require(
      deflateInit2_(
        &stream, level, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
        Int32(MemoryLayout<z_stream>.size)) == Z_OK)
    defer { deflateEnd(&stream) }
    var input = bytes
    return input.withUnsafeMutableBufferPointer { input in
      [UInt8](unsafeUninitializedCapacity: input.count + 1000) { output, count in
        (stream.next_in, stream.avail_in) = (input.baseAddress, UInt32(input.count))
        (stream.next_out, stream.avail_out) = (output.baseAddress, UInt32(output.count))
        count = deflate(&stream, Z_FINISH) == Z_STREAM_END ? output.count - Int(stream.avail_out) : 0
      }
    }
  }

  /// One member and nothing behind it; nil: refused.
  static func gunzip(_ bytes: [UInt8], limit: Int) -> [UInt8]? {
    var stream = z_stream()
    guard inflateInit2_(&stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
      return nil
    }
    defer { inflateEnd(&stream) }
    var input = bytes
    var isWhole = false
    let output = input.withUnsafeMutableBufferPointer { input in
      [UInt8](unsafeUninitializedCapacity: limit) { output, count in
        (stream.next_in, stream.avail_in) = (input.baseAddress, UInt32(input.count))
        (stream.next_out, stream.avail_out) = (output.baseAddress, UInt32(limit))
        isWhole = inflate(&stream, Z_FINISH) == Z_STREAM_END && stream.avail_in == 0
        count = limit - Int(stream.avail_out)
      }
    }
    return isWhole ? output : nil
  }
}
