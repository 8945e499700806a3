public import Cache
public import Model
public import Reference
public import Registry

/// How images are got.
public struct AcquisitionOptions: Sendable {
  public var platform: Platform
  /// Nothing is asked of any host.
  public var isOffline = false
  /// How old the answer to what a tag points to may be, in seconds (`tag ttl`).
  public var tagSeconds = 0
  /// How loud what was said when an image was made is said again when it comes from the cache: to somebody who gets a
  /// file of their own as a warning, in each launch not.
  public var keptWarnings = Notice.Level.warning
  /// Where images and layers are kept; nil: nowhere.
  public var cache: CacheDirectory?
  /// A directory for what has no name: decompressed archives, and layers where there is no cache.
  public var scratch: String
  public var layers: SIFBuild.LayerOptions
  /// How registries are reached.
  public var network: RegistryNetwork

  public init(platform: Platform, scratch: String, layers: SIFBuild.LayerOptions, network: RegistryNetwork) {
    self.platform = platform
    self.scratch = scratch
    self.layers = layers
    self.network = network
  }
}

/// How hosts are reached: credentials, mirrors and certificates are decided there.
public struct RegistryNetwork: Sendable {
  public var options: RegistryOptions
  /// Plain http is allowed (`--no-https`).
  public var isInsecure: Bool
  /// Where `library://` images are (`library uri`); nil: the site has named none.
  public var library: String?
  /// The daemon's socket, as DOCKER_HOST writes it; nil: where Docker has it.
  public var daemon: String?
  public var client: @Sendable (ImageReference) throws(RegistryFault) -> RegistryClient

  public init(
    options: RegistryOptions, isInsecure: Bool, library: String? = nil, daemon: String? = nil,
    client: @escaping @Sendable (ImageReference) throws(RegistryFault) -> RegistryClient
  ) {
    self.options = options
    self.isInsecure = isInsecure
    self.library = library
    self.daemon = daemon
    self.client = client
  }
}
