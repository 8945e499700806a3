/// Whether a block holds nothing but zeros: then it takes no room in an image.
public func isZero(_ bytes: [UInt8]) -> Bool {
  unsafe bytes.withUnsafeBytes { bytes in
    var offset = 0
    while bytes.count - offset >= 8 {
      // In range: 8 bytes are left.
      if unsafe bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self) != 0 { return false }
      offset += 8
    }
    return unsafe bytes[offset...].allSatisfy { $0 == 0 }
  }
}
