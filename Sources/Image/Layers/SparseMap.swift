/// Where the bytes of a sparse file belong.
struct SparseMap {
  var stretches: [SparseStretch]
  /// Bytes of the file, holes included.
  var fileSize: Int
  /// Bytes in the archive.
  var stored: Int

  /// GNU tar's old form: in the header and in blocks behind it, 21 pairs each and a byte that says whether
  /// more follow.
  static func gnu(
    _ header: TarHeader, stored: Int, block: () throws(TarFailure) -> [UInt8]
  ) throws(TarFailure) -> SparseMap {
    var (stretches, hasMore, size) = try TarFailure.parsing { () throws(EntryFault) in try header.sparse() }
    while hasMore {
      let block = try block()
      stretches += try TarFailure.parsing { () throws(EntryFault) in try SparseStretch.parse(block[..<504]) }
      hasMore = block[504] != 0
    }
    return SparseMap(stretches: stretches, fileSize: size, stored: stored)
  }

  /// The forms of extended headers: 0.0 and 0.1 have the map there, 1.0 has it as lines of text before the
  /// content.
  static func pax(
    _ records: ExtendedHeader.SparseRecords, stored: Int, block: () throws(TarFailure) -> [UInt8]
  ) throws(TarFailure) -> SparseMap {
    guard let size = records.size, records.pendingOffset == nil else { throw .entry(.sparseMap) }
    var map = SparseMap(stretches: records.stretches, fileSize: size, stored: stored)
    switch (records.major ?? 0, records.minor ?? 0) {
    case (0, 0), (0, 1): break
    case (1, 0):
      var lines = MapLines()
      while !lines.isComplete {
        guard map.stored >= TarHeader.blockSize else { throw .entry(.sparseMap) }
        map.stored -= TarHeader.blockSize
        let block = try block()
        try TarFailure.parsing { () throws(EntryFault) in try lines.add(block) }
      }
      map.stretches = lines.stretches
    default: throw .entry(.sparseMap)
    }
    return map
  }
}

/// The map of form 1.0: a line with the count of stretches, then for each a line with its offset and one with
/// its size, in whole blocks.
private struct MapLines {
  private var count: Int?
  private var number: Int?
  private var offset: Int?
  private(set) var stretches: [SparseStretch] = []

  var isComplete: Bool { count == stretches.count }

  mutating func add(_ block: [UInt8]) throws(EntryFault) {
    for byte in block where !isComplete {
      switch byte {
      case 0x30...0x39:
        let (tens, isBeyond) = (number ?? 0).multipliedReportingOverflow(by: 10)
        let (sum, isAbove) = tens.addingReportingOverflow(Int(byte & 15))
        if isBeyond || isAbove { throw .sparseMap }
        number = sum
      case 0x0A:
        guard let number else { throw .sparseMap }
        self.number = nil
        if count == nil {
          count = number
        } else if let offset {
          stretches.append(SparseStretch(offset: offset, size: number))
          self.offset = nil
        } else {
          offset = number
        }
      default: throw .sparseMap
      }
    }
  }
}
