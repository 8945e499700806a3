import Content
import Model
import Testing

@testable import Conversion

@Suite struct OCIDocumentTests {
  static let digest = Digest.of([7]).text
  static let entry = #"{"mediaType": "\#(OCIMediaType.manifest)", "digest": "\#(digest)", "size": 5}"#

  static func parsed(_ text: String, _ type: String = "") throws -> OCIDocument {
    try OCIDocument(Array(text.utf8), mediaType: type, name: "x")
  }

  @Test func `a manifest has its configuration and layers, with all that is said of them`() throws {
    let text = """
      {"schemaVersion": 2, "config": {"mediaType": "c", "digest": "\(Self.digest)", "size": 1},
       "layers": [{"mediaType": "l", "digest": "\(Self.digest)", "size": 9007199254740993,
                   "urls": ["https://a", 5], "annotations": {"k": "v", "n": 1}}]}
      """
    guard case .manifest(let manifest) = try Self.parsed(text) else {
      Issue.record("it is no manifest")
      return
    }
    #expect(manifest.configuration.mediaType == "c")
    let layer = try #require(manifest.layers.first)
    #expect(layer.size == 9_007_199_254_740_993 && layer.urls == ["https://a"])
    #expect(layer.annotations.map(\.name) == ["k"])
  }

  @Test(arguments: [
    ("", #"{"manifests": []}"#, 0), (OCIMediaType.index, #"{"manifests": [\#(entry)]}"#, 1),
    (OCIMediaType.dockerList, #"{"manifests": [\#(entry), \#(entry)]}"#, 2),
    ("application/json", #"{"manifests": [\#(entry)]}"#, 1), ("text/plain", #"{"manifests": []}"#, 0),
    ("", #"{"mediaType": "\#(OCIMediaType.index)", "manifests": [\#(entry)]}"#, 1),
    (OCIMediaType.index, #"{"mediaType": "\#(OCIMediaType.index)", "schemaVersion": 2, "manifests": []}"#, 0),
  ])
  func `an index is known by its type, or by its members where none is said`(
    type: String, text: String, count: Int
  ) throws {
    guard case .index(let entries) = try Self.parsed(text, type) else {
      Issue.record("it is no index")
      return
    }
    #expect(entries.count == count)
  }

  @Test func `platforms of an index are read`() throws {
    let text = """
      {"manifests": [{"digest": "\(Self.digest)", "size": 1,
        "platform": {"os": "linux", "architecture": "arm", "variant": "v7", "os.version": "1"}}]}
      """
    guard case .index(let entries) = try Self.parsed(text) else {
      Issue.record("it is no index")
      return
    }
    #expect(entries.map { [$0.operatingSystem, $0.architecture, $0.variant] } == [["linux", "arm", "v7"]])
  }

  @Test(arguments: [
    (OCIMediaType.manifest, #"{"mediaType": "\#(OCIMediaType.index)", "manifests": []}"#, "it says it is "),
    (OCIMediaType.index, "{}", "\"manifests\" is no list"),
    (OCIMediaType.index, #"{"manifests": {}}"#, "\"manifests\" is no list"),
    ("", "{}", "no configuration"), ("", "[]", "no configuration"), ("", "null", "no configuration"),
    ("", #"{"config": \#(entry)}"#, "\"layers\" is no list"),
    ("", #"{"config": \#(entry), "layers": [{}]}"#, "none that can be checked"),
    ("", #"{"config": {"digest": "md5:0", "size": 1}, "layers": []}"#, "none that can be checked"),
    ("", #"{"config": {"digest": "\#(digest)"}, "layers": []}"#, "an entry has no size"),
    ("", #"{"config": {"digest": "\#(digest)", "size": -1}, "layers": []}"#, "an entry has no size"),
    ("", #"{"config": {"digest": "\#(digest)", "size": 1.5}, "layers": []}"#, "an entry has no size"),
    ("", #"{"config": {"digest": "\#(digest)", "size": "1"}, "layers": []}"#, "an entry has no size"),
    (
      "", #"{"config": {"digest": "\#(digest)", "size": 99999999999999999999}, "layers": []}"#,
      "an entry has no size"
    ),
    ("", "{", "no JSON"), ("", "", "no JSON"), ("", String(repeating: "[", count: 500_000), "no JSON"),
    (
      "", #"{"manifests": ["# + Array(repeating: entry, count: 10_001).joined(separator: ",") + "]}",
      "it has 10001 manifests"
    ),
  ])
  func `a document that cannot be meant is refused, and says what is wrong`(
    type: String, text: String, why: String
  ) {
    do throws(OCIFault) {
      _ = try OCIDocument(Array(text.utf8), mediaType: type, name: "x")
      Issue.record("it was accepted")
    } catch {
      #expect(error.explanation.why.contains(why), "\(error)")
    }
  }

  @Test(arguments: [
    ("application/vnd.docker.distribution.manifest.v1+prettyjws", #"{"schemaVersion": 1}"#, 1),
    ("", #"{"schemaVersion": 1, "fsLayers": []}"#, 1), ("", #"{"schemaVersion": 3, "manifests": []}"#, 3),
    ("application/vnd.docker.distribution.manifest.v1+prettyjws", "{}", 1),
  ])
  func `another schema is named`(type: String, text: String, version: Int) {
    #expect(throws: OCIFault.schema(name: "x", version: version)) { try Self.parsed(text, type) }
  }

  @Test(arguments: [
    ("application/vnd.oci.image.layer.v1.tar", true), ("application/vnd.oci.image.layer.v1.tar+gzip", true),
    ("application/vnd.oci.image.layer.v1.tar+zstd", true),
    ("application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", true),
    ("application/vnd.docker.image.rootfs.diff.tar.gzip", true),
    ("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", true),
    ("application/vnd.docker.image.rootfs.diff.tar", true), (OCIMediaType.sif, false),
    ("application/vnd.in-toto+json", false), ("", false), ("+gzip", false),
    ("application/vnd.oci.image.layer.v1.tarball", false),
  ])
  func `layers are known by their type`(type: String, isLayer: Bool) {
    #expect(OCIMediaType.isLayer(type) == isLayer)
  }
}
