public import Content
internal import Reference

/// An image of layers, wherever it comes from, ready to be converted.
public struct SourceImage: Sendable {
  /// For messages.
  public let name: String
  /// Of the manifest that names the layers; nil for archives that have none.
  public let manifest: Digest?
  public let configuration: OCIConfiguration
  /// Lowest first, as many as the configuration has differences.
  public let layers: [SourceLayer]
  /// The layers lie on this machine: to read one twice costs little.
  public let isLocal: Bool

  /// Checks that manifest and configuration speak of the same layers, for Linux.
  public init(
    name: String, manifest: Digest?, configuration: OCIConfiguration, layers: [SourceLayer],
    isLocal: Bool = true
  ) throws(OCIFault) {
    guard !layers.isEmpty else { throw .notAnImage(name: name, types: []) }
    guard layers.count == configuration.differences.count else {
      throw .layerCount(name: name, layers: layers.count, diffs: configuration.differences.count)
    }
    guard ["linux", ""].contains(configuration.operatingSystem) else {
      throw .operatingSystem(name: name, system: configuration.operatingSystem)
    }
    self.name = name
    self.manifest = manifest
    self.configuration = configuration
    self.layers = layers
    self.isLocal = isLocal
  }
}

extension SourceImage {
  /// What machines of an architecture run beside their own.
  private static let related = ["amd64": "386", "arm64": "arm"]

  /// The image itself, if it is for that architecture. An index has been asked; a manifest that stands alone says so only in
  /// its configuration.
  func checked(for platform: Platform) throws(BuildFault) -> SourceImage {
    guard !configuration.architecture.isEmpty else { return self }
    let own = Platform(operatingSystem: "linux", architecture: configuration.architecture, variant: "")
    guard own.architecture == platform.architecture || own.architecture == Self.related[platform.architecture]
    else {
      throw .oci(
        .platformMissing(name: name, wanted: platform.text, has: ["linux/" + own.architecture]))
    }
    return self
  }
}

/// One layer of an image.
public struct SourceLayer: Sendable {
  /// For messages and progress.
  public let name: String
  /// Stored bytes, as they are transferred.
  public let size: Int
  /// The source compares the stored bytes with a digest: what lies behind the compressed stream was meant to be there.
  public let isVerified: Bool
  /// Opens the stored bytes at their start, in the thread that reads them. What they must be is checked by the source.
  public let open: @Sendable () throws(ContentFault) -> any ByteSource
  /// Something lasting was made of it: what was kept to go on with a broken transfer can go.
  public let forget: @Sendable () -> Void

  public init(
    name: String, size: Int, isVerified: Bool = true,
    open: @escaping @Sendable () throws(ContentFault) -> any ByteSource,
    forget: @escaping @Sendable () -> Void = {}
  ) {
    self.name = name
    self.size = size
    self.isVerified = isVerified
    self.open = open
    self.forget = forget
  }
}
