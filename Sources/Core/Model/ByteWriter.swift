/// Collects little-endian integers and bytes of a structure to be written.
public struct ByteWriter: Sendable {
  public private(set) var bytes: [UInt8] = []

  public init(reserving capacity: Int = 0) { bytes.reserveCapacity(capacity) }

  public var count: Int { bytes.count }

  public mutating func put<T: FixedWidthInteger>(_ value: T) {
    var left = T.Magnitude(truncatingIfNeeded: value)
    for _ in 0..<MemoryLayout<T>.size {
      bytes.append(UInt8(truncatingIfNeeded: left))
      left = MemoryLayout<T>.size > 1 ? left >> 8 : 0
    }
  }

  public mutating func put(_ more: some Sequence<UInt8>) { bytes.append(contentsOf: more) }

  /// Zeros up to a size; nothing when it is there already.
  public mutating func pad(to size: Int) {
    if bytes.count < size { bytes.append(contentsOf: repeatElement(0, count: size - bytes.count)) }
  }

  public mutating func removeAll() { bytes.removeAll(keepingCapacity: true) }

  public mutating func removeFirst(_ count: Int) { bytes.removeFirst(count) }
}
