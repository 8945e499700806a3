internal import Synchronization

/// When a file is read, whether what lies beside it should be given to the kernel unasked.
///
/// A READ costs two wake-ups, far more than the bytes of a small file. Whoever reads two files of one fragment block
/// (`grep -r`, a copy, an import) mostly reads the rest, and they lie there decoded. So at the second file of a block,
/// or at the one where the last push stopped, all that follow in the block are stored in the page cache.
///
/// A store waits for a page that somebody is being sent. So at most one thread stores, and only while others are there
/// to answer: what it waits for is answered by one of them.
final class Neighbours: Sendable {
  private let isPushing = Atomic<Bool>(false)
  /// The node at which the last push stopped: a reader that arrives there goes through the files in order.
  private let expected = Atomic<UInt64>(0)

  /// Whether the rest of a block should go to the kernel with the page or two that are read of it. Whoever reads a file at
  /// random comes back to its blocks, and decoding one costs more than storing it.
  func beginRest(of block: CachedBlock, in map: FileMap, requested: Int, at offset: Int) -> Bool {
    guard requested <= 8192, offset > 0, map.randomReads.add(1, ordering: .relaxed).oldValue > 1,
      !block.isStored.load(ordering: .relaxed),
      isPushing.compareExchange(expected: false, desired: true, ordering: .acquiringAndReleasing).exchanged
    else { return false }
    block.isStored.store(true, ordering: .relaxed)
    return true
  }

  func endRest() { isPushing.store(false, ordering: .releasing) }

  /// Called with each small file that is read. Returns the node at which a push would meet an earlier one, if the caller
  /// should push; it must then call `end`.
  func begin(_ node: UInt64, in block: CachedBlock) -> UInt64? {
    let before = block.lastNode.exchange(node, ordering: .relaxed)
    let isSecond = before != 0 && before != node
    let (continues, limit) = block.pushed.withLock { pushed in
      (pushed.contains { $0.upperBound == node }, pushed.map(\.lowerBound).filter { $0 > node }.min() ?? .max)
    }
    guard isSecond || continues || node == expected.load(ordering: .relaxed) else { return nil }
    return isPushing.compareExchange(expected: false, desired: true, ordering: .acquiringAndReleasing)
      .exchanged
      ? limit : nil
  }

  /// Ends a push from `node` on, which stopped at `next` or behind the block.
  func end(from node: UInt64, to next: UInt64, in block: CachedBlock) {
    block.pushed.withLock { pushed in
      // A bound for the odd image whose files lie in no order.
      if pushed.count >= 64 { pushed.removeFirst(32) }
      pushed.append(node..<max(node, next))
    }
    isPushing.store(false, ordering: .releasing)
  }

  /// Notes the file behind a block. Returns whether this continues an earlier push, so that its block is wanted soon.
  func expect(_ node: UInt64) -> Bool { expected.exchange(node, ordering: .relaxed) != 0 }
}
