internal import Tree

/// The contents to be written, cut into units of work in the order in which their bytes will lie.
struct DataPlan: Sendable {
  /// What one thread does in one go.
  enum Unit: Sendable {
    /// Files smaller than a block: read and hashed, packed into fragments later.
    case small([Int])
    /// Consecutive blocks of one file: read and compressed.
    case blocks(file: Int, first: Int, count: Int)
  }

  /// Bytes of a unit, about: large enough that handing it out costs nothing, small enough to share the work evenly.
  private static let unitBytes = 512 << 10
  private static let unitFiles = 64

  let contents: [FileContent]
  let blockSize: Int
  private(set) var units: [Unit] = []
  /// Large files that repeat an earlier one.
  let repeats: [Int: Int]

  init(_ contents: [FileContent], blockSize: Int) throws(TreeFault) {
    self.contents = contents
    self.blockSize = blockSize
    repeats = try Duplicates.find(
      contents.enumerated().filter { $0.element.size >= blockSize }.map { ($0.offset, $0.element) })
    var small: [Int] = []
    var bytes = 0
    func close(_ units: inout [Unit]) {
      if !small.isEmpty { units.append(.small(small)) }
      small = []
      bytes = 0
    }
    for (index, content) in contents.enumerated() where content.size > 0 {
      if content.size < blockSize {
        small.append(index)
        bytes += content.size
        if bytes >= Self.unitBytes || small.count >= Self.unitFiles { close(&units) }
        continue
      }
      close(&units)
      if repeats[index] != nil { continue }
      let count = (content.size + blockSize - 1) / blockSize
      let step = max(1, Self.unitBytes / blockSize)
      for first in stride(from: 0, to: count, by: step) {
        units.append(.blocks(file: index, first: first, count: min(step, count - first)))
      }
    }
    close(&units)
  }

  /// Bytes of a block of a file; the last may be short.
  func size(ofBlock block: Int, of file: Int) -> Int {
    min(blockSize, contents[file].size - block * blockSize)
  }
}
