public import Content
internal import Model

/// A layer or an archive decompressed as it is read: by its first bytes, never by its media type or name,
/// since either may be wrong.
///
/// Several gzip members, zstd frames or xz streams one after the other are one content (stargz and
/// zstd:chunked layers have many), zstd's skippable frames are no content. The source is always read to its
/// end, so that what checks a digest beneath sees every byte.
@safe public final class InflatedSource: ByteSource {
  public enum Kind: String, Sendable, CaseIterable {
    case plain, gzip, zstd, xz
  }

  private let source: any ByteSource
  private let name: String
  private let isVerified: Bool
  /// Compressed bytes; those from `start` to `end` are not yet used.
  private let input: UnsafeMutableRawBufferPointer
  private var start = 0
  private var end = 0
  private var decoder: (any StreamDecoder)?
  private var isDone = false
  /// What the source turned out to be; nil before the first read.
  public private(set) var kind: Kind?

  /// Bytes read at a time.
  private static let inputSize = 128 << 10

  /// `name` is for messages. `isVerified`: the source checks its bytes against a digest, so that something
  /// else behind the compressed stream was meant to be there and is ignored; otherwise only zeros are, the
  /// padding of tapes.
  public init(_ source: any ByteSource, name: String, isVerified: Bool = false) {
    self.source = source
    self.name = name
    self.isVerified = isVerified
    unsafe input = .allocate(byteCount: Self.inputSize, alignment: 16)
  }

  deinit { unsafe input.deallocate() }

  /// What begins with those bytes; six are enough. RFC 1952, section 2.3.1; RFC 8878, sections 3.1.1 and
  /// 3.1.2; "The .xz File Format", section 2.1.1.1.
  public static func kind(of first: [UInt8]) -> Kind {
    if first.starts(with: [0x1F, 0x8B]) { return .gzip }
    if first.starts(with: [0x28, 0xB5, 0x2F, 0xFD]) { return .zstd }
    if first.count >= 4, first[0] & 0xF0 == 0x50, first[1...].starts(with: [0x2A, 0x4D, 0x18]) {
      return .zstd
    }
    return first.starts(with: [0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00]) ? .xz : .plain
  }

  public func read(into buffer: UnsafeMutableRawBufferPointer) throws(ContentFault) -> Int {
    if kind == nil { try begin() }
    guard let decoder else { return unsafe try pass(into: buffer) }
    while !isDone {
      let step = unsafe decoder.decode(UnsafeRawBufferPointer(rebasing: input[start..<end]), into: buffer)
      start += step.read
      switch step.outcome {
      case .damaged: throw fault("is damaged")
      case .tooLarge: throw fault("needs more memory than is allowed or there is")
      case .ended: isDone = try !findNextMember(decoder)
      case .going:
        if step.written == 0, start < end, step.read == 0 { throw fault("is damaged") }
        if step.written == 0, start == end, try !refill() { throw fault("is truncated") }
      }
      if step.written > 0 { return step.written }
    }
    return 0
  }

  private func begin() throws(ContentFault) {
    let kind = Self.kind(of: try firstBytes())
    switch kind {
    case .plain: decoder = nil
    case .gzip: decoder = GzipDecoder()
    case .zstd: decoder = ZstdDecoder()
    case .xz: decoder = XZDecoder()
    }
    self.kind = kind
    if kind != .plain, decoder == nil { throw fault("needs more memory than there is") }
  }

  /// The next bytes of a source that is not compressed.
  private func pass(into buffer: UnsafeMutableRawBufferPointer) throws(ContentFault) -> Int {
    guard start < end else { return unsafe try source.read(into: buffer) }
    let count = min(buffer.count, end - start)
    unsafe buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: input[start..<start + count]))
    start += count
    return count
  }

  /// Stands behind a member: goes on to the next one, or reads to the end of the source and returns false.
  private func findNextMember(_ decoder: any StreamDecoder) throws(ContentFault) -> Bool {
    while true {
      while start < end, unsafe input[start] == 0 { start += 1 }
      if start < end { break }
      guard try refill() else { return false }
    }
    if Self.kind(of: try firstBytes()) == kind {
      guard decoder.restart() else { throw fault("needs more memory than there is") }
      return true
    }
    guard isVerified else { throw fault("is followed by something else") }
    repeat { start = end } while try refill()
    return false
  }

  /// As many of the next six bytes as there are, which stay where they are.
  private func firstBytes() throws(ContentFault) -> [UInt8] {
    while end - start < 6, try refill() {}
    return unsafe Array(input[start..<min(end, start + 6)])
  }

  /// Reads more behind what is not yet used. False at the end of the source.
  private func refill() throws(ContentFault) -> Bool {
    if start > 0 {
      // At most a few bytes are left when this is called.
      unsafe input.copyMemory(from: UnsafeRawBufferPointer(rebasing: input[start..<end]))
      end -= start
      start = 0
    }
    let count = try unsafe source.read(into: UnsafeMutableRawBufferPointer(rebasing: input[end...]))
    end += count
    return count > 0
  }

  private func fault(_ what: String) -> ContentFault {
    .source(
      Explanation(
        what: "cannot decompress \(printable(name))", why: "its \(kind?.rawValue ?? "") data \(what)",
        remedy: "get it anew; if that does not help the source is damaged"))
  }
}
