import Content
import Model
import Testing

@testable import Conversion

@Suite struct OCIConfigurationTests {
  static let layer = Digest.of([1, 2, 3]).text

  static func parsed(_ text: String) throws -> OCIConfiguration {
    try OCIConfiguration(Array(text.utf8), name: "an image")
  }

  @Test func `all that is used is read, in the order of the document`() throws {
    let text = """
      {"architecture": "arm64", "variant": "v8", "os": "linux", "created": "2023-11-14T22:13:20Z",
       "config": {"Entrypoint": ["/bin/a", "b c"], "Cmd": ["d"], "Env": ["A=1", "B=\\u00e4\\n", "A=2"],
                  "Labels": {"z": "1", "a": "2"}, "WorkingDir": "/w"},
       "rootfs": {"type": "layers", "diff_ids": ["\(Self.layer)"]}, "history": [{}]}
      """
    let found = try Self.parsed(text)
    #expect(found.architecture == "arm64" && found.variant == "v8" && found.operatingSystem == "linux")
    #expect(found.created == 1_700_000_000)
    #expect(found.entrypoint == ["/bin/a", "b c"] && found.command == ["d"])
    #expect(found.environment == ["A=1", "B=ä\n", "A=2"])
    #expect(found.labels.map { "\($0.name)=\($0.value)" } == ["z=1", "a=2"])
    #expect(found.differences.map(\.text) == [Self.layer])
    #expect(found.digest == Digest.of(Array(text.utf8)))
    #expect(found.process["WorkingDir"]?.text == "/w")
  }

  @Test(arguments: [
    "{}", #"{"config": null, "rootfs": null}"#, #"{"config": [], "rootfs": [], "created": 5}"#,
    #"{"config": {"Env": "A=1", "Cmd": {"a": "b"}, "Entrypoint": null, "Labels": ["x"]}}"#,
    #"{"config": {"Env": [1, null, {}], "Labels": {"a": 1, "b": null}}, "created": "yesterday"}"#,
    #"{"architecture": 5, "os": ["linux"], "rootfs": {"diff_ids": "sha256:"}}"#, "[]", "null", "5",
  ])
  func `what is of another kind than it should be counts as left out`(text: String) throws {
    let found = try Self.parsed(text)
    #expect(found.architecture == "" && found.operatingSystem == "" && found.created == 0)
    #expect(found.environment.isEmpty && found.entrypoint.isEmpty && found.command.isEmpty)
    #expect(found.labels.isEmpty && found.differences.isEmpty)
  }

  @Test(arguments: ["", "{", "not JSON", #"{"a": "\q"}"#, "{} {}", #"{"config": {"Env": ["A=1",]}}"#])
  func `what is no JSON is refused with the place`(text: String) {
    #expect(throws: OCIFault.self) { try Self.parsed(text) }
  }

  @Test func `nesting without end is refused and nothing overflows`() {
    let depth = 1_000_000
    #expect(throws: OCIFault.self) { try Self.parsed(String(repeating: "[", count: depth)) }
    #expect(throws: OCIFault.self) { try Self.parsed(String(repeating: #"{"config":"#, count: depth)) }
  }

  @Test(arguments: [
    "md5:00", "sha256:", "sha256:zz", "sha256:" + String(repeating: "A", count: 64), "",
    "sha256:" + String(repeating: "0", count: 63), "sha512:" + String(repeating: "0", count: 64),
    "../../etc/passwd", String(repeating: "0", count: 64),
  ])
  func `a layer whose digest cannot be checked is refused by it`(digest: String) {
    #expect(
      throws: OCIFault.document(
        name: "an image", why: "the digest \"\(digest)\" of a layer is none that can be checked")
    ) { try Self.parsed(#"{"rootfs": {"diff_ids": ["\#(digest)"]}}"#) }
  }

  @Test(
    arguments: [
      (layers: 1, diffs: 1, system: "linux", fault: nil),
      (layers: 1, diffs: 1, system: "", fault: nil),
      (layers: 2, diffs: 1, system: "linux", fault: .layerCount(name: "x", layers: 2, diffs: 1)),
      (layers: 1, diffs: 0, system: "linux", fault: .layerCount(name: "x", layers: 1, diffs: 0)),
      (layers: 0, diffs: 0, system: "linux", fault: .notAnImage(name: "x", types: [])),
      (layers: 1, diffs: 1, system: "windows", fault: .operatingSystem(name: "x", system: "windows")),
    ] as [(layers: Int, diffs: Int, system: String, fault: OCIFault?)])
  func `manifest and configuration speak of the same layers, for Linux`(
    layers: Int, diffs: Int, system: String, fault: OCIFault?
  ) throws {
    let list = Array(repeating: "\"\(Self.layer)\"", count: diffs).joined(separator: ",")
    let configuration = try Self.parsed(#"{"os": "\#(system)", "rootfs": {"diff_ids": [\#(list)]}}"#)
    let sources = (0..<layers).map { number in
      SourceLayer(name: "\(number)", size: 0) { MemorySource([]) }
    }
    var found: OCIFault?
    do throws(OCIFault) {
      _ = try SourceImage(name: "x", manifest: nil, configuration: configuration, layers: sources)
    } catch { found = error }
    #expect(found == fault)
  }
}
