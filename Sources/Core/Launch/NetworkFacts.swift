public import Model

/// What the host has for networks of containers; looked up only where one is asked for.
public struct NetworkFacts: Equatable, Sendable {
  /// Paths of the programs for networks in user mode, by their names.
  public var tools: Lookup<String> = [:]
  /// Where the site's networks are described.
  public var folder = ""
  /// The files there, in the order of their names.
  public var files: [File] = []
  /// Directories with plugins.
  public var pluginFolders: [String] = []
  /// Paths of the plugins that are there, by their types.
  public var plugins: Lookup<String> = [:]
  /// resolv.conf of systemd-resolved with the servers it asks itself; looked up where the host's names it alone.
  public var upstreamResolver: [UInt8]?

  public struct File: Equatable, Sendable {
    public let path: String
    public let bytes: [UInt8]

    public init(path: String, bytes: [UInt8]) {
      self.path = path
      self.bytes = bytes
    }
  }

  public init() {}
}
