/// A root file system in memory: what an image will hold, without the contents of its files, which are read when they
/// are written. It never touches a path of the host: sources are opened by descriptor, names inside are only data.
///
/// Objects lie in one array and directories name them by index, so that two names of one object are two entries with
/// the same index, and the whole is a value that threads can share.
public struct Tree: Sendable {
  /// Directories inside one another; deeper is refused (docs/user/limits.md).
  public static let deepest = 1024

  public struct Entry: Sendable {
    public let name: [UInt8]
    public let node: Int
  }

  public enum Content: Sendable {
    /// Entries sorted by the bytes of their names, each name once.
    case directory([Entry])
    case file(FileContent)
    case link(target: [UInt8])
    case block(major: UInt32, minor: UInt32)
    case character(major: UInt32, minor: UInt32)
    case pipe
    case socket
  }

  public struct Node: Sendable {
    public var content: Content
    /// Permission bits, 0o7777.
    public var mode: UInt32
    public var uid: UInt32
    public var gid: UInt32
    /// Seconds since 1970, 0 to 2^32 - 1.
    public var modified: UInt32
    /// Whole names (`user.x`) and values, sorted by name.
    public var attributes: [TreeAttribute]

    public init(
      _ content: Content, mode: UInt32, uid: UInt32 = 0, gid: UInt32 = 0, modified: UInt32 = 0,
      attributes: [TreeAttribute] = []
    ) {
      self.content = content
      self.mode = mode & 0o7777
      self.uid = uid
      self.gid = gid
      self.modified = modified
      self.attributes = attributes
    }

    public var isDirectory: Bool { if case .directory = content { true } else { false } }
  }

  public private(set) var nodes: [Node]
  public static let root = 0

  public init(root: Node = Node(.directory([]), mode: 0o755)) {
    precondition(root.isDirectory, "the root is a directory")
    nodes = [root]
  }

  /// Adds an object that no directory names yet.
  public mutating func add(_ node: Node) -> Int {
    nodes.append(node)
    return nodes.count - 1
  }

  /// The entries of a directory; none for other objects.
  public func entries(of node: Int) -> [Entry] {
    if case .directory(let entries) = nodes[node].content { entries } else { [] }
  }

  /// Sets the entries of a directory, in any order.
  public mutating func setEntries(of directory: Int, _ entries: [Entry]) {
    nodes[directory].content = .directory(entries.sorted { $0.name.lexicographicallyPrecedes($1.name) })
  }

  public func child(_ name: [UInt8], of directory: Int) -> Int? {
    let entries = entries(of: directory)
    let place = Self.place(of: name, in: entries)
    return place < entries.count && entries[place].name == name ? entries[place].node : nil
  }

  /// Gives `node` a name in a directory; what had that name before loses it.
  public mutating func link(_ name: [UInt8], of directory: Int, to node: Int) {
    var entries = entries(of: directory)
    let place = Self.place(of: name, in: entries)
    let entry = Entry(name: name, node: node)
    if place < entries.count, entries[place].name == name {
      entries[place] = entry
    } else {
      entries.insert(entry, at: place)
    }
    nodes[directory].content = .directory(entries)
  }

  public mutating func change(_ node: Int, _ body: (inout Node) -> Void) { body(&nodes[node]) }

  /// No object is younger than that: what SOURCE_DATE_EPOCH asks for.
  public mutating func clampTimes(to latest: UInt32) {
    for index in nodes.indices { nodes[index].modified = min(nodes[index].modified, latest) }
  }

  /// Directories can be read, changed and entered by their owner, files read and changed.
  public mutating func fixPermissions() {
    for index in nodes.indices {
      switch nodes[index].content {
      case .directory: nodes[index].mode |= 0o700
      case .file: nodes[index].mode |= 0o600
      default: break
      }
    }
  }

  private static func place(of name: [UInt8], in entries: [Entry]) -> Int {
    var low = 0
    var high = entries.count
    while low < high {
      let middle = (low + high) / 2
      if entries[middle].name.lexicographicallyPrecedes(name) { low = middle + 1 } else { high = middle }
    }
    return low
  }
}

extension Tree.Entry {
  public init(_ name: [UInt8], _ node: Int) {
    self.name = name
    self.node = node
  }
}

/// An extended attribute with its whole name.
public struct TreeAttribute: Hashable, Sendable {
  public let name: [UInt8]
  public let value: [UInt8]

  public init(name: [UInt8], value: [UInt8]) {
    self.name = name
    self.value = value
  }
}
