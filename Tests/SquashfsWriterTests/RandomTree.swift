import Tree

/// Numbers that are the same for the same seed (SplitMix64).
struct SeededNumbers: RandomNumberGenerator {
  private var state: UInt64
  init(_ seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

/// A tree with a bit of everything the format can hold, the same for the same seed.
func randomTree(_ seed: UInt64, objects: Int = 300, blockSize: Int = 4096) -> Tree {
  var numbers = SeededNumbers(seed)
  var tree = Tree()
  var directories = [Tree.root]
  var plain: [Int] = []
  for count in 0..<objects {
    let parent = directories.randomElement(using: &numbers) ?? Tree.root
    // Names of any bytes but 0 and the slash.
    let long = Int.random(in: 0..<20, using: &numbers) == 0
    let name =
      Array("\(count)".utf8)
      + (0..<Int.random(in: long ? 200..<240 : 1..<12, using: &numbers)).map { _ in
        let byte = UInt8.random(in: 1...255, using: &numbers)
        return byte == 0x2F ? 0x30 : byte
      }
    if !plain.isEmpty, Int.random(in: 0..<8, using: &numbers) == 0 {
      // Hard links, also across directories.
      tree.link(name, of: parent, to: plain.randomElement(using: &numbers) ?? plain[0])
      continue
    }
    let node = tree.add(randomNode(&numbers, blockSize))
    if tree.nodes[node].isDirectory { directories.append(node) } else { plain.append(node) }
    tree.link(name, of: parent, to: node)
  }
  return tree
}

private func randomNode(_ numbers: inout SeededNumbers, _ blockSize: Int) -> Tree.Node {
  let content: Tree.Content =
    switch Int.random(in: 0..<12, using: &numbers) {
    case 0, 1: .directory([])
    case 2: .link(target: Array(repeating: 0x61, count: Int.random(in: 1...300, using: &numbers)))
    case 3:
      .block(major: .random(in: 0..<4096, using: &numbers), minor: .random(in: 0..<1 << 20, using: &numbers))
    case 4:
      .character(
        major: .random(in: 1..<4096, using: &numbers), minor: .random(in: 0..<1 << 20, using: &numbers))
    case 5: Bool.random(using: &numbers) ? .pipe : .socket
    default: .file(.bytes(randomContent(&numbers, blockSize)))
    }
  var attributes: [TreeAttribute] = []
  if Int.random(in: 0..<5, using: &numbers) == 0 {
    let value = [UInt8](
      repeating: .random(in: 0...255, using: &numbers), count: .random(in: 0..<600, using: &numbers))
    attributes = [
      TreeAttribute(name: Array("security.capability".utf8), value: capability(&numbers)),
      TreeAttribute(name: Array("trusted.noise".utf8), value: value),
    ]
    // The kernel shows attributes of users of files and directories only (xattr(7)).
    switch content {
    case .file, .directory:
      attributes.append(TreeAttribute(name: Array("user.colour".utf8), value: Array("blue".utf8)))
    default: break
    }
  }
  return Tree.Node(
    content, mode: .random(in: 0...0o7777, using: &numbers),
    uid: .random(in: 0..<5, using: &numbers) * 100_000,
    gid: .random(in: 0..<7, using: &numbers), modified: .random(in: 0...UInt32.max, using: &numbers),
    attributes: attributes)
}

/// A value the kernel takes: revision 2 of vfs_cap_data, little endian, with any capabilities (linux/capability.h).
private func capability(_ numbers: inout SeededNumbers) -> [UInt8] {
  [1, 0, 0, 2] + (0..<16).map { _ in UInt8.random(in: 0...255, using: &numbers) }
}

/// Empty, small, of whole blocks, with holes, of noise, and again what was there before.
private func randomContent(_ numbers: inout SeededNumbers, _ blockSize: Int) -> [UInt8] {
  let size: Int =
    switch Int.random(in: 0..<8, using: &numbers) {
    case 0: 0
    case 1: blockSize
    case 2: blockSize * 3
    case 3: .random(in: blockSize..<blockSize * 6, using: &numbers)
    default: .random(in: 1..<blockSize, using: &numbers)
    }
  switch Int.random(in: 0..<4, using: &numbers) {
  case 0: return [UInt8](repeating: 0, count: size)
  case 1: return (0..<size).map { _ in .random(in: 0...255, using: &numbers) }
  case 2: return (0..<size).map { UInt8(truncatingIfNeeded: $0 / 7) }
  default:
    return (0..<size).map { $0 / blockSize % 2 == 0 ? 0 : UInt8(truncatingIfNeeded: $0) }
  }
}
