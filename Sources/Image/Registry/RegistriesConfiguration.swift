internal import Model
public import Reference

/// Where images are to be asked for on this machine (containers-registries.conf(5), version 2): mirrors,
/// other locations, registries that are blocked or without TLS. The lists for names without a registry are
/// not used: who may push to one of the registries would decide what a short name means.
public struct RegistriesConfiguration: Equatable, Sendable {
  struct Mirror: Equatable, Sendable {
    var location: String
    var isInsecure = false
    var isByDigestOnly = false
    var isByTagOnly = false
  }

  struct Registry: Equatable, Sendable {
    /// What names begin with; `*.example.org` stands for all hosts below.
    var prefix: String
    /// Takes the place of what the prefix matched. Empty: nothing is replaced.
    var location: String
    var isInsecure = false
    var isBlocked = false
    var mirrors: [Mirror] = []
    /// The file that says so.
    var path: String
  }

  /// Longest prefix first.
  let registries: [Registry]

  /// No file: every registry as it is named.
  public init() { registries = [] }

  /// The texts of files in their order. What a later one says of a prefix takes the place of what an earlier
  /// said.
  public init(parsing files: [(path: String, text: [UInt8])]) throws(RegistriesFault) {
    var found: [Registry] = []
    for (path, text) in files {
      for registry in try RegistriesParser.registries(of: text, path: path) {
        found.removeAll { $0.prefix == registry.prefix }
        found.append(registry)
      }
    }
    // A host's own name is never shorter than a pattern it fits; of the same length it counts first.
    func rank(_ registry: Registry) -> Int {
      registry.prefix.utf8.count * 2 + (registry.prefix.starts(withBytesOf: "*") ? 0 : 1)
    }
    registries = found.sorted { rank($0) > rank($1) }
  }

  /// The places to ask for an image, in order: mirrors, then the registry itself. All are given, also those
  /// that are asked for digests only: a tag leads to digests.
  public func endpoints(for reference: ImageReference) throws(RegistriesFault) -> [Endpoint] {
    for registry in registries {
      guard let count = Self.matchedBytes(registry.prefix, reference) else { continue }
      if registry.isBlocked {
        throw .blocked(name: reference.name, prefix: registry.prefix, path: registry.path)
      }
      var endpoints: [Endpoint] = []
      for mirror in registry.mirrors {
        var endpoint = try Self.endpoint(reference, count, mirror.location, registry)
        endpoint.isInsecure = mirror.isInsecure
        endpoint.isByDigestOnly = mirror.isByDigestOnly
        endpoint.isByTagOnly = mirror.isByTagOnly
        endpoints.append(endpoint)
      }
      var primary = try Self.endpoint(reference, count, registry.location, registry)
      primary.isInsecure = registry.isInsecure
      return endpoints + [primary]
    }
    return [Endpoint(host: reference.host, repository: reference.repository)]
  }

  /// How much of the name a prefix takes; nil where it does not match. It ends where a part of the name does.
  private static func matchedBytes(_ prefix: String, _ reference: ImageReference) -> Int? {
    let text = Array(reference.text.utf8)
    func ends(at end: Int) -> Bool {
      end == text.count || [UInt8(ascii: "/"), UInt8(ascii: ":"), UInt8(ascii: "@")].contains(text[end])
    }
    guard prefix.starts(withBytesOf: "*.") else {
      let wanted = Array(prefix.utf8)
      return text.starts(with: wanted) && ends(at: wanted.count) ? wanted.count : nil
    }
    let wanted = Array(prefix.utf8.dropFirst())
    let host = text.firstIndex(of: UInt8(ascii: "/")) ?? text.count
    for start in 1..<max(host, 1) where text[start...].starts(with: wanted) && ends(at: start + wanted.count)
    {
      return start + wanted.count
    }
    return nil
  }

  private static func endpoint(
    _ reference: ImageReference, _ count: Int, _ location: String, _ registry: Registry
  ) throws(RegistriesFault) -> Endpoint {
    guard !location.isEmpty else { return Endpoint(host: reference.host, repository: reference.repository) }
    let rest = reference.name.utf8.dropFirst(count)
    let name = location + (String(rest) ?? "")
    guard let slash = name.utf8.firstIndex(of: UInt8(ascii: "/")) else {
      throw .rewriting(name: reference.name, location: location, path: registry.path)
    }
    // A prefix may name a tag or a digest, to block it; they are no part of the repository.
    let repository = String(
      Substring(
        name[name.utf8.index(after: slash)...].utf8.prefix {
          $0 != UInt8(ascii: ":") && $0 != UInt8(ascii: "@")
        }))
    guard !repository.isEmpty else {
      throw .rewriting(name: reference.name, location: location, path: registry.path)
    }
    return Endpoint(host: RegistryName(registry: String(name[..<slash])).host, repository: repository)
  }
}
