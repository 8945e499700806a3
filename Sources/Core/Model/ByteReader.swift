/// Why bytes could not be read as a structure.
public struct TruncatedFault: Error, Equatable, Sendable {
  /// Offset from the start of the structure, in bytes.
  public let offset: Int
  public let wanted: Int
  public let have: Int

  public init(offset: Int, wanted: Int, have: Int) {
    self.offset = offset
    self.wanted = wanted
    self.have = have
  }
}

/// Reads little-endian integers from bytes that nobody has checked yet.
@frozen public struct ByteReader: ~Escapable {
  @usableFromInline let bytes: RawSpan
  /// Bytes taken so far.
  public var offset = 0

  @_lifetime(copy bytes)
  @inlinable public init(_ bytes: RawSpan) { self.bytes = bytes }

  @inlinable public var remaining: Int { bytes.byteCount - offset }

  @_lifetime(self: copy self)
  @inlinable public mutating func take<T: FixedWidthInteger & BitwiseCopyable>(_: T.Type = T.self)
    throws(TruncatedFault) -> T
  {
    let size = MemoryLayout<T>.size
    guard remaining >= size else { throw TruncatedFault(offset: offset, wanted: size, have: remaining) }
    defer { offset += size }
    // In range: checked above.
    return unsafe T(littleEndian: bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: T.self))
  }

  /// The next `count` bytes, copied.
  @_lifetime(self: copy self)
  @inlinable public mutating func take(count: Int) throws(TruncatedFault) -> [UInt8] {
    guard count >= 0, remaining >= count else {
      throw TruncatedFault(offset: offset, wanted: count, have: remaining)
    }
    let start = offset
    offset += count
    // In range: checked above.
    return (0..<count).map { unsafe bytes.unsafeLoad(fromByteOffset: start + $0, as: UInt8.self) }
  }

  @_lifetime(self: copy self)
  @inlinable public mutating func skip(_ count: Int) throws(TruncatedFault) {
    guard count >= 0, remaining >= count else {
      throw TruncatedFault(offset: offset, wanted: count, have: remaining)
    }
    offset += count
  }
}
