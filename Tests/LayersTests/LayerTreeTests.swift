import Testing
import Tree

@testable import Layers

/// Entries of layers in short.
enum Item {
  static func entry(_ text: String, _ kind: LayerEntry.Kind, mode: UInt32 = 0o644, uid: UInt32 = 0)
    -> LayerEntry
  {
    LayerEntry(path: path(text), kind: kind, mode: mode, uid: uid, modified: 5)
  }
  static func file(_ text: String, _ content: Int? = 0, size: Int = 10) -> LayerItem {
    LayerItem(entry: entry(text, .file(size: size)), content: content)
  }
  static func empty(_ text: String) -> LayerItem { file(text, nil, size: 0) }
  static func directory(_ text: String, mode: UInt32 = 0o755) -> LayerItem {
    LayerItem(entry: entry(text, .directory, mode: mode), content: nil)
  }
  static func link(_ text: String, _ target: String) -> LayerItem {
    LayerItem(entry: entry(text, .link(target: Array(target.utf8)), mode: 0o777), content: nil)
  }
  static func hard(_ text: String, _ target: String) -> LayerItem {
    LayerItem(entry: entry(text, .hardLink(to: path(target))), content: nil)
  }
}

@Suite struct LayerTreeTests {
  static let created: UInt32 = 77

  static func merged(_ layers: [[LayerItem]]) throws -> (
    tree: Tree, contents: [(node: Int, layer: Int, content: Int)], notes: [String]
  ) {
    var tree = LayerTree(created: created)
    for (number, items) in layers.enumerated() { try tree.apply(items, layer: number) }
    return tree.finish()
  }

  /// A line for each object: its path with `/` behind a directory, `-> target` behind a link,
  /// `=layer.content` behind a file.
  static func listing(_ tree: Tree) -> [String] {
    var lines: [String] = []
    var open: [(String, Int)] = [("", Tree.root)]
    while let (prefix, node) = open.popLast() {
      for entry in tree.entries(of: node) {
        let name = prefix + String(decoding: entry.name, as: UTF8.self)
        switch tree.nodes[entry.node].content {
        case .directory:
          lines.append(name + "/")
          open.append((name + "/", entry.node))
        case .link(let target): lines.append(name + " -> " + String(decoding: target, as: UTF8.self))
        case .file(.layer(let content)): lines.append(name + "=\(content.layer).\(content.index)")
        case .file: lines.append(name)
        default: lines.append(name + " special")
        }
      }
    }
    return lines.sorted()
  }

  struct Row: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let layers: [[LayerItem]]
    let lines: [String]

