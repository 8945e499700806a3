import Layers
import Testing

@Suite struct WhiteoutTests {
  static func whiteout(_ text: String) throws -> Whiteout? {
    try LayerEntry(path: path(text), kind: .directory, mode: 0).whiteout
  }

  @Test(
    arguments: [
      ("", nil), ("a", nil), ("a/wh.b", nil), ("a/.whb", nil), (".w/h.", nil),
      ("a/.wh.b", .hides(parent: path("a"), name: Array("b".utf8))),
      (".wh.b", .hides(parent: [], name: Array("b".utf8))),
      (".wh....", .hides(parent: [], name: Array("...".utf8))),
      ("a/b/.wh..wh..opq", .opaque(parent: path("a/b"))), (".wh..wh..opq", .opaque(parent: [])),
      (".wh..wh.plnk", .ignored), (".wh..wh.aufs", .ignored), (".wh..wh.orph", .ignored),
      ("a/.wh..wh.x", .ignored),
      (".wh..wh.plnk/12.34", .ignored), (".wh..wh.plnk/.wh.a", .ignored),
    ] as [(String, Whiteout?)])
  func `a name says what is hidden`(text: String, whiteout: Whiteout?) throws {
    #expect(try Self.whiteout(text) == whiteout)
  }

  @Test(
    arguments: [
      (".wh.", .whiteout), ("a/.wh.", .whiteout), (".wh..", .whiteout), (".wh...", .whiteout),
      (".wh.x/y", .whiteoutInPath), ("a/.wh.x/y/z", .whiteoutInPath), (".wh..wh..opq/y", .whiteoutInPath),
      (".wh.x/.wh.y", .whiteoutInPath), (".wh./y", .whiteoutInPath),
    ] as [(String, EntryFault)])
  func `a whiteout of nothing or used as a directory is refused`(text: String, fault: EntryFault) {
    #expect(throws: fault) { try Self.whiteout(text) }
  }
}
