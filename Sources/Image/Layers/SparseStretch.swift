/// A stretch of a sparse file that has bytes in the archive; the rest of the file is zeros.
struct SparseStretch: Equatable {
  /// In the file.
  let offset: Int
  let size: Int

  /// Pairs of 12 bytes each in a header of GNU tar; the first empty pair ends them.
  static func parse(_ bytes: ArraySlice<UInt8>) throws(EntryFault) -> [SparseStretch] {
    var stretches: [SparseStretch] = []
    var rest = bytes
    while rest.count >= 24, rest[rest.startIndex] != 0 {
      let middle = rest.startIndex + 12
      guard let offset = TarNumber.parse(rest[rest.startIndex..<middle]),
        let size = TarNumber.parse(rest[middle..<middle + 12])
      else { throw .sparseMap }
      stretches.append(SparseStretch(offset: offset, size: size))
      rest = rest[(middle + 12)...]
    }
    return stretches
  }

  /// The stretches that hold bytes, after a check: in order, apart, within `fileSize`, and `stored` bytes in
  /// all.
  static func check(
    _ stretches: [SparseStretch], fileSize: Int, stored: Int
  ) throws(EntryFault) -> [SparseStretch] {
    var end = 0
    var sum = 0
    for stretch in stretches {
      guard stretch.size >= 0, stretch.offset >= end, stretch.offset <= fileSize,
        stretch.size <= fileSize - stretch.offset
      else { throw .sparseMap }
      end = stretch.offset + stretch.size
      // No overflow: stretches lie apart within the file.
      sum += stretch.size
    }
    guard sum == stored else { throw .sparseMap }
    return stretches.filter { $0.size > 0 }
  }
}
