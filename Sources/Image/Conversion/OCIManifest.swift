public import Content
public import Model

/// The media types of manifests, indexes and layers that are understood (OCI Image Format, media-types.md; Docker Image
/// Manifest V2, Schema 2).
public enum OCIMediaType {
  public static let manifest = "application/vnd.oci.image.manifest.v1+json"
  public static let index = "application/vnd.oci.image.index.v1+json"
  public static let dockerManifest = "application/vnd.docker.distribution.manifest.v2+json"
  public static let dockerList = "application/vnd.docker.distribution.manifest.list.v2+json"
  /// A SIF as an artifact of a registry (ORAS); the second is how early clients misspelt it.
  public static let sif = "application/vnd.sylabs.sif.layer.v1.sif"
  public static let oldSIF = "appliciation/vnd.sylabs.sif.layer.tar"
  public static let sifConfiguration = "application/vnd.sylabs.sif.config.v1+json"

  /// Whether a blob of that type is a layer of a file system. What compresses it is read from its first bytes: the type
  /// is wrong too often.
  public static func isLayer(_ type: String) -> Bool {
    let base = type.split(separator: "+").first.map(String.init) ?? type
    return [
      "application/vnd.oci.image.layer.v1.tar", "application/vnd.oci.image.layer.nondistributable.v1.tar",
      "application/vnd.docker.image.rootfs.diff.tar", "application/vnd.docker.image.rootfs.diff.tar.gzip",
      "application/vnd.docker.image.rootfs.foreign.diff.tar",
      "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
    ].contains(base)
  }
}

/// A manifest: which configuration and layers an image has.
public struct OCIManifest: Equatable, Sendable {
  public let configuration: ContentDescriptor
  public let layers: [ContentDescriptor]
}

/// What the bytes of a manifest are.
public enum OCIDocument: Equatable, Sendable {
  case manifest(OCIManifest)
  case index([ContentDescriptor])

  /// More entries than any image has: a document with more is refused.
  private static let mostEntries = 10_000

  /// Reads a manifest or an index. `mediaType`: what the source calls it, empty where it says nothing. `name` is for
  /// messages.
  public init(_ bytes: [UInt8], mediaType: String, name: String) throws(OCIFault) {
    let json: JSON
    do throws(JSONFault) { json = try JSON(parsing: bytes) } catch {
      throw .document(name: name, why: "it is no JSON: \(error.why) at byte \(error.offset)")
    }
    let inside = json["mediaType"]?.text ?? ""
    if case .integer(let version) = json["schemaVersion"], version != 2 {
      throw .schema(name: name, version: version)
    }
    if mediaType.hasSuffix("+prettyjws") { throw .schema(name: name, version: 1) }
    if !mediaType.isEmpty, !inside.isEmpty, inside != mediaType {
      throw .document(name: name, why: "it says it is \(inside) and came as \(mediaType)")
    }
    let type = inside.isEmpty ? mediaType : inside
    let isIndex =
      [OCIMediaType.index, OCIMediaType.dockerList].contains(type)
      || (type.isEmpty || type == "application/json" || type == "text/plain") && json["manifests"] != nil
    if isIndex {
      self = .index(try Self.descriptors(json["manifests"], "manifests", name))
      return
    }
    guard let configuration = json["config"] else {
      throw .document(name: name, why: "it has no configuration")
    }
    self = .manifest(
      OCIManifest(
        configuration: try Self.descriptor(configuration, name),
        layers: try Self.descriptors(json["layers"], "layers", name)))
  }

  private static func descriptors(
    _ json: JSON?, _ member: String, _ name: String
  ) throws(OCIFault) -> [ContentDescriptor] {
    guard case .array(let entries) = json else {
      throw .document(name: name, why: "its \"\(member)\" is no list")
    }
    guard entries.count <= mostEntries else {
      throw .document(name: name, why: "it has \(entries.count) \(member)")
    }
    var found: [ContentDescriptor] = []
    for entry in entries { found.append(try descriptor(entry, name)) }
    return found
  }

