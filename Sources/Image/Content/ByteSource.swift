internal import Glibc
public import Linux
public import Model

/// Bytes that come one after the other and have an end: a blob of a registry, a stretch of a file, a decompressed layer.
/// One thread at a time reads a source.
public protocol ByteSource: AnyObject {
  /// Puts the next bytes at the start of `buffer` and returns how many, at least one; 0 only at the end. `buffer` is not
  /// empty.
  func read(into buffer: UnsafeMutableRawBufferPointer) throws(ContentFault) -> Int

  /// Passes over up to `count` bytes and returns how many, 0 only at the end. A source that can goes there without
  /// reading.
  func skip(_ count: Int) throws(ContentFault) -> Int
}

extension ByteSource {
  public func skip(_ count: Int) throws(ContentFault) -> Int {
    var piece = [UInt8](repeating: 0, count: min(count, 64 << 10))
    return try read(into: &piece)
  }
}

/// Why bytes did not come, or are not those that were promised.
public enum ContentFault: Error, Equatable, Sendable {
  /// Whatever the source has to say.
  case source(Explanation)
  case digest(of: String, expected: Digest, found: Digest)
  /// More or fewer bytes than the descriptor says; `found` counts what came until then.
  case size(of: String, expected: Int, found: Int)
}

extension ContentFault: Explained {
  public var explanation: Explanation {
    switch self {
    case .source(let explanation): explanation
    case .digest(let name, let expected, let found):
      Explanation(
        what: "cannot use \(printable(name))",
        why: "its bytes are not those it names: digest \(found.text) instead of \(expected.text)",
        remedy: "get it anew; if that does not help the source is damaged")
    case .size(let name, let expected, let found):
      Explanation(
        what: "cannot use \(printable(name))",
        why: "it has \(found) bytes or more, and should have \(expected)",
        remedy: "get it anew; if that does not help the source is damaged")
    }
  }
}

extension ByteSource {
  /// All bytes up to the end, refused beyond `limit`.
  public func readAll(limit: Int, name: String) throws(ContentFault) -> [UInt8] {
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 64 << 10)
    while true {
      let count = try read(into: &piece)
      if count == 0 { return bytes }
      guard bytes.count + count <= limit else {
        throw .size(of: name, expected: limit, found: bytes.count + count)
      }
      bytes += piece[..<count]
    }
  }

  /// Reads up to the end and forgets the bytes: what a source checks at its end is checked.
  public func drain() throws(ContentFault) {
    var piece = [UInt8](repeating: 0, count: 64 << 10)
    while try read(into: &piece) > 0 {}
  }

  /// The next bytes into an array.
  public func read(into piece: inout [UInt8]) throws(ContentFault) -> Int {
    var failure: ContentFault?
    let count = unsafe piece.withUnsafeMutableBytes { buffer in
      do throws(ContentFault) { return unsafe try read(into: buffer) } catch {
        failure = error
        return 0
      }
    }
    if let failure { throw failure }
    return count
  }
}

/// Bytes in memory.
public final class MemorySource: ByteSource {
  private let bytes: [UInt8]
  private var offset = 0

  public init(_ bytes: [UInt8]) { self.bytes = bytes }

  public func read(into buffer: UnsafeMutableRawBufferPointer) throws(ContentFault) -> Int {
    let count = min(buffer.count, bytes.count - offset)
    unsafe bytes.withUnsafeBytes {
      unsafe buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[offset..<offset + count]))
    }
    offset += count
    return count
  }
}

/// A stretch of an open file, read with pread: many sources may share a descriptor.
public final class FileSource: ByteSource {
  private let descriptor: Descriptor
  private let name: String
  private var offset: Int
  private let end: Int

  /// `name` is for messages.
  public init(_ descriptor: consuming Descriptor, name: String, offset: Int, size: Int) {
    self.descriptor = descriptor
    self.name = name
    self.offset = offset
    end = offset + size
  }

  public func read(into buffer: UnsafeMutableRawBufferPointer) throws(ContentFault) -> Int {
    let wanted = min(buffer.count, end - offset)
    guard wanted > 0 else { return 0 }
    let piece = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[..<wanted])
    let count: Int
    do throws(SystemCallFault) {
      count = try unsafe File.read(descriptor.number, at: offset, into: piece)
    } catch {
      throw .source(
        Explanation(
          what: "cannot read \(printable(name))", why: error.explanation.why, remedy: error.explanation.remedy
        ))
    }
    guard count > 0 else {
      throw .source(
        Explanation(
          what: "cannot read \(printable(name))", why: "it ends before its content does",
          remedy: "get it anew; a full disk or a broken transfer leaves such files"))
    }
    offset += count
    return count
  }

  public func skip(_ count: Int) throws(ContentFault) -> Int {
    let step = min(count, end - offset)
    offset += step
    return step
  }
}

/// Passes bytes on and checks them: too many are refused at once, too few and others at the end.
public final class VerifiedSource: ByteSource {
  private let source: any ByteSource
  private let name: String
  private let digest: Digest
  private let size: Int?
  private let hasher: DigestHasher
  private var count = 0
  private var isDone = false

  /// `size` nil: not known beforehand.
  public init(_ source: any ByteSource, name: String, digest: Digest, size: Int?) {
    self.source = source
    self.name = name
    self.digest = digest
    self.size = size
    hasher = DigestHasher(digest.algorithm)
  }

  public func read(into buffer: UnsafeMutableRawBufferPointer) throws(ContentFault) -> Int {
    if isDone { return 0 }
    let got = try unsafe source.read(into: buffer)
    count += got
    if let size, count > size || got == 0 && count < size {
      throw .size(of: name, expected: size, found: count)
    }
    guard got == 0 else {
      unsafe hasher.add(UnsafeRawBufferPointer(rebasing: buffer[..<got]))
      return got
    }
    isDone = true
    let found = hasher.finish()
    guard found == digest else { throw .digest(of: name, expected: digest, found: found) }
    return 0
  }
}
