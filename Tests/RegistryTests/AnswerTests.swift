import Content
import HTTP
import Testing

@testable import Registry

/// What answers hold, read without a server.
@Suite struct AnswerTests {
  @Test(
    arguments: [
      (#"{"token":"a"}"#, "a", 148), (#"{"access_token":"b","expires_in":300}"#, "b", 340),
      (#"{"token":"a","access_token":"b","expires_in":1}"#, "a", 148),
      (#"{"token":"a","expires_in":-1}"#, "a", 148),
      (#"{"token":"a","expires_in":100.5}"#, "a", 180), (#"{"token":"","access_token":"b"}"#, "b", 148),
      (#"{"token":"a","expires_in":9223372036854775807}"#, "a", 100 + 69120),
    ] as [(String, String, Double)])
  func `a token lives for four fifths of its time`(body: String, text: String, end: Double) throws {
    let token = try #require(Token(Array(body.utf8), asked: 100))
    #expect(token.text == text)
    #expect(token.end == end)
  }

  @Test(arguments: ["", "{}", "[]", #"{"token":"a\r\nX: y"}"#, #"{"token":3}"#, #"{"token":"a b"}"#])
  func `an answer without a token that can be sent is none`(body: String) {
    #expect(Token(Array(body.utf8), asked: 0) == nil)
  }

  @Test(arguments: [
    ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
  ])
  func `credentials are encoded`(text: String, code: String) {
    #expect(Base64.encode(Array(text.utf8)) == code)
  }

  @Test(
    arguments: [
      (#"299 - "old""#, "old"), (#"299 host "a \"b\"""#, #"a "b""#), ("299 - \"\u{1B}[2J\"", "\\x1b[2J"),
      (#"199 - "x""#, nil), (#"299 - "x"#, nil), ("299 - x", nil),
    ] as [(String, String?)])
  func `a warning is read`(value: String, text: String?) { #expect(RegistryNotes.warning(value) == text) }

  @Test func `warnings are kept once, rate limits as they were last`() {
    let notes = RegistryNotes()
    for left in [2, 1] {
      notes.note([
        "Warning": #"299 - "old""#, "RateLimit-Limit": "100;w=21600",
        "RateLimit-Remaining": "\(left);w=21600",
      ])
    }
    #expect(notes.warnings == ["old"])
    #expect(notes.rateLimit == RateLimit(limit: 100, remaining: 1, windowSeconds: 21600))
  }

  @Test(arguments: [
    (#"{"errors":[{"code":"NAME_UNKNOWN","message":"no\u001bname"},7]}"#, ["NAME_UNKNOWN: no\\x1bname"]),
    (#"{"details":"incorrect username"}"#, ["incorrect username"]), ("<html>", []), (#"{"errors":null}"#, []),
  ]) func `a registry's errors are read`(body: String, texts: [String]) {
    #expect(RegistryError.parse(Array(body.utf8)).map(\.text) == texts)
  }

  static let layers = #"{"schemaVersion":2,"layers":[]}"#
  static let manifests = #"{"schemaVersion":2,"manifests":[]}"#

  @Test(
    arguments: [
      (smallManifest, ManifestMedia.manifest, .media(ManifestMedia.manifest)),
      (smallManifest, ManifestMedia.manifest + "; charset=utf-8", .media(ManifestMedia.manifest)),
      (smallManifest, nil, .media(ManifestMedia.manifest)),
      (smallManifest, "application/json", .media(ManifestMedia.manifest)),
      (
        smallManifest, ManifestMedia.index,
        .unknown(
          why: "the manifest calls itself \(ManifestMedia.manifest), the registry \(ManifestMedia.index)")
      ),
      (layers, ManifestMedia.dockerManifest, .media(ManifestMedia.dockerManifest)),
      (layers, nil, .media(ManifestMedia.manifest)), (manifests, "text/plain", .media(ManifestMedia.index)),
      ("{}", nil, .unknown(why: "the manifest names neither its kind nor layers")),
      (layers, "image/png", .unknown(why: "it has a manifest of the kind image/png")),
      (#"{"schemaVersion":1}"#, nil, .schema1),
      (layers, "application/vnd.docker.distribution.manifest.v1+prettyjws", .schema1),
      (layers, "application/vnd.docker.distribution.manifest.v1+json", .schema1),
    ] as [(String, String?, ManifestMedia.Kind)])
  func `the kind of a manifest is told`(text: String, type: String?, kind: ManifestMedia.Kind) {
    #expect(ManifestMedia.kind(Array(text.utf8), contentType: type) == kind)
  }
}
