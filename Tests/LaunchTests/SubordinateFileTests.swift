import Linux
import Testing

@testable import Launch

@Suite struct SubordinateFileTests {
  static func file(_ text: String, path: String = "/etc/subuid") -> SubordinateFile {
    SubordinateFile(path: path, text: text)
  }

  @Test func `a block is the highest that no line of either file has`() {
    #expect(SubordinateFile.freeBlock(in: []) == 4_294_836_224)
    let first = Self.file("bob:4294836224:65536\nnonsense\nx:1:99999999999999\n")
    #expect(SubordinateFile.freeBlock(in: [first, Self.file("")]) == 4_294_770_688)
    let second = Self.file("eve:4294770000:1000\n")
    #expect(SubordinateFile.freeBlock(in: [first, second]) == 4_294_639_616)
    #expect(SubordinateFile.freeBlock(in: [Self.file("all:0:4294967295\n")]) == nil)
  }

  @Test func `a range is added once, switched off and on, and removed by name and number`() throws {
    var file = Self.file("bob:1:2\n")
    try file.add(Facts.entry, first: 7)
    #expect(file.text == "bob:1:2\nann:7:65536\n")
    #expect(throws: SubordinateFileFault.has(user: "ann", path: "/etc/subuid")) {
      try file.add(Facts.entry, first: 9)
    }
    try file.switch(Facts.entry, on: false)
    try file.switch(Facts.entry, on: false)
    #expect(file.text == "bob:1:2\n!ann:7:65536\n")
    #expect(SubordinateRanges(file.text, path: "", user: Facts.user, own: 1000).ranges.isEmpty)
    try file.switch(Facts.entry, on: true)
    #expect(file.text == "bob:1:2\nann:7:65536\n")
    file = Self.file("ann:1:1\n1000:2:1\n!ann:3:1\nanna:4:1\n")
    try file.remove(Facts.entry)
    #expect(file.text == "anna:4:1\n")
    #expect(throws: SubordinateFileFault.hasNone(user: "ann", path: "/etc/subuid")) {
      try file.remove(Facts.entry)
    }
    #expect(throws: SubordinateFileFault.hasNone(user: "ann", path: "/etc/subuid")) {
      try file.switch(Facts.entry, on: true)
    }
  }
}
