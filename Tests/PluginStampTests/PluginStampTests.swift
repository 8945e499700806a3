import Foundation
import PluginStamp
import Testing

@Suite struct PluginStampTests {
  static let wanted = SlurmVersion("26.05.3")!

  /// A shared object made by the C compiler of this machine.
  static func built(_ source: String) throws -> [UInt8] {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let code = folder.appendingPathComponent("plugin.c")
    try Data(source.utf8).write(to: code)
    let object = folder.appendingPathComponent("plugin.so")
    let compiler = Foundation.Process()
    compiler.executableURL = URL(fileURLWithPath: "/usr/bin/cc")
    compiler.arguments = ["-shared", "-fPIC", "-o", object.path, code.path]
    try compiler.run()
    compiler.waitUntilExit()
    #expect(compiler.terminationStatus == 0)
    return [UInt8](try Data(contentsOf: object))
  }

  static let plugin = try! built(
    """
    const char plugin_name[] = "apus"; const char plugin_type[] = "spank";
    const unsigned int plugin_version = 0x160508; const unsigned int plugin_version_of_others = 7;
    int plugin_versions(void) { return 1; }
    """)

  @Test func `only the four bytes of the number change`() throws {
    let plugin = try PluginStamp(Self.plugin)
    #expect(plugin.version?.text == "22.05.8")
    let stamped = plugin.stamped(for: Self.wanted)
    let changed = zip(stamped, Self.plugin).enumerated().filter { $1.0 != $1.1 }.map(\.offset)
    #expect(stamped.count == Self.plugin.count && changed.allSatisfy { (0..<4).contains($0 - plugin.offset) })
    #expect(try PluginStamp(stamped).version == Self.wanted)
  }

  @Test func `a number may stand in data that can be written, too`() throws {
    let plugin = try PluginStamp(try Self.built("unsigned int plugin_version = 0x170B01;"))
    #expect(plugin.version?.text == "23.11.1")
    #expect(try PluginStamp(plugin.stamped(for: Self.wanted)).version == Self.wanted)
  }

  @Test(arguments: [
    "int something_else = 1;", "extern unsigned int plugin_version; int f(void) { return plugin_version; }",
    "int plugin_version(void) { return 1; }", "unsigned long plugin_version = 1;",
  ])
  func `a file without the number is refused`(source: String) throws {
    let bytes = try Self.built(source)
    #expect(throws: PluginFault.noVersion) { try PluginStamp(bytes) }
  }

  @Test func `what is no shared object for a machine of ours is refused`() throws {
    #expect(throws: PluginFault.notASharedObject) { try PluginStamp([]) }
    #expect(throws: PluginFault.notASharedObject) { try PluginStamp(Array("#!/bin/sh\n".utf8)) }
    var other = Self.plugin
    other[4] = 1
    #expect(throws: PluginFault.notASharedObject) { try PluginStamp(other) }
    other = Self.plugin
    other[18] = 243
    #expect(throws: PluginFault.machine(243)) { try PluginStamp(other) }
  }

  @Test func `a file cut anywhere is refused or holds its number`() throws {
    for count in 0..<Self.plugin.count {
      if let plugin = try? PluginStamp(Array(Self.plugin.prefix(count))) {
        #expect(plugin.offset + 4 <= count)
      }
    }
  }

  @Test func `no number in the headers leads out of the file`() throws {
    let reader = Self.plugin
    func word(_ offset: Int) -> Int { (0..<8).reduce(0) { $0 | Int(reader[offset + $1]) << (8 * $1) } }
    let sections = word(40)
    let segments = word(32)
    let places =
      Array(stride(from: 16, to: 64, by: 2)) + Array(stride(from: segments, to: segments + 56 * 8, by: 4))
      + Array(stride(from: sections, to: reader.count - 8, by: 4))
    for place in places {
      for value: [UInt8] in [
        [UInt8](repeating: 0xFF, count: 8), [0xF8] + [UInt8](repeating: 0xFF, count: 6) + [0x7F],
        [UInt8](repeating: 0, count: 8), [1, 0, 0, 0, 0, 0, 0, 0x80],
      ] {
        var bytes = reader
        bytes.replaceSubrange(place..<place + 8, with: value)
        if let plugin = try? PluginStamp(bytes) {
          #expect(plugin.offset >= 0 && plugin.offset + 4 <= bytes.count)
          _ = plugin.stamped(for: Self.wanted)
        }
      }
    }
  }

  @Test func `symbols that point nowhere are refused with what is wrong`() throws {
    var bytes = Self.plugin
    func word(_ offset: Int) -> Int { (0..<8).reduce(0) { $0 | Int(bytes[offset + $1]) << (8 * $1) } }
    let symbols = try #require(
      (0..<Int(bytes[60])).map { word(40) + 64 * $0 }.first { bytes[$0 + 4] == 11 })
    bytes.replaceSubrange(symbols + 24..<symbols + 32, with: [0, 0, 0, 0, 0, 0, 0, 1])
    #expect(
      throws: PluginFault.cut(
        what: "table of symbols", at: 1 << 56, size: UInt64(word(symbols + 32)), have: bytes.count)
    ) {
      try PluginStamp(bytes)
    }
    bytes = Self.plugin
    bytes[symbols + 56] = 23
    #expect(throws: PluginFault.field(what: "size of symbols", value: 23, expected: "24")) {
      try PluginStamp(bytes)
    }
  }
}
