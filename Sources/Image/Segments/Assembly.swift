internal import Linux
public import Squashfs
public import SquashfsWriter

/// Where everything came to lie: what the tables of the image are made from.
public struct AssembledData: Sendable {
  /// By layer and content; nil for what is not in the image.
  public let layers: [[FilePlacement?]]
  /// Of the files made here, in the order in which they were given.
  public let extra: [FilePlacement]
  public let fragments: [Fragment]
  /// Where the next byte of the image goes.
  public let end: Int
}

/// Lays the data of an image: what the layers bring, in the order of the layers, then what was made here.
///
/// The order of the bytes follows from the plan alone. Blocks and whole fragments come as they are; what is left of
/// fragments with members that are not needed is packed anew, and such a fragment is written when it is full.
struct Assembly {
  private enum Place {
    case blocks(first: Int, count: Int)
    case copied(ticket: Int, sizes: [StoredSize])
    case fragment(Int, offset: Int)
  }

  let stream: BlockStream
  private let blockSize: Int
  private var places: [[Place?]]
  private var extra: [Place?] = []
  private var extraSizes: [Int] = []
  /// Tickets of the fragments of the image; those taken over come with their stored size.
  private var fragments: [(ticket: Int, stored: StoredSize?)] = []
  private var open: [UInt8] = []
  private var openMembers: [(Member, offset: Int)] = []

  private enum Member {
    case content(layer: Int, Int)
    case extra(Int)
  }

  init(_ stream: BlockStream, layers: [LayerIndex], blockSize: Int) {
    self.stream = stream
    self.blockSize = blockSize
    places = layers.map { [Place?](repeating: nil, count: $0.contents.count) }
  }

  /// A block of a content with blocks of its own, to be compressed.
  mutating func add(block bytes: [UInt8], layer: Int, content: Int) {
    let ticket = stream.append(bytes)
    if case .blocks(let first, let count) = places[layer][content] {
      places[layer][content] = .blocks(first: first, count: count + 1)
    } else {
      places[layer][content] = .blocks(first: ticket, count: 1)
    }
  }

  /// The blocks of a content, stored already.
  mutating func add(
    stored file: Int32, at start: Int, sizes: [StoredSize], layer: Int, content: Int
  ) {
    let ticket = stream.copy(from: file, at: start, size: sizes.reduce(0) { $0 + $1.bytes })
    places[layer][content] = .copied(ticket: ticket, sizes: sizes)
  }

  /// A fragment all of whose members are needed: to be compressed, or stored already.
  mutating func add(fragment bytes: [UInt8], number: Int, layer: Int, of index: LayerIndex) {
    take(number, layer, index, ticket: stream.append(bytes, isFragment: true), stored: nil)
  }

  mutating func add(
    storedFragment file: Int32, at start: Int, stored: StoredSize, number: Int, layer: Int,
    of index: LayerIndex
  ) {
    let ticket = stream.copy(from: file, at: start, size: stored.bytes)
    take(number, layer, index, ticket: ticket, stored: stored)
  }

  private mutating func take(
    _ number: Int, _ layer: Int, _ index: LayerIndex, ticket: Int, stored: StoredSize?
  ) {
    for member in index.members[number] {
      if case .fragment(_, let offset) = index.contents[member].place {
        places[layer][member] = .fragment(fragments.count, offset: offset)
      }
    }
    fragments.append((ticket, stored))
  }

  /// What is needed of a fragment: its members' bytes one behind the other.
  mutating func add(
    survivors bytes: [UInt8], number: Int, layer: Int, of index: LayerIndex, isNeeded: [Bool]
  ) {
    var offset = 0
    for member in index.members[number] where isNeeded[member] {
      let size = index.contents[member].size
      pack(bytes[offset..<offset + size], .content(layer: layer, member))
      offset += size
    }
  }

  /// A file that was made here.
  mutating func add(file bytes: [UInt8]) {
    extra.append(nil)
    extraSizes.append(bytes.count)
    if bytes.isEmpty { return }
    guard bytes.count >= blockSize else { return pack(bytes[...], .extra(extra.count - 1)) }
    var count = 0
    var first = 0
    for start in stride(from: 0, to: bytes.count, by: blockSize) {
      let ticket = stream.append(Array(bytes[start..<min(start + blockSize, bytes.count)]))
      if count == 0 { first = ticket }
      count += 1
    }
    extra[extra.count - 1] = .blocks(first: first, count: count)
  }

  /// Puts bytes into the fragment that is being filled. Its number is known when it is full: others come before it.
  private mutating func pack(_ bytes: ArraySlice<UInt8>, _ member: Member) {
    if open.count + bytes.count > blockSize { seal() }
    openMembers.append((member, open.count))
    open += bytes
  }

  private mutating func seal() {
    guard !open.isEmpty else { return }
    for (member, offset) in openMembers {
      let place = Place.fragment(fragments.count, offset: offset)
      switch member {
      case .content(let layer, let content): places[layer][content] = place
      case .extra(let index): extra[index] = place
      }
    }
    fragments.append((stream.append(open, isFragment: true), nil))
    open = []
    open.reserveCapacity(blockSize)
    openMembers = []
  }

  /// Waits for the last byte, and says where everything lies.
  mutating func finish(_ layers: [LayerIndex]) throws(SegmentFault) -> AssembledData {
    seal()
    let end = try stream.finish()
    let (starts, sizes) = stream.places
    func placement(_ place: Place?, size: Int) -> FilePlacement? {
      guard let place else { return nil }
      var placement = FilePlacement()
      switch place {
      case .blocks(let first, let count):
        placement.start = starts[first]
        placement.blocks = Array(sizes[first..<first + count])
      case .copied(let ticket, let sizes):
        placement.start = starts[ticket]
        placement.blocks = sizes
      case .fragment(let number, let offset): placement.fragment = (UInt32(number), UInt32(offset))
      }
      for (index, block) in placement.blocks.enumerated() where block.isSparse {
        placement.sparseBytes += UInt64(min(blockSize, size - index * blockSize))
      }
      return placement
    }
    return AssembledData(
      layers: zip(places, layers).map { places, index in
        zip(places, index.contents).map { placement($0, size: $1.size) }
      },
      extra: zip(extra, extraSizes).map { placement($0, size: $1) ?? FilePlacement() },
      fragments: fragments.map { ticket, stored in
        Fragment(start: starts[ticket], stored: stored ?? sizes[ticket])
      }, end: end)
  }
}
