public import Content
internal import Model

/// A manifest or index as the registry has it, checked against its digest.
public struct FetchedManifest: Equatable, Sendable {
  /// The exact bytes: what the digest is of.
  public let bytes: [UInt8]
  /// One of `ManifestMedia`'s, without parameters.
  public let mediaType: String
  public let digest: Digest

  public init(bytes: [UInt8], mediaType: String, digest: Digest) {
    self.bytes = bytes
    self.mediaType = mediaType
    self.digest = digest
  }
}

/// The kinds of manifests (OCI Image Specification, "Media Types"; Docker Image Manifest V2, Schema 2).
public enum ManifestMedia {
  public static let manifest = "application/vnd.oci.image.manifest.v1+json"
  public static let index = "application/vnd.oci.image.index.v1+json"
  public static let dockerManifest = "application/vnd.docker.distribution.manifest.v2+json"
  public static let dockerList = "application/vnd.docker.distribution.manifest.list.v2+json"
  static let known = [manifest, index, dockerManifest, dockerList]

  /// In one field: a proxy that kept only the last of several made a good image unknown.
  static let accepted = known.connected(by: ", ")

  /// What servers send that do not know what they have.
  private static let vague: Set<String> = [
    "", "application/json", "application/octet-stream", "binary/octet-stream", "text/plain",
  ]

  enum Kind: Equatable {
    case media(String)
    case schema1
    case unknown(why: String)
  }

  /// What the bytes are: body and head must agree; where neither says, the members do.
  static func kind(_ bytes: [UInt8], contentType: String?) -> Kind {
    let head = withoutParameters(contentType ?? "")
    if head.hasSuffix("manifest.v1+json") && head.utf8.starts(with: "application/vnd.docker.".utf8)
      || head.hasSuffix("+prettyjws")
    {
      return .schema1
    }
    let json: JSON
    do throws(JSONFault) { json = try JSON(parsing: bytes) } catch {
      return .unknown(why: "the manifest is no JSON: \(error.why) at byte \(error.offset)")
    }
    if json["schemaVersion"] == .integer(1) { return .schema1 }
    let body = json["mediaType"]?.text.map(withoutParameters) ?? ""
    if !body.isEmpty, !vague.contains(head), head != body {
      return .unknown(why: "the manifest calls itself \(printable(body)), the registry \(printable(head))")
    }
    let media = body.isEmpty && !vague.contains(head) ? head : body
    if known.contains(media) { return .media(media) }
    guard media.isEmpty else { return .unknown(why: "it has a manifest of the kind \(printable(media))") }
    if case .array? = json["manifests"] { return .media(index) }
    if case .array? = json["layers"] { return .media(manifest) }
    return .unknown(why: "the manifest names neither its kind nor layers")
  }

  private static func withoutParameters(_ type: String) -> String {
    let type = type.fields(at: UInt8(ascii: ";")).first.map { $0.filter { $0 != " " && $0 != "\t" } } ?? ""
    return type.lowercased()
  }
}
