internal import Tree

/// Finding files of equal content.
enum Duplicates {
  /// Bytes read at a time.
  private static let piece = 256 << 10

  /// Whether both sources have the same bytes now. A source that cannot be read is no duplicate.
  static func areEqual(_ one: FileContent, _ two: FileContent) -> Bool {
    guard one.size == two.size, let first = try? one.open(), let second = try? two.open() else {
      return false
    }
    var a = [UInt8](repeating: 0, count: piece)
    var b = a
    var offset = 0
    while offset < one.size {
      let count = min(piece, one.size - offset)
      guard fill(&a, first, at: offset, count), fill(&b, second, at: offset, count),
        a[..<count] == b[..<count]
      else {
        return false
      }
      offset += count
    }
    return true
  }

  private static func fill(
    _ bytes: inout [UInt8], _ reader: borrowing ContentReader, at offset: Int, _ count: Int
  ) -> Bool {
    unsafe bytes.withUnsafeMutableBytes { buffer in
      let room = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[..<count])
      return (try? unsafe reader.read(at: offset, into: room)) != nil
    }
  }

  static func hash(_ content: FileContent) throws(TreeFault) -> ContentHash {
    var hash = ContentHash()
    let reader = try content.open()
    var bytes = [UInt8](repeating: 0, count: piece)
    var offset = 0
    while offset < content.size {
      let count = min(piece, content.size - offset)
      var failure: TreeFault?
      unsafe bytes.withUnsafeMutableBytes { buffer in
        let room = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[..<count])
        do throws(TreeFault) {
          try unsafe reader.read(at: offset, into: room)
          unsafe hash.add(UnsafeRawBufferPointer(room))
        } catch { failure = error }
      }
      if let failure { throw failure }
      offset += count
    }
    return hash
  }

  /// For each large file that equals an earlier one: that one. Only files that share their size are read.
  static func find(_ files: [(index: Int, content: FileContent)]) throws(TreeFault) -> [Int: Int] {
    var bySize: [Int: [Int]] = [:]
    for (position, file) in files.enumerated() { bySize[file.content.size, default: []].append(position) }
    var found: [Int: Int] = [:]
    for (position, file) in files.enumerated() {
      guard let group = bySize[file.content.size], group.count > 1, group.first == position else { continue }
      var originals: [ContentHash: [Int]] = [:]
      for member in group {
        let candidate = files[member]
        let hash = try hash(candidate.content)
        if let original = originals[hash]?.first(where: { areEqual(files[$0].content, candidate.content) }) {
          found[candidate.index] = files[original].index
        } else {
          originals[hash, default: []].append(member)
        }
      }
    }
    return found
  }
}
