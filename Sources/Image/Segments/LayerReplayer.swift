internal import Layers

/// Reads a layer whose index is known once more, and hands on only the bytes that are wanted, in the order and cut as
/// `LayerPacker` does.
struct LayerReplayer {
  private let index: LayerIndex
  private let name: String

  /// `name` is for messages.
  init(_ index: LayerIndex, name: String) {
    self.index = index
    self.name = name
  }

  /// `isWanted`: by content. `fragment` gets the number of a fragment and the bytes of its wanted members in order.
  func replay(
    _ reader: TarReader, isWanted: [Bool],
    block: (_ bytes: [UInt8], _ content: Int) throws(SegmentFault) -> Void,
    fragment: (_ number: Int, _ bytes: [UInt8]) throws(SegmentFault) -> Void
  ) throws(SegmentFault) {
    var open: [UInt8] = []
    var current = 0
    var item = 0
    // Contents are numbered in the order in which their bytes first come.
    var next = 0
    while let entry = try reader.entry() {
      guard item < index.items.count else { throw .changed(name: name) }
      let content = index.items[item].content
      item += 1
      guard case .file(let size) = entry.kind, size > 0 else { continue }
      guard let content, index.contents[content].size == size else { throw .changed(name: name) }
      guard content == next else { continue }
      next += 1
      switch index.contents[content].place {
      case .blocks:
        guard isWanted[content] else { continue }
        var left = size
        while left > 0 {
          let bytes = try reader.bytes(min(left, index.blockSize))
          guard !bytes.isEmpty else { throw .changed(name: name) }
          left -= bytes.count
          try block(bytes, content)
        }
      case .fragment(let number, _):
        if number != current {
          try fragment(current, open)
          open = []
          current = number
        }
        if isWanted[content] { open += try reader.bytes(size) }
      }
    }
    if current < index.members.count { try fragment(current, open) }
    guard item == index.items.count, next == index.contents.count else { throw .changed(name: name) }
  }
}
