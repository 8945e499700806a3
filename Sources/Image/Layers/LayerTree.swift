internal import Model
public import Tree

/// An entry of a layer, and which of its layer's contents is the file's.
public struct LayerItem: Sendable {
  public let entry: LayerEntry
  /// nil for an empty file and for what is no file.
  public let content: Int?

  public init(entry: LayerEntry, content: Int?) {
    self.entry = entry
    self.content = content
  }
}

/// Puts the layers of an image on one another, in memory: no path of the host is ever opened, and links of
/// the image lead only to places in the image. What comes out is what one sees in a container that overlays
/// the layers (OCI Image Format, layer.md, "Applying Changesets"), with links on the way followed as Docker
/// does when it unpacks.
///
/// Objects that are replaced or hidden stay in the array, without a name; directories are dictionaries until
/// the end.
public struct LayerTree: Sendable {
  /// Different owners and groups of all layers together: the table of a squashfs is counted in 16 bits
  /// ("Squashfs Binary Format", section 2, `id count`).
  public static let mostOwners = 65_535
  private static let mostNotes = 100
  private static let root = 0

  private struct Object: Sendable {
    var node: Tree.Node
    var children: [[UInt8]: Int] = [:]
    /// Holds a name for a hard link whose target may still come.
    var isPending = false
  }

  /// A hard link whose target was not there.
  private struct PendingLink {
    let entry: LayerEntry
    let target: [[UInt8]]
    let directory: Int
    let name: [UInt8]
    let object: Int
  }

  private var objects: [Object]
  private var owners: Set<UInt32> = [0]
  private var notes: [String] = []
  private let created: UInt32

  /// `created`: when the image was made, seconds since 1970; directories that no layer names have that time.
  public init(created: UInt32) {
    self.created = created
    objects = [Object(node: Tree.Node(.directory([]), mode: 0o755, modified: created))]
  }

  /// Puts a layer on top, `layer` counted from 0. `name`: what messages call it, else its number. After a
  /// fault the tree is of no use.
  public mutating func apply(
    _ entries: [LayerItem], layer: Int, name: String? = nil
  ) throws(LayerFault) {
    let name = name ?? String(layer)
    var added: [Int] = []
    added.reserveCapacity(entries.count)
    var hidden: [(directory: Int, name: [UInt8]?)] = []
    for (index, item) in entries.enumerated() {
      do throws(EntryFault) {
        switch try item.entry.whiteout {
        case nil: added.append(index)
        case .ignored?: break
        case .hides(let parent, let hiddenName)?:
          if let directory = try find(parent) { hidden.append((directory, hiddenName)) }
        case .opaque(let parent)?:
          if let directory = try find(parent) { hidden.append((directory, nil)) }
        }
      } catch { throw .entry(layer: name, entry: EntryPath.text(item.entry.path), error) }
    }
    // Only now, so that none of them changes where another one leads.
    for (directory, name) in hidden {
      if let name { objects[directory].children[name] = nil } else { objects[directory].children = [:] }
    }
    var pending: [PendingLink] = []
    for index in added {
      let item = entries[index]
      do throws(EntryFault) { try add(item, layer: layer, name: name, pending: &pending) } catch {
        throw .entry(layer: name, entry: EntryPath.text(item.entry.path), error)
      }
      owners.insert(item.entry.uid)
      owners.insert(item.entry.gid)
      guard owners.count <= Self.mostOwners else {
        throw .tooManyOwners(layer: name, limit: Self.mostOwners)
      }
    }
    try complete(pending, layer: name)
  }

  /// The tree, where each file with content names it (`LayerContent`), and the visible contents in the order
  /// of nodes. The same layers give the same numbers. `notes`: what was left out, no more than 100 sentences.
  public func finish() -> (
    tree: Tree, contents: [(node: Int, layer: Int, content: Int)], notes: [String]
  ) {
    var tree = Tree(root: objects[Self.root].node)
    var contents: [(node: Int, layer: Int, content: Int)] = []
    var numbers = [Int?](repeating: nil, count: objects.count)
    numbers[Self.root] = Tree.root
    var open = [(object: Self.root, node: Tree.root)]
    while let (object, directory) = open.popLast() {
      // A dictionary's own order changes from run to run.
      let children = objects[object].children.sorted { $0.key.lexicographicallyPrecedes($1.key) }
      var entries: [Tree.Entry] = []
      entries.reserveCapacity(children.count)
      for (name, child) in children {
        if let number = numbers[child] {
          entries.append(Tree.Entry(name, number))
          continue
        }
        let node = objects[child].node
        let number = tree.add(node)
        numbers[child] = number
        entries.append(Tree.Entry(name, number))
        if node.isDirectory { open.append((child, number)) }
        if case .file(.layer(let content)) = node.content {
          contents.append((number, content.layer, content.index))
        }
      }
      tree.setEntries(of: directory, entries)
    }
    return (tree, contents, notes)
  }

  /// The directory at a path, links followed; nil when there is none. Changes nothing.
  private func find(_ path: [[UInt8]]) throws(EntryFault) -> Int? {
    var walk = Walk(path)
    while let name = walk.next() {
      guard let child = objects[walk.here].children[name] else { return nil }
      guard try follow(child, &walk) else { return nil }
    }
    return walk.here
  }

