internal import Squashfs
internal import Tree

/// Brings what the threads have read and compressed into order: packs small files into fragments, drops those that
/// repeat, and lays blocks and fragments one behind the other. One thread at a time holds it, unit by unit in the
/// order of the plan, so that the result does not depend on who was faster.
struct Packer: Sendable {
  /// What a thread made of a unit.
  enum Product: Sendable {
    /// The contents of the files one behind the other, and the hash of each.
    case small(bytes: [UInt8], hashes: [ContentHash])
    /// A block each: stored bytes, none for zeros.
    case blocks([(size: StoredSize, bytes: [UInt8])])
  }

  /// Something that takes room in the image, in order.
  enum Item: Sendable {
    case block(file: Int, isFirst: Bool, size: StoredSize, bytes: [UInt8])
    /// A full fragment, still to be compressed.
    case fragment(index: Int, bytes: [UInt8])
  }

  private let plan: DataPlan
  private(set) var placements: [FilePlacement]
  private(set) var fragmentCount = 0
  private var open: [UInt8] = []
  private var known: [Key: [Int]] = [:]

  private struct Key: Hashable {
    let size: Int
    let hash: ContentHash
  }

  init(_ plan: DataPlan) {
    self.plan = plan
    placements = [FilePlacement](repeating: FilePlacement(), count: plan.contents.count)
    open.reserveCapacity(plan.blockSize)
  }

  mutating func take(_ product: Product, of unit: DataPlan.Unit) -> [Item] {
    switch (unit, product) {
    case (.small(let files), .small(let bytes, let hashes)): return pack(files, bytes, hashes)
    case (.blocks(let file, let first, _), .blocks(let blocks)):
      return blocks.enumerated().map { index, block in
        placements[file].blocks.append(block.size)
        if block.size.isSparse {
          placements[file].sparseBytes += UInt64(plan.size(ofBlock: first + index, of: file))
        }
        return .block(file: file, isFirst: first + index == 0, size: block.size, bytes: block.bytes)
      }
    default: preconditionFailure("a unit's product is of its kind")
    }
  }

  private mutating func pack(_ files: [Int], _ bytes: [UInt8], _ hashes: [ContentHash]) -> [Item] {
    var items: [Item] = []
    var offset = 0
    for (position, file) in files.enumerated() {
      let size = plan.contents[file].size
      defer { offset += size }
      let key = Key(size: size, hash: hashes[position])
      let content = FileContent.bytes(Array(bytes[offset..<offset + size]))
      if let original = known[key]?.first(where: { Duplicates.areEqual(plan.contents[$0], content) }) {
        placements[file].fragment = placements[original].fragment
        continue
      }
      known[key, default: []].append(file)
      if open.count + size > plan.blockSize { items += seal() }
      placements[file].fragment = (UInt32(fragmentCount), UInt32(open.count))
      open += bytes[offset..<offset + size]
    }
    return items
  }

  /// Ends the fragment that is being filled.
  mutating func seal() -> [Item] {
    guard !open.isEmpty else { return [] }
    defer {
      fragmentCount += 1
      open = []
      open.reserveCapacity(plan.blockSize)
    }
    return [.fragment(index: fragmentCount, bytes: open)]
  }

  mutating func setStart(of file: Int, _ start: UInt64) { placements[file].start = start }

  /// After the last unit: large files that repeat another lie where that one does.
  mutating func settleRepeats() {
    for (file, original) in plan.repeats { placements[file] = placements[original] }
  }
}
