import Content
import Linux
import Model
import Reference
import Testing

@testable import Conversion

/// A layout in memory.
private final class MemoryLayout: BlobProvider {
  let name = "a layout"
  private let files: [String: [UInt8]]

  init(_ files: [String: [UInt8]]) { self.files = files }

  func document(_ path: String) throws(BuildFault) -> [UInt8]? { files[path] }
  func open(_ path: String) throws(ContentFault) -> (source: any ByteSource, size: Int)? {
    files[path].map { (MemorySource($0), $0.count) }
  }
}

/// Images of one layer each, as files of a layout.
private struct LayoutFiles {
  var files: [String: [UInt8]] = ["oci-layout": Array(#"{"imageLayoutVersion": "1.0.0"}"#.utf8)]
  var entries: [String] = []

  /// Stores a blob; its descriptor as JSON, with `more` members.
  mutating func put(_ text: String, type: String, _ more: String = "") -> String {
    let digest = Digest.of(Array(text.utf8))
    files["blobs/sha256/" + digest.hex] = Array(text.utf8)
    return #"{"mediaType": "\#(type)", "digest": "\#(digest.text)", "size": \#(text.utf8.count)\#(more)}"#
  }

  /// An image whose command is `mark`; its descriptor.
  mutating func image(_ mark: String, _ more: String = "") -> String {
    let layer = put("layer of \(mark)", type: "application/vnd.oci.image.layer.v1.tar")
    let settings = put(
      #"{"os": "linux", "config": {"Cmd": ["\#(mark)"]}, "rootfs": {"diff_ids": ["\#(Digest.of([]).text)"]}}"#,
      type: "application/vnd.oci.image.config.v1+json")
    return put(#"{"config": \#(settings), "layers": [\#(layer)]}"#, type: OCIMediaType.manifest, more)
  }

  mutating func add(_ mark: String, name: String? = nil, platform: String? = nil) {
    var more = ""
    if let name { more += #", "annotations": {"org.opencontainers.image.ref.name": "\#(name)"}"# }
    if let platform { more += #", "platform": {"os": "linux", "architecture": "\#(platform)"}"# }
    entries.append(image(mark, more))
  }

  var provider: MemoryLayout {
    var files = files
    files["index.json"] = Array(
      #"{"schemaVersion": 2, "manifests": [\#(entries.joined(separator: ","))]}"#.utf8)
    return MemoryLayout(files)
  }
}

private func read(_ provider: some BlobProvider, _ selector: String?) throws(BuildFault) -> String {
  try LayoutImage.read(provider, selector: selector, platform: Platform(.amd64)).configuration.command.first
    ?? ""
}

@Suite struct LayoutImageTests {
  @Test(
    arguments: [
      (["a"], nil, "a"), (["a"], "a", "a"), (["a", "b"], "b", "b"), (["a", "b"], nil, nil), (["a"], "b", nil),
      (["host:5000/n/m:1"], "host:5000/n/m:1", "host:5000/n/m:1"),
      (["host:5000/n/m:1"], "1", "host:5000/n/m:1"),
      (["docker.io/library/x:latest"], "x", "docker.io/library/x:latest"),
      (["x:latest"], "docker.io/library/x", "x:latest"), (["x:latest"], "y", nil), (["x:1"], "x", nil),
      ([], nil, nil), ([], "a", nil), ([""], nil, ""),
    ] as [([String], String?, String?)])
  func `an entry is chosen by its name, or because it is the only one`(
    names: [String], selector: String?, wanted: String?
  ) throws {
    var layout = LayoutFiles()
    for name in names { layout.add(name, name: name) }
    guard let wanted else {
      let fault = BuildFault.selection(path: "a layout", wanted: selector, has: names)
      #expect(throws: fault) { try read(layout.provider, selector) }
      return
    }
    #expect(try read(layout.provider, selector) == wanted)
  }

  @Test func `entries of one name are one image for several platforms`() throws {
    var layout = LayoutFiles()
    for platform in ["arm64", "amd64", "s390x"] { layout.add(platform, name: "x", platform: platform) }
    #expect(try read(layout.provider, "x") == "amd64")
    #expect(try read(layout.provider, nil) == "amd64")
    layout.entries.remove(at: 1)
    #expect(throws: BuildFault.self) { try read(layout.provider, "x") }
  }

  @Test func `an entry is chosen by its digest`() throws {
    var layout = LayoutFiles()
    layout.add("a")
    layout.add("b", name: "b")
    let entry = try JSON(parsing: Array(layout.entries[0].utf8))
    let digest = try #require(entry["digest"]?.text)
    #expect(try read(layout.provider, "@" + digest) == "a")
    #expect(throws: BuildFault.self) { try read(layout.provider, "@sha256:00") }
    #expect(throws: BuildFault.self) { try read(layout.provider, "@") }
  }

  @Test(arguments: [(1, true), (2, true), (3, false), (60, false)])
  func `indexes are followed three deep, and no circle is`(depth: Int, isRead: Bool) throws {
    var layout = LayoutFiles()
    var inner = layout.image("deep")
    for _ in 0..<depth { inner = layout.put(#"{"manifests": [\#(inner)]}"#, type: OCIMediaType.index) }
    layout.entries = [inner]
    if isRead {
      #expect(try read(layout.provider, nil) == "deep")
    } else {
      #expect(throws: BuildFault.oci(.nestedTooDeep(name: "a layout"))) { try read(layout.provider, nil) }
    }
  }

  @Test(
    arguments: [
      ("oci-layout", nil), ("oci-layout", "{}"), ("oci-layout", #"{"imageLayoutVersion": "2.0"}"#),
      ("oci-layout", "no JSON"), ("index.json", nil), ("index.json", "{}"), ("index.json", "[]"),
      ("index.json", #"{"manifests": 5}"#), ("index.json", String(repeating: "{", count: 100_000)),
      ("index.json", #"{"manifests": [{"digest": "sha256:../../../etc/passwd", "size": 1}]}"#),
      ("index.json", #"{"schemaVersion": 1, "manifests": []}"#),
    ] as [(String, String?)])
  func `a document of the layout that is missing or wrong is refused`(path: String, text: String?) throws {
    var layout = LayoutFiles()
    layout.add("a")
    var files = layout.files
    files["index.json"] = Array(#"{"manifests": [\#(layout.entries[0])]}"#.utf8)
    files[path] = text.map { Array($0.utf8) }
    #expect(throws: BuildFault.self) { try read(MemoryLayout(files), nil) }
  }

  @Test func `a blob that is not the one it is called is refused`() throws {
    var layout = LayoutFiles()
    layout.add("a")
    for path in layout.files.keys where path.hasPrefix("blobs/") {
      var damaged = layout
      damaged.files[path]?[3] ^= 1
      let image = try? LayoutImage.read(damaged.provider, selector: nil, platform: Platform(.amd64))
      // A layer is read later: then it does not become another one.
      guard let image else { continue }
      #expect(throws: ContentFault.self) {
        try image.layers[0].open().readAll(limit: 1 << 20, name: "layer")
      }
    }
    var missing = layout
    for path in layout.files.keys where path.hasPrefix("blobs/") { missing.files[path] = nil }
    #expect(throws: BuildFault.self) { try read(missing.provider, nil) }
  }

  @Test func `a manifest larger than any is not read`() throws {
    let huge = #"{"digest": "\#(Digest.of([]).text)", "size": 9000000}"#
    var layout = LayoutFiles()
    layout.entries = [huge]
    #expect(throws: BuildFault.self) { try read(layout.provider, nil) }
  }
}

@Suite struct DockerArchiveTests {
  /// An entry of a ustar archive, of a kind by its letter.
  private static func member(_ name: String, _ data: [UInt8], kind: Character = "0", target: String = "")
    -> [UInt8]
  {
    func field(_ text: String, _ width: Int) -> [UInt8] {
      Array(Array(text.utf8).prefix(width)) + [UInt8](repeating: 0, count: max(0, width - text.utf8.count))
    }
    func octal(_ number: Int, _ width: Int) -> [UInt8] {
      let digits = String(number, radix: 8)
      return field(String(repeating: "0", count: width - 1 - digits.utf8.count) + digits, width)
    }
    var header = field(name, 100) + octal(0o644, 8) + octal(0, 8) + octal(0, 8) + octal(data.count, 12)
    header += octal(0, 12) + Array("        ".utf8) + Array(String(kind).utf8) + field(target, 100)
    header += field("ustar", 6) + Array("00".utf8)
    header += [UInt8](repeating: 0, count: 512 - header.count)
    let sum = header.reduce(0) { $0 + Int($1) }
    header.replaceSubrange(148..<156, with: octal(sum, 7) + [0x20])
    return header + data + [UInt8](repeating: 0, count: (512 - data.count % 512) % 512)
  }

  private static func archive(_ members: [[UInt8]]) throws -> ArchiveFile {
    let bytes = members.flatMap { $0 } + [UInt8](repeating: 0, count: 1024)
    return try ArchiveFile(MemorySource(bytes), name: "x", scratch: "/tmp")
  }

  private static let settings = Array(
    #"{"os": "linux", "config": {"Cmd": ["run"]}, "rootfs": {"diff_ids": ["\#(Digest.of([]).text)"]}}"#.utf8)

  private static func read(_ archive: ArchiveFile, _ selector: String? = nil) throws -> SourceImage {
    try DockerArchive.read(archive, selector: selector, platform: Platform(.amd64))
  }

  private static func manifest(_ entries: String) -> [UInt8] { member("manifest.json", Array(entries.utf8)) }

  private static let one =
    #"[{"Config": "c.json", "RepoTags": ["a/b:1", "a/b:2"], "Layers": ["l/layer.tar"]}]"#

  @Test(arguments: [nil, "a/b:1", "a/b:2", "docker.io/a/b:1", "@0"])
  func `an image is chosen by each of its tags, by its number, or because it is the only one`(
    selector: String?
  )
    throws
  {
    let archive = try Self.archive([
      Self.member("l/layer.tar", [1, 2, 3]), Self.member("c.json", Self.settings), Self.manifest(Self.one),
    ])
    let image = try Self.read(archive, selector)
    #expect(image.configuration.command == ["run"] && image.layers.map(\.size) == [3])
    #expect(try image.layers[0].open().readAll(limit: 10, name: "") == [1, 2, 3])
    // Nobody vouches for these bytes before they are compared with the configuration.
    #expect(!image.layers[0].isVerified && image.manifest == nil)
  }

  @Test(arguments: ["a/b", "a/b:3", "@1", "@-1", "@", "@99999999999999999999", "b:1", ""])
  func `what the archive does not have is refused with what it has`(selector: String) throws {
    let archive = try Self.archive([
      Self.member("l/layer.tar", []), Self.member("c.json", Self.settings), Self.manifest(Self.one),
    ])
    #expect(throws: BuildFault.selection(path: "x", wanted: selector, has: ["a/b:1", "a/b:2"])) {
      try Self.read(archive, selector)
    }
  }

  @Test(arguments: [
    "", "{}", "null", "[", "[5]", "[{}]", #"[{"Config": "c.json", "Layers": ["none"]}]"#,
    #"[{"Config": "none", "Layers": ["l/layer.tar"]}]"#, #"[{"Config": 5, "Layers": "l"}]"#,
    #"[{"Config": "../../etc/passwd", "Layers": ["l/layer.tar"]}]"#,
    #"[{"Config": "c.json", "Layers": ["/etc/passwd"]}]"#, #"[{"Config": "c.json", "Layers": []}]"#,
    #"[{"Config": "c.json", "Layers": ["l/layer.tar", "l/layer.tar"]}]"#,
  ])
  func `a list that lies is refused`(text: String) throws {
    let archive = try Self.archive([
      Self.member("l/layer.tar", []), Self.member("c.json", Self.settings), Self.manifest(text),
    ])
    #expect(throws: BuildFault.self) { try Self.read(archive) }
  }

  @Test func `links lead from member to member, never out, and in no circle`() throws {
    let there = [
      Self.member("first/layer.tar", [9]), Self.member("c.json", Self.settings), Self.manifest(Self.one),
    ]
    let links: [(kind: Character, target: String, isRead: Bool)] = [
      ("2", "../first/layer.tar", true), ("2", "/first/layer.tar", true), ("1", "first/layer.tar", true),
      ("2", "../../../first/layer.tar", true), ("2", "../l/layer.tar", false), ("2", "/etc/passwd", false),
      ("1", "none", false), ("2", "../first", false),
    ]
    for link in links {
      let archive = try Self.archive(
        [Self.member("l/layer.tar", [], kind: link.kind, target: link.target)] + there)
      guard link.isRead else {
        #expect(throws: BuildFault.self, "\(link)") { try Self.read(archive) }
        continue
      }
      let image = try Self.read(archive)
      #expect(try image.layers[0].open().readAll(limit: 10, name: "") == [9], "\(link)")
    }
  }

  @Test func `the last member of a name counts`() throws {
    let archive = try Self.archive([
      Self.manifest("no JSON"), Self.member("l/layer.tar", [1]), Self.member("l/layer.tar", [2]),
      Self.member("./c.json", Self.settings), Self.manifest(Self.one),
    ])
    #expect(try Self.read(archive).layers[0].open().readAll(limit: 10, name: "") == [2])
  }

  @Test func `an archive cut anywhere is refused, or only misses what was cut`() throws {
    let whole =
      [Self.manifest(Self.one), Self.member("c.json", Self.settings), Self.member("l/layer.tar", [1])].flatMap
    { $0 }
    for length in stride(from: 0, to: whole.count - 512, by: 64) {
      #expect(throws: BuildFault.self, "\(length)") {
        try Self.read(
          try ArchiveFile(MemorySource(Array(whole[..<length])), name: "x", scratch: "/tmp"))
      }
    }
  }
}
