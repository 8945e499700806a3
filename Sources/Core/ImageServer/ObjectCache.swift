internal import Squashfs
internal import Synchronization

/// A directory as it is listed, kept because the kernel reads it in several requests.
final class Listing: Sendable {
  let directory: Inode
  let entries: [DirectoryEntry]

  init(directory: Inode, entries: [DirectoryEntry]) {
    self.directory = directory
    self.entries = entries
  }

  /// Searches by halves: the reader sorts entries by their bytes.
  func find(_ name: [UInt8]) -> DirectoryEntry? {
    var low = 0
    var high = entries.count
    while low < high {
      let middle = (low + high) / 2
      if entries[middle].name.lexicographicallyPrecedes(name) { low = middle + 1 } else { high = middle }
    }
    if low < entries.count, entries[low].name == name { return entries[low] }
    return nil
  }
}

/// Where a file's bytes lie, kept between reads.
final class FileMap: Sendable {
  let list: BlockList
  /// READs of a page or two inside the file: the kernel sees no order in what is asked.
  let randomReads = Atomic<Int>(0)
  init(list: BlockList) { self.list = list }
}

/// Parsed objects by node, up to a bound on their weight; then half of them go.
final class ObjectCache<Object: Sendable & AnyObject>: Sendable {
  private struct State {
    var objects: [UInt64: (object: Object, weight: Int)] = [:]
    var order: [UInt64] = []
    var weight = 0
  }

  private let state = Mutex(State())
  private let limit: Int

  /// `limit` is in units of `weight`.
  init(limit: Int) { self.limit = limit }

  func find(_ node: UInt64) -> Object? { state.withLock { $0.objects[node]?.object } }

  func insert(_ object: Object, for node: UInt64, weight: Int) {
    state.withLock { state in
      guard state.objects[node] == nil else { return }
      state.objects[node] = (object, weight)
      state.order.append(node)
      state.weight += weight
      guard state.weight > limit else { return }
      let dropped = (state.order.count + 1) / 2
      for old in state.order.prefix(dropped) where old != node {
        if let gone = state.objects.removeValue(forKey: old) { state.weight -= gone.weight }
      }
      state.order = state.order.filter { state.objects[$0] != nil }
    }
  }
}
