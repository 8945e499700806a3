internal import Glibc
public import Linux

/// Reads a directory of the host into a tree: every object by descriptor, no link followed, names in byte order.
public struct Scanner {
  private let root: SourceDirectory
  private var tree: Tree
  /// Objects with several names, by device and inode.
  private var known: [Identity: Int] = [:]
  /// What was left out, and why: sentences for warnings.
  public private(set) var omissions: [String] = []

  private struct Identity: Hashable {
    let device: UInt64
    let inode: UInt64
  }

  /// The tree of everything in `directory`. `omissions`: what could not be taken along.
  public static func scan(
    _ directory: consuming Descriptor
  ) throws(TreeFault) -> (tree: Tree, omissions: [String]) {
    let source = SourceDirectory(directory)
    var scanner = Scanner(root: source, tree: Tree())
    let facts: FileFacts
    do throws(SystemCallFault) { facts = try RawName.facts([0x2E], in: source.number) } catch {
      throw .call(path: "/", error)
    }
    let attributes = try scanner.attributes([0x2E], in: source.number, path: [])
    scanner.tree.change(Tree.root) { $0 = Self.node(.directory([]), facts, attributes) }
    try scanner.fill(Tree.root, from: source.number, path: [], depth: 0)
    return (scanner.tree, scanner.omissions)
  }

  private init(root: SourceDirectory, tree: Tree) {
    self.root = root
    self.tree = tree
  }

  private mutating func fill(
    _ node: Int, from directory: Int32, path: [UInt8], depth: Int
  ) throws(TreeFault) {
    guard depth < Tree.deepest else { throw .tooDeep(path: "/" + RawName.text(path)) }
    let names: [[UInt8]]
    do throws(SystemCallFault) { names = try RawName.names(in: directory) } catch {
      throw .call(path: "/" + RawName.text(path), error)
    }
    var entries: [Tree.Entry] = []
    entries.reserveCapacity(names.count)
    for name in names {
      let path = path.isEmpty ? name : path + [0x2F] + name
      if let child = try object(name, in: directory, path: path, depth: depth) {
        entries.append(Tree.Entry(name, child))
      }
    }
    tree.change(node) { $0.content = .directory(entries) }
  }

  private mutating func object(
    _ name: [UInt8], in directory: Int32, path: [UInt8], depth: Int
  ) throws(TreeFault) -> Int? {
    let shown = "/" + RawName.text(path)
    let facts: FileFacts
    do throws(SystemCallFault) { facts = try RawName.facts(name, in: directory) } catch {
      throw .call(path: shown, error)
    }
    let identity = Identity(device: facts.device, inode: facts.inode)
    let isShared = facts.linkCount > 1 && facts.kind != .directory
    if isShared, let node = known[identity] { return node }
    // A character device 0:0 is how overlay file systems mark a deleted name: in an image it would hide others.
    if facts.kind == .character, facts.represents == 0 {
      omissions.append("\(shown) is left out: a character device 0:0 would act as a whiteout")
      return nil
    }
    let attributes = try attributes(name, in: directory, path: path)
    let device = facts.representedDevice
    let content: Tree.Content
    switch facts.kind {
    case .directory:
      let node = tree.add(Self.node(.directory([]), facts, attributes))
      let child: Descriptor
      do throws(SystemCallFault) {
        child = try RawName.open(name, O_RDONLY | O_DIRECTORY, in: directory)
      } catch {
        throw .call(path: shown, error)
      }
      try fill(node, from: child.number, path: path, depth: depth + 1)
      return node
    case .file:
      content = .file(
        .host(
          HostFile(directory: root, path: path, size: facts.size, device: facts.device, inode: facts.inode)))
    case .link:
      do throws(SystemCallFault) {
        content = .link(target: try RawName.target(ofLink: name, in: directory))
      } catch { throw .call(path: shown, error) }
    case .block: content = .block(major: device.major, minor: device.minor)
    case .character: content = .character(major: device.major, minor: device.minor)
    case .pipe: content = .pipe
    case .socket: content = .socket
    }
    let node = tree.add(Self.node(content, facts, attributes))
    if isShared { known[identity] = node }
    return node
  }

  private static func node(_ content: Tree.Content, _ facts: FileFacts, _ attributes: [TreeAttribute])
    -> Tree.Node
  {
    Tree.Node(
      content, mode: facts.mode, uid: facts.uid, gid: facts.gid,
      modified: UInt32(clamping: facts.modifiedSeconds), attributes: attributes)
  }

  private func attributes(
    _ name: [UInt8], in directory: Int32, path: [UInt8]
  ) throws(TreeFault) -> [TreeAttribute] {
    do throws(SystemCallFault) {
      var kept: [TreeAttribute] = []
      for attribute in try RawAttribute.names(of: name, in: directory) where TreeAttribute.isKept(attribute) {
        kept.append(
          TreeAttribute(name: attribute, value: try RawAttribute.value(attribute, of: name, in: directory)))
      }
      return kept.sorted { $0.name.lexicographicallyPrecedes($1.name) }
    } catch { throw .call(path: "/" + RawName.text(path), error) }
  }
}

extension TreeAttribute {
  private static let keptPrefixes = ["user.", "trusted."].map { Array($0.utf8) }
  private static let droppedPrefixes = ["user.overlay.", "trusted.overlay.", "user.rootlesscontainers"].map {
    Array($0.utf8)
  }
  private static let capability = Array("security.capability".utf8)

  /// Whether an attribute of that name belongs into an image. Labels of the host's security modules mean nothing on
  /// another host, and the overlay file system's own would change what is seen through it.
  public static func isKept(_ name: [UInt8]) -> Bool {
    if name == capability { return true }
    return keptPrefixes.contains { name.starts(with: $0) }
      && !droppedPrefixes.contains { name.starts(with: $0) }
  }
}
