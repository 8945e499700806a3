public import Content
public import Model

/// What an image says of itself and of the process it starts (OCI Image Format, config.md).
public struct OCIConfiguration: Sendable {
  public let architecture: String
  public let operatingSystem: String
  public let variant: String
  /// Seconds since 1970; 0 where it does not say or cannot be understood.
  public let created: UInt32
  public let entrypoint: [String]
  public let command: [String]
  public let environment: [String]
  public let labels: [(name: String, value: String)]
  /// The digests of the uncompressed layers, lowest first.
  public let differences: [Digest]
  /// Of the document's own bytes: what Docker calls the image's ID.
  public let digest: Digest
  /// The member `config` as it is, for the SIF object `oci-config.json`.
  public let process: JSON

  /// `name` is for messages.
  public init(_ bytes: [UInt8], name: String) throws(OCIFault) {
    let json: JSON
    do throws(JSONFault) { json = try JSON(parsing: bytes) } catch {
      throw .document(name: name, why: "its configuration is no JSON: \(error.why) at byte \(error.offset)")
    }
    func words(_ json: JSON?) -> [String] {
      guard case .array(let list) = json else { return [] }
      return list.compactMap(\.text)
    }
    architecture = json["architecture"]?.text ?? ""
    operatingSystem = json["os"]?.text ?? ""
    variant = json["variant"]?.text ?? ""
    created = json["created"]?.text.flatMap(Timestamp.seconds) ?? 0
    process = json["config"] ?? .object([])
    entrypoint = words(process["Entrypoint"])
    command = words(process["Cmd"])
    environment = words(process["Env"])
    labels = (process["Labels"]?.members ?? []).compactMap { name, value in value.text.map { (name, $0) } }
    var found: [Digest] = []
    for text in words(json["rootfs"]?["diff_ids"]) {
      guard let digest = Digest(text) else {
        throw .document(name: name, why: "the digest \"\(text)\" of a layer is none that can be checked")
      }
      found.append(digest)
    }
    differences = found
    digest = Digest.of(bytes)
  }
}