  private static func descriptor(_ json: JSON, _ name: String) throws(OCIFault) -> ContentDescriptor {
    guard let text = json["digest"]?.text, let digest = Digest(text) else {
      throw .document(
        name: name,
        why: "the digest \"\(json["digest"]?.text ?? "")\" of an entry is none that can be checked")
    }
    guard case .integer(let size) = json["size"], size >= 0 else {
      throw .document(name: name, why: "an entry has no size")
    }
    var urls: [String] = []
    if case .array(let list) = json["urls"] { urls = list.compactMap(\.text) }
    let platform = json["platform"]
    return ContentDescriptor(
      mediaType: json["mediaType"]?.text ?? "", digest: digest, size: size, urls: urls,
      annotations: (json["annotations"]?.members ?? []).compactMap { name, value in
        value.text.map { (name, $0) }
      },
      operatingSystem: platform?["os"]?.text ?? "", architecture: platform?["architecture"]?.text ?? "",
      variant: platform?["variant"]?.text ?? "")
  }
}

/// Why a manifest, index or configuration cannot be used.
public enum OCIFault: Error, Equatable, Sendable {
  case document(name: String, why: String)
  /// The manifests of old registries, without digests of what they name.
  case schema(name: String, version: Int)
  /// A manifest without a single layer of a file system: what it has instead.
  case notAnImage(name: String, types: [String])
  /// A SIF under `docker://`.
  case isSIF(name: String)
  /// An image under `oras://`.
  case isImage(name: String)
  /// Under `oras://`, neither a SIF nor an image.
  case notSIF(name: String, types: [String])
  case platformMissing(name: String, wanted: String, has: [String])
  case nestedTooDeep(name: String)
  case layerCount(name: String, layers: Int, diffs: Int)
  case operatingSystem(name: String, system: String)
}

extension OCIFault: Explained {
  public var explanation: Explanation {
    switch self {
    case .document(let name, let why):
      Explanation(
        what: "cannot read the manifest of \(printable(name))", why: printable(why),
        remedy: "the image is damaged where it comes from: push or save it anew")
    case .schema(let name, let version):
      Explanation(
        what: "cannot use \(printable(name))", why: "schema \(version) images are not supported",
        remedy: "re-push it with a current tool")
    case .notAnImage(let name, let types):
      Explanation(
        what: "cannot use \(printable(name))",
        why: "it is not a container image"
          + (types.isEmpty ? ": it has no layers" : ": it holds \(printable(types.joined(separator: ", ")))"),
        remedy: "is it a SIF artifact? use oras://")
    case .isSIF(let name):
      Explanation(
        what: "cannot use \(printable(name)) as a container image", why: "it is a SIF artifact",
        remedy: "use oras:// instead of docker://")
    case .isImage(let name):
      Explanation(
        what: "cannot use \(printable(name)) as a SIF", why: "it is a container image of layers",
        remedy: "use docker:// instead of oras://")
    case .notSIF(let name, let types):
      Explanation(
        what: "cannot use \(printable(name)) as a SIF",
        why: types.isEmpty ? "it holds nothing" : "it holds \(printable(types.joined(separator: ", ")))",
        remedy: "push a SIF there with: apus push IMAGE.sif \(printable(name))")
    case .platformMissing(let name, let wanted, let has):
      Explanation(
        what: "cannot use \(printable(name))", why: "it has nothing for \(printable(wanted))",
        remedy: "it has: \(printable(has.joined(separator: ", "))); choose one with --platform or --arch")
    case .nestedTooDeep(let name):
      Explanation(
        what: "cannot use \(printable(name))", why: "its indexes name indexes more than three deep",
        remedy: "name the image you want by its digest")
    case .layerCount(let name, let layers, let diffs):
      Explanation(
        what: "cannot use \(printable(name))",
        why: "its manifest has \(layers) layers and its configuration \(diffs)",
        remedy: "the image is damaged where it comes from: push or save it anew")
    case .operatingSystem(let name, let system):
      Explanation(
        what: "cannot use \(printable(name))", why: "it is made for \(printable(system)), not for Linux",
        remedy: "choose an image for linux")
    }
  }
}
