internal import Model

/// The name of a registry, or of a namespace in one: what `apus registry login` is told.
public struct RegistryName: Hashable, Sendable {
  /// As references name it: `docker.io`, `registry.example.org:5000`.
  public let registry: String
  /// `team/project`; empty for the registry as a whole.
  public let namespace: String

  public init(registry: String, namespace: String = "") {
    self.registry = Self.canonical(registry)
    self.namespace = namespace
  }

  /// Reads `[docker://|oras://]HOST[:PORT][/NAMESPACE…]`.
  public init(parsing text: String) throws(ReferenceFault) {
    var rest = text[...]
    for scheme in ["docker://", "oras://"] where rest.starts(withBytesOf: scheme) {
      rest = rest.dropFirst(scheme.count)
      break
    }
    if let scheme = SourceName.scheme(of: String(rest)) { throw .schemeUnknown(scheme, of: text) }
    if rest.utf8.last == UInt8(ascii: "/") { rest = rest.dropLast() }
    guard !rest.isEmpty else { throw .empty }
    var parts = rest.fields(at: UInt8(ascii: "/")).map { String($0) }
    let registry = parts.removeFirst()
    guard Self.isValid(registry) else { throw .part(.registry, of: text, text: registry) }
    try ImageReference.check(components: parts, of: text)
    // The first version of Docker's interface is part of the Hub's own address.
    if Self.canonical(registry) == Self.hub, parts == ["v1"] { parts = [] }
    self.init(registry: registry, namespace: parts.connected(by: "/"))
  }

  /// Under what its credential is stored (docker's `config.json`, `auths`).
  public var key: String {
    if !namespace.isEmpty { return registry + "/" + namespace }
    return registry == Self.hub ? Self.hubKey : registry
  }

  /// Every spelling of the registry's key, in the order in which they are tried.
  public var keys: [String] {
    guard registry == Self.hub else { return [registry] }
    return [Self.hubKey, Self.hub, "index.docker.io", Self.hubHost]
  }

  /// Every key of an `auths` table that stands for the registry as a whole, in the order in which they are tried: its
  /// names, and behind each the URLs that older clients wrote.
  public var spellings: [String] {
    var all: [String] = []
    for key in keys {
      all.append(key)
      if key.starts(withBytesOf: "https://") { continue }
      for scheme in ["https://", "http://"] {
        for end in ["", "/", "/v1/", "/v2/", "/v1", "/v2"] where !all.contains(scheme + key + end) {
          all.append(scheme + key + end)
        }
      }
    }
    return all
  }

  /// Where requests go, `HOST[:PORT]`.
  public var host: String { registry == Self.hub ? Self.hubHost : registry }

  static let hub = "docker.io"
  /// Docker's own name for the Hub in its files, older than registries with paths.
  public static let hubKey = "https://index.docker.io/v1/"
  static let hubHost = "registry-1.docker.io"

  static func canonical(_ registry: String) -> String { registry == "index.docker.io" ? hub : registry }

  /// Whether a text is `HOST[:PORT]`: labels of letters, digits and dashes, or an IPv6 address in brackets
  /// (distribution/reference, `domain`), and a port from 1 to 65535.
  public static func isValid(_ text: String) -> Bool {
    let bytes = Array(text.utf8)
    var host = bytes[...]
    if bytes.first == UInt8(ascii: "[") {
      guard let close = bytes.firstIndex(of: UInt8(ascii: "]")) else { return false }
      let address = bytes[1..<close]
      guard address.allSatisfy({ isHexadecimal($0) || $0 == UInt8(ascii: ":") }), address.count <= 39,
        address.count(where: { $0 == UInt8(ascii: ":") }) >= 2
      else { return false }
      let rest = bytes[(close + 1)...]
      return rest.isEmpty || rest.first == UInt8(ascii: ":") && isPort(rest.dropFirst())
    }
    if let colon = bytes.firstIndex(of: UInt8(ascii: ":")) {
      guard isPort(bytes[(colon + 1)...]) else { return false }
      host = bytes[..<colon]
    }
    return host.count <= 253
      && host.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).allSatisfy { label in
        guard let first = label.first, let last = label.last else { return false }
        return isAlphanumeric(first) && isAlphanumeric(last)
          && label.allSatisfy { isAlphanumeric($0) || $0 == UInt8(ascii: "-") }
      }
  }

  private static func isPort(_ digits: ArraySlice<UInt8>) -> Bool {
    guard (1...5).contains(digits.count), digits.allSatisfy({ (0x30...0x39).contains($0) }),
      let port = Int(String(decoding: digits, as: UTF8.self))
    else { return false }
    return (1...65535).contains(port)
  }

  static func isHexadecimal(_ byte: UInt8) -> Bool {
    (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte) || (0x41...0x46).contains(byte)
  }

  static func isAlphanumeric(_ byte: UInt8) -> Bool {
    (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte) || (0x41...0x5A).contains(byte)
  }
}
