/// Paths inside a tree, resolved inside it: a link to an absolute path starts at the tree's root, `..` ends there.
extension Tree {
  /// Links followed in one path, the kernel's own bound (path_resolution(7)).
  private static let mostLinks = 40

  /// The object at `path`; nil when there is none. A link at the end is returned itself unless `following`.
  public func find(_ path: String, following: Bool = true) -> Int? {
    var trail = [Self.root]
    var left = Array(Self.names(Array(path.utf8)).reversed())
    var links = 0
    while let name = left.popLast() {
      if name == [0x2E] { continue }
      if name == [0x2E, 0x2E] {
        if trail.count > 1 { trail.removeLast() }
        continue
      }
      guard let child = child(name, of: trail[trail.count - 1]) else { return nil }
      if case .link(let target) = nodes[child].content, following || !left.isEmpty {
        links += 1
        if links > Self.mostLinks { return nil }
        if target.first == 0x2F { trail = [Self.root] }
        left += Self.names(target).reversed()
      } else {
        trail.append(child)
      }
    }
    return trail[trail.count - 1]
  }

  /// The directory at `path`; those that are missing are made like `template`. Links on the way are followed inside
  /// the tree, a dangling one is refused.
  public mutating func makeDirectory(_ path: String, like template: Node) throws(TreeFault) -> Int {
    var here = Self.root
    var done = ""
    for name in Self.names(Array(path.utf8)) {
      done += "/" + String(decoding: name, as: UTF8.self)
      if child(name, of: here) == nil { link(name, of: here, to: add(template)) }
      guard let next = find(done), nodes[next].isDirectory else { throw .notADirectory(path: done) }
      here = next
    }
    return here
  }

  /// Puts `node` at `path` unless something has that name already. Returns whether it was put there.
  @discardableResult
  public mutating func put(
    _ node: Node, at path: String, replacing: Bool = false, directories template: Node
  ) throws(TreeFault) -> Bool {
    var names = Self.names(Array(path.utf8))
    guard let last = names.popLast() else { throw .notADirectory(path: path) }
    let parent = "/" + names.map { String(decoding: $0, as: UTF8.self) }.joined(separator: "/")
    let directory = try makeDirectory(parent, like: template)
    if !replacing, child(last, of: directory) != nil { return false }
    link(last, of: directory, to: add(node))
    return true
  }

  static func names(_ path: [UInt8]) -> [[UInt8]] { path.split(separator: 0x2F).map { Array($0) } }
}