  /// The directory at a path, links followed; what is missing is made, and what is neither directory nor link
  /// replaced. `forDirectory`: one more directory will stand in it.
  private mutating func makeDirectory(
    _ path: [[UInt8]], forDirectory: Bool = false
  ) throws(EntryFault) -> Int {
    var walk = Walk(path)
    while let name = walk.next() {
      if let child = objects[walk.here].children[name], try follow(child, &walk) { continue }
      let here = walk.here
      let made = add(Object(node: Tree.Node(.directory([]), mode: 0o755, modified: created)))
      try walk.enter(made)
      objects[here].children[name] = made
    }
    guard !forDirectory || walk.hasRoomBelow else { throw .tooDeep }
    return walk.here
  }

  /// Goes on into a directory or along a link; false for anything else.
  private func follow(_ child: Int, _ walk: inout Walk) throws(EntryFault) -> Bool {
    switch objects[child].node.content {
    case .directory: try walk.enter(child)
    case .link(let target): try walk.follow(target)
    default: return false
    }
    return true
  }

  private mutating func add(_ object: Object) -> Int {
    objects.append(object)
    return objects.count - 1
  }

  private mutating func add(
    _ item: LayerItem, layer: Int, name: String, pending: inout [PendingLink]
  ) throws(EntryFault) {
    let entry = item.entry
    guard let last = entry.path.last else {
      guard case .directory = entry.kind else { throw .root }
      describe(Self.root, as: entry)
      if entry.mode & 0o555 != 0o555 {
        note(
          "layer \(printable(name)): the root directory is not open to everybody, its mode is "
            + String(entry.mode, radix: 8))
      }
      return
    }
    let parent = Array(entry.path.dropLast())
    let content: Tree.Content
    switch entry.kind {
    case .file(size: 0): content = .file(.bytes([]))
    case .file(let size):
      guard let index = item.content else { throw .contentMissing }
      content = .file(.layer(LayerContent(layer: layer, index: index, size: size)))
    case .directory:
      let directory = try makeDirectory(parent, forDirectory: true)
      if let child = objects[directory].children[last], objects[child].node.isDirectory {
        return describe(child, as: entry)
      }
      content = .directory([])
    case .link(let target): content = .link(target: target)
    case .hardLink(let target): return try link(entry, last, to: target, pending: &pending)
    case .block(let major, let minor): content = .block(major: major, minor: minor)
    case .character(0, 0):
      // That is how overlay file systems mark a deleted name: in an image it would hide what others put
      // there.
      return note(
        "layer \(printable(name)): \(printable(EntryPath.text(entry.path))) is left out: a character device 0:0 "
          + "would act as a whiteout")
    case .character(let major, let minor): content = .character(major: major, minor: minor)
    case .pipe: content = .pipe
    }
    let directory = try makeDirectory(parent)
    let made = add(Object(node: Tree.Node(content, mode: entry.mode)))
    describe(made, as: entry)
    objects[directory].children[last] = made
  }

  /// Gives the object at `target` one more name; while it is not there, the name is held for it.
  private mutating func link(
    _ entry: LayerEntry, _ name: [UInt8], to target: [[UInt8]], pending: inout [PendingLink]
  ) throws(EntryFault) {
    let object = try findObject(target)
    let directory = try makeDirectory(Array(entry.path.dropLast()))
    if let object {
      objects[directory].children[name] = object
    } else {
      let held = add(Object(node: Tree.Node(.pipe, mode: 0), isPending: true))
      objects[directory].children[name] = held
      pending.append(
        PendingLink(entry: entry, target: target, directory: directory, name: name, object: held))
    }
  }

  /// What a hard link to that path leads to; nil while nothing is there.
  private func findObject(_ path: [[UInt8]]) throws(EntryFault) -> Int? {
    guard let last = path.last else { throw .targetIsDirectory(EntryPath.text(path)) }
    guard let directory = try find(Array(path.dropLast())), let object = objects[directory].children[last],
      !objects[object].isPending
    else { return nil }
    guard !objects[object].node.isDirectory else { throw .targetIsDirectory(EntryPath.text(path)) }
    return object
  }

  /// At the layer's end the targets of all hard links must be there. Chains of them are resolved in their
  /// order and against it; a layer that mixes both in one chain was never written by a program.
  private mutating func complete(_ pending: [PendingLink], layer: String) throws(LayerFault) {
    var left = pending
    for _ in 0..<2 where !left.isEmpty {
      var missing: [PendingLink] = []
      for link in left where objects[link.directory].children[link.name] == link.object {
        do throws(EntryFault) {
          if let object = try findObject(link.target) {
            objects[link.directory].children[link.name] = object
          } else {
            missing.append(link)
          }
        } catch { throw .entry(layer: layer, entry: EntryPath.text(link.entry.path), error) }
      }
      left = missing.reversed()
    }
    if let link = left.first {
      throw .entry(
        layer: layer, entry: EntryPath.text(link.entry.path), .targetMissing(EntryPath.text(link.target)))
    }
  }

  private mutating func describe(_ object: Int, as entry: LayerEntry) {
    objects[object].node.mode = entry.mode & 0o7777
    objects[object].node.uid = entry.uid
    objects[object].node.gid = entry.gid
    objects[object].node.modified = entry.modified
    objects[object].node.attributes = entry.attributes
  }

  private mutating func note(_ sentence: String) {
    if notes.count < Self.mostNotes { notes.append(sentence) }
  }
}