    init(_ name: String, _ layers: [[LayerItem]], _ lines: [String]) {
      testDescription = name
      self.layers = layers
      self.lines = lines
    }
  }

  static let base = [Item.directory("d"), Item.file("d/a"), Item.file("d/b", 1), Item.link("l", "d")]

  static let rows: [Row] = [
    Row("nothing", [], []), Row("an empty layer", [[]], []),
    Row("missing parents are made", [[Item.file("x/y/z")]], ["x/", "x/y/", "x/y/z=0.0"]),
    Row(
      "directory over directory keeps what is in it", [base, [Item.directory("d")]],
      ["d/", "d/a=0.0", "d/b=0.1", "l -> d"]),
    Row("file over a full directory", [base, [Item.file("d")]], ["d=1.0", "l -> d"]),
    Row("file over a link", [base, [Item.file("l")]], ["d/", "d/a=0.0", "d/b=0.1", "l=1.0"]),
    Row("directory over a link", [base, [Item.directory("l")]], ["d/", "d/a=0.0", "d/b=0.1", "l/"]),
    Row("link over a directory", [base, [Item.link("d", "x")]], ["d -> x", "l -> d"]),
    Row(
      "file under a file", [base, [Item.file("d/a/x")]], ["d/", "d/a/", "d/a/x=1.0", "d/b=0.1", "l -> d"]),
    Row("last of two in a layer", [[Item.file("a"), Item.directory("a"), Item.file("a", 1)]], ["a=0.1"]),
    Row("through a link", [base, [Item.file("l/c")]], ["d/", "d/a=0.0", "d/b=0.1", "d/c=1.0", "l -> d"]),
    Row(
      "through a link in one layer", [[Item.link("l", "/x/y"), Item.file("l/c")]],
      ["l -> /x/y", "x/", "x/y/", "x/y/c=0.0"]),
    Row(
      "an absolute link stays inside", [[Item.link("etc", "/tmp/x")], [Item.file("etc/passwd")]],
      ["etc -> /tmp/x", "tmp/", "tmp/x/", "tmp/x/passwd=1.0"]),
    Row(
      "a link upwards stays inside", [[Item.link("a/l", "../../../../x"), Item.file("a/l/f")]],
      ["a/", "a/l -> ../../../../x", "x/", "x/f=0.0"]),
    Row(
      "a link at the end is replaced", [[Item.link("x", "../../../../etc/passwd")], [Item.file("x")]],
      ["x=1.0"]),
    Row(
      "a link to a file in the way", [[Item.file("f"), Item.link("l", "f"), Item.file("l/x", 1)]],
      ["f/", "f/x=0.1", "l -> f"]),

    Row("whiteout", [base, [Item.empty("d/.wh.a")]], ["d/", "d/b=0.1", "l -> d"]),
    Row("whiteout of a directory", [base, [Item.empty(".wh.d")]], ["l -> d"]),
    Row(
      "whiteout that is a directory or has content",
      [base, [Item.directory("d/.wh.a"), Item.file("d/.wh.b")]], ["d/", "l -> d"]),
    Row(
      "whiteout of nothing", [base, [Item.empty("d/.wh.x"), Item.empty("x/y/.wh.z")]],
      ["d/", "d/a=0.0", "d/b=0.1", "l -> d"]),
    Row("whiteout in the first layer", [[Item.file("a"), Item.empty(".wh.a")]], ["a=0.0"]),
    Row("whiteout through a link", [base, [Item.empty("l/.wh.a")]], ["d/", "d/b=0.1", "l -> d"]),
    Row(
      "whiteouts do not change where others lead", [base, [Item.empty(".wh.l"), Item.empty("l/.wh.a")]],
      ["d/", "d/b=0.1"]),
    Row(
      "whiteout and the same name before", [base, [Item.file("d/a", 9), Item.empty("d/.wh.a")]],
      ["d/", "d/a=1.9", "d/b=0.1", "l -> d"]),
    Row(
      "whiteout and the same name behind", [base, [Item.empty("d/.wh.a"), Item.file("d/a", 9)]],
      ["d/", "d/a=1.9", "d/b=0.1", "l -> d"]),
    Row(
      "whiteout and a new directory", [base, [Item.directory("d"), Item.empty(".wh.d")]], ["d/", "l -> d"]),
    Row("opaque", [base, [Item.empty("d/.wh..wh..opq")]], ["d/", "l -> d"]),
    Row(
      "opaque behind new entries", [base, [Item.file("d/c"), Item.empty("d/.wh..wh..opq")]],
      ["d/", "d/c=1.0", "l -> d"]),
    Row("opaque root", [base, [Item.empty(".wh..wh..opq"), Item.file("x")]], ["x=1.0"]),
    Row(
      "opaque that is nowhere", [base, [Item.empty("x/.wh..wh..opq")]],
      ["d/", "d/a=0.0", "d/b=0.1", "l -> d"]),
    Row(
      "names of aufs",
      [base, [Item.empty(".wh..wh.aufs"), Item.directory(".wh..wh.plnk"), Item.file(".wh..wh.plnk/1.2")]],
      ["d/", "d/a=0.0", "d/b=0.1", "l -> d"]),

    Row("hard link", [base, [Item.hard("h", "d/a")]], ["d/", "d/a=0.0", "d/b=0.1", "h=0.0", "l -> d"]),
    Row(
      "hard link through a link", [base, [Item.hard("l/h", "l/a")]],
      ["d/", "d/a=0.0", "d/b=0.1", "d/h=0.0", "l -> d"]),
    Row(
      "hard link to a link", [base, [Item.hard("h", "l")]], ["d/", "d/a=0.0", "d/b=0.1", "h -> d", "l -> d"]),
    Row(
      "hard link to itself", [base, [Item.hard("d/a", "d/a"), Item.hard("d/b", "l/b")]],
      ["d/", "d/a=0.0", "d/b=0.1", "l -> d"]),
    Row("hard link to what comes later", [[Item.hard("h", "f"), Item.file("f")]], ["f=0.0", "h=0.0"]),
    Row(
      "chains of hard links",
      [[Item.hard("a", "b"), Item.hard("b", "c"), Item.file("c"), Item.hard("d", "e"), Item.hard("e", "c")]],
      ["a=0.0", "b=0.0", "c=0.0", "d=0.0", "e=0.0"]),
    Row(
      "a later entry replaces a waiting hard link",
      [[Item.hard("h", "f"), Item.file("h", 1), Item.file("f")]], ["f=0.0", "h=0.1"]),
    Row(
      "the old inode stays under the other name", [base, [Item.hard("h", "d/a"), Item.file("d/a", 5)]],
      ["d/", "d/a=1.5", "d/b=0.1", "h=0.0", "l -> d"]),
    Row(
      "hard link in place of the directory of its target", [base, [Item.hard("d", "d/a")]],
      ["d=0.0", "l -> d"]),
  ]

  @Test(arguments: rows) func `layers on one another give`(row: Row) throws {
    #expect(Self.listing(try Self.merged(row.layers).tree) == row.lines)
  }

  static let faults: [(String, [[LayerItem]], String, EntryFault)] = [
    (
      "links in a circle", [[Item.link("a", "b"), Item.link("b", "a"), Item.file("a/x")]], "/a/x",
      .tooManyLinks
    ),
    ("whiteout in a circle", [[Item.link("a", "a")], [Item.empty("a/.wh.x")]], "/a/.wh.x", .tooManyLinks),
    ("invalid whiteout", [base, [Item.empty("d/.wh.")]], "/d/.wh.", .whiteout),
    ("whiteout as a directory", [base, [Item.file(".wh.d/x")]], "/.wh.d/x", .whiteoutInPath),
    ("hard link out of the image", [[Item.hard("h", "etc/shadow")]], "/h", .targetMissing("/etc/shadow")),
    (
      "hard link through a link out of the image", [[Item.link("s", "/etc"), Item.hard("h", "s/passwd")]],
      "/h",
      .targetMissing("/s/passwd")
    ),
    ("hard link to itself alone", [[Item.hard("h", "h")]], "/h", .targetMissing("/h")),
    ("hard links in a circle", [[Item.hard("a", "b"), Item.hard("b", "a")]], "/a", .targetMissing("/b")),
    (
      "hard link to what is hidden", [base, [Item.empty("d/.wh.a"), Item.hard("h", "d/a")]], "/h",
      .targetMissing("/d/a")
    ),
    ("hard link to a directory", [base, [Item.hard("h", "d")]], "/h", .targetIsDirectory("/d")),
    ("hard link to the root", [base, [Item.hard("h", "")]], "/h", .targetIsDirectory("/")),
    (
      "hard link to a later directory", [[Item.hard("h", "d"), Item.directory("d")]], "/h",
      .targetIsDirectory("/d")
    ),
    ("link as root", [[Item.link("", "x")]], "/", .root), ("file as root", [[Item.file("")]], "/", .root),
    ("hard link as root", [base, [Item.hard("", "d/a")]], "/", .root),
    ("content nobody has", [[Item.file("f", nil)]], "/f", .contentMissing),
  ]

  @Test(arguments: faults) func `is refused with entry and reason`(
    row: (name: String, layers: [[LayerItem]], entry: String, fault: EntryFault)
  ) {
    let expected = LayerFault.entry(layer: String(row.layers.count - 1), entry: row.entry, row.fault)
    #expect(throws: expected, "\(row.name)") { try Self.merged(row.layers) }
  }

  @Test func `hard links share an object`() throws {
    let found = try Self.merged([
      [Item.file("a"), Item.hard("b", "a"), Item.hard("c", "b")], [Item.file("b", 3)],
    ])
    let nodes = ["a", "b", "c"].map { found.tree.child(Array($0.utf8), of: Tree.root) }
    #expect(nodes[0] == nodes[2] && nodes[0] != nodes[1])
    #expect(found.contents.map(\.layer) == [0, 1])
    #expect(found.contents.map(\.content) == [0, 3])
    #expect(found.contents.map { Optional($0.node) } == [nodes[0], nodes[1]])
  }

  @Test func `attributes come from the entry, made directories have those of the image`() throws {
    var entry = Item.entry("a/b", .directory, mode: 0o7000, uid: 3)
    entry.gid = 4
    entry.attributes = [TreeAttribute(name: Array("user.a".utf8), value: [1])]
    var other = entry
    other.mode = 0o1777
    other.attributes = []
    let tree = try Self.merged([[LayerItem(entry: entry, content: nil)]]).tree
    let made = tree.nodes[try #require(tree.find("/a"))]
    #expect(made.mode == 0o755 && made.uid == 0 && made.gid == 0 && made.modified == Self.created)
    let node = tree.nodes[try #require(tree.find("/a/b"))]
    #expect(node.mode == 0o7000 && node.uid == 3 && node.gid == 4 && node.modified == 5)
    #expect(node.attributes == entry.attributes)
    let changed = try Self.merged([
      [LayerItem(entry: entry, content: nil), Item.file("a/b/c")], [LayerItem(entry: other, content: nil)],
    ]).tree
    let second = changed.nodes[try #require(changed.find("/a/b"))]
    #expect(second.mode == 0o1777 && second.attributes.isEmpty)
    #expect(changed.find("/a/b/c") != nil)
  }

  @Test func `the root takes its entry, and a note says when it is closed`() throws {
    let closed = try Self.merged([[Item.directory("", mode: 0o700)]])
    #expect(closed.tree.nodes[Tree.root].mode == 0o700)
    #expect(closed.notes == ["layer 0: the root directory is not open to everybody, its mode is 700"])
    #expect(try Self.merged([[Item.directory("", mode: 0o755)]]).notes.isEmpty)
    #expect(try Self.merged([]).tree.nodes[Tree.root].modified == Self.created)
  }

  @Test func `devices are kept, a character device 0 0 is left out with a note`() throws {
    let found = try Self.merged([
      [
        LayerItem(entry: Item.entry("null", .character(major: 1, minor: 3)), content: nil),
        LayerItem(entry: Item.entry("b", .block(major: 0, minor: 0)), content: nil),
        LayerItem(entry: Item.entry("p", .pipe), content: nil),
        LayerItem(entry: Item.entry("x/gone", .character(major: 0, minor: 0)), content: nil),
      ]
    ])
    #expect(Self.listing(found.tree) == ["b special", "null special", "p special"])
    #expect(found.notes.count == 1 && found.notes[0].hasPrefix("layer 0: /x/gone is left out"))
  }

  @Test func `70,000 owners are refused, as many as a squashfs holds are not`() throws {
    // Two of an entry; 0 is the root's.
    func owners(_ count: UInt32) -> [LayerItem] {
      stride(from: 0, to: count, by: 2).map { id in
        var entry = Item.entry("f", .pipe, uid: id)
        entry.gid = min(id + 1, count - 1)
        return LayerItem(entry: entry, content: nil)
      }
    }
    #expect(throws: Never.self) { try Self.merged([owners(65_535)]) }
    #expect(throws: LayerFault.tooManyOwners(layer: "0", limit: 65_535)) { try Self.merged([owners(70_000)]) }
  }

  @Test func `1024 levels are the most, also behind links`() throws {
    let deepest = String(repeating: "d/", count: 1023)
    #expect(throws: Never.self) { try Self.merged([[Item.file(deepest + "f")]]) }
    #expect(throws: LayerFault.entry(layer: "0", entry: "/" + deepest + "d", .tooDeep)) {
      try Self.merged([[Item.directory(deepest + "d")]])
    }
    let half = String(repeating: "d/", count: 600)
    #expect(throws: LayerFault.entry(layer: "0", entry: "/l/" + half + "f", .tooDeep)) {
      try Self.merged([[Item.link("l", half), Item.file("l/" + half + "f")]])
    }
  }

  @Test func `a layer is called what the caller says`() {
    var tree = LayerTree(created: 0)
    #expect(throws: LayerFault.entry(layer: "sha256:ab", entry: "/", .root)) {
      try tree.apply([Item.file("")], layer: 3, name: "sha256:ab")
    }
  }

  @Test func `the same layers give the same numbers`() throws {
    let items = (0..<300).map { Item.file("d\($0 % 7)/n\($0)", $0) }
    let first = try Self.merged([items])
    for _ in 0..<3 {
      let again = try Self.merged([items])
      #expect(again.contents.map(\.node) == first.contents.map(\.node))
      #expect(again.contents.map(\.content) == first.contents.map(\.content))
    }
  }
}
