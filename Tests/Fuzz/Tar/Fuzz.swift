import Content
import Glibc
import Layers
import Tree

/// libFuzzer's entry: the input is a layer, compressed or not. Reads every entry and its content, puts the
/// layer on a tree twice (so that its whiteouts have something to hide), and makes the tree.
@c(LLVMFuzzerTestOneInput)
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  guard let start = unsafe start, count <= 1 << 20 else { return 0 }
  let bytes = unsafe Array(UnsafeBufferPointer(start: start, count: count))
  let source = HashedSource(InflatedSource(MemorySource(bytes), name: "input", isVerified: true))
  let reader = TarReader(source, name: "input")
  var items: [LayerItem] = []
  var contents = 0
  while items.count < 10_000, let entry = try? reader.next() {
    var content: Int?
    if case .file(let size) = entry.kind, size > 0 {
      content = contents
      contents += 1
      read(reader, size)
    }
    items.append(LayerItem(entry: entry, content: content))
  }
  if (try? source.finish()) != nil { found += 1 }
  var tree = LayerTree(created: 1)
  do throws(LayerFault) {
    try tree.apply(items, layer: 0)
    try tree.apply(items, layer: 1)
  } catch { return 0 }
  check(tree.finish().tree)
  return 0
}

/// Reads the start of a content, in pieces that fit no block. A hole may be of any size.
private func read(_ reader: TarReader, _ size: Int) {
  var read = 0
  while read < 1 << 20, let count = try? unsafe reader.read(into: buffer), count > 0 { read += count }
  precondition(read <= size, "a content is longer than its entry says")
}

/// Each directory has one name, and names are sorted and of a length that a directory can hold.
private func check(_ tree: Tree) {
  var seen = [Bool](repeating: false, count: tree.nodes.count)
  var open = [Tree.root]
  while let node = open.popLast() {
    let entries = tree.entries(of: node)
    for (place, entry) in entries.enumerated() {
      precondition(
        (1...255).contains(entry.name.count) && !entry.name.contains(0) && !entry.name.contains(0x2F))
      precondition(place == 0 || entries[place - 1].name.lexicographicallyPrecedes(entry.name))
      guard tree.nodes[entry.node].isDirectory else { continue }
      precondition(!seen[entry.node] && entry.node != Tree.root, "a directory has two names")
      seen[entry.node] = true
      open.append(entry.node)
    }
  }
}

/// Of exactly that size, so that the address sanitizer sees one byte too many.
private nonisolated(unsafe) let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 999, alignment: 1)
/// A result that is used: the optimiser would remove a parser whose result is dropped.
private nonisolated(unsafe) var found = 0
