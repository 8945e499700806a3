/// What a manifest or an index says of a blob (OCI Image Format, descriptor.md).
public struct ContentDescriptor: Equatable, Sendable {
  public var mediaType: String
  public var digest: Digest
  /// Bytes.
  public var size: Int
  /// Other places that have it ("foreign" layers).
  public var urls: [String]
  public var annotations: [(name: String, value: String)]
  /// `os/architecture[/variant]` parts of an index entry; empty where it does not say.
  public var operatingSystem: String
  public var architecture: String
  public var variant: String

  public init(
    mediaType: String, digest: Digest, size: Int, urls: [String] = [],
    annotations: [(name: String, value: String)] = [], operatingSystem: String = "",
    architecture: String = "",
    variant: String = ""
  ) {
    self.mediaType = mediaType
    self.digest = digest
    self.size = size
    self.urls = urls
    self.annotations = annotations
    self.operatingSystem = operatingSystem
    self.architecture = architecture
    self.variant = variant
  }

  public static func == (left: ContentDescriptor, right: ContentDescriptor) -> Bool {
    left.mediaType == right.mediaType && left.digest == right.digest && left.size == right.size
      && left.urls == right.urls
      && left.annotations.elementsEqual(right.annotations) { $0 == $1 }
      && left.operatingSystem == right.operatingSystem && left.architecture == right.architecture
      && left.variant == right.variant
  }
}
