internal import Content
internal import Model

extension ImageReference {
  /// Reads `[HOST[:PORT]/]NAME[/NAME…][:TAG][@ALGORITHM:HEX]` (distribution/reference). Without a registry it
  /// is Docker Hub's, and a Hub name of one part is in `library/`. What comes first is a registry if it holds
  /// a dot, a colon or an upper-case letter, is an address in brackets, or is `localhost`.
  public init(parsing text: String) throws(ReferenceFault) {
    guard !text.isEmpty else { throw .empty }
    if let scheme = SourceName.scheme(of: text) { throw .schemeWithin(of: text, scheme: scheme) }
    let bytes = text.utf8
    var digest: Digest?
    var named = text[...]
    if let at = bytes.firstIndex(of: UInt8(ascii: "@")) {
      let written = String(text[bytes.index(after: at)...])
      guard let known = Digest(written) else { throw .part(.digest, of: text, text: written) }
      digest = known
      named = text[..<at]
    }
    var tag: String?
    let lastSlash = named.utf8.lastIndex(of: UInt8(ascii: "/"))
    // A colon before the last slash belongs to a port.
    let last = lastSlash.map { named[named.utf8.index(after: $0)...] } ?? named
    if last.utf8.first != UInt8(ascii: "["), let colon = last.utf8.firstIndex(of: UInt8(ascii: ":")) {
      let written = String(last[last.utf8.index(after: colon)...])
      guard Self.isTag(written) else { throw .part(.tag, of: text, text: written) }
      tag = written
      named = named[..<colon]
    }
    if bytes.count == 64, bytes.allSatisfy({ RegistryName.isHexadecimal($0) && !(0x41...0x46).contains($0) })
    {
      throw .identifier(text)
    }

    var components = named.fields(at: UInt8(ascii: "/")).map { String($0) }
    var registry = RegistryName.hub
    if components.count > 1, Self.isRegistry(components[0]) {
      registry = components.removeFirst()
      guard RegistryName.isValid(registry) else { throw .part(.registry, of: text, text: registry) }
      registry = RegistryName.canonical(registry)
    }
    try Self.check(components: components, of: text)
    if registry == RegistryName.hub, components.count == 1 { components.insert("library", at: 0) }
    let repository = components.connected(by: "/")
    let count = registry.utf8.count + 1 + repository.utf8.count
    guard count <= 255 else { throw .longName(of: text, count: count) }
    self.init(registry: registry, repository: repository, tag: tag, digest: digest)
  }

  private static func isRegistry(_ component: String) -> Bool {
    component == "localhost"
      || component.utf8.contains {
        $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: ":") || (0x41...0x5A).contains($0)
      } && component != "." && component != ".."
  }

  /// `[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}`
  public static func isTag(_ text: String) -> Bool {
    let bytes = Array(text.utf8)
    guard (1...128).contains(bytes.count) else { return false }
    return bytes.enumerated().allSatisfy { position, byte in
      RegistryName.isAlphanumeric(byte) || byte == UInt8(ascii: "_")
        || position > 0 && (byte == UInt8(ascii: ".") || byte == UInt8(ascii: "-"))
    }
  }

  static func check(components: [String], of text: String) throws(ReferenceFault) {
    for component in components {
      guard !component.isEmpty else { throw .emptyComponent(of: text) }
      if isComponent(component) { continue }
      let lowered = component.lowercased()
      if lowered != component, isComponent(lowered) { throw .upperCase(component: component, of: text) }
      throw .part(.component, of: text, text: component)
    }
  }

  /// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`
  private static func isComponent(_ text: String) -> Bool {
    var separator: [UInt8] = []
    var isBehindName = false
    for byte in text.utf8 {
      switch byte {
      case 0x30...0x39, 0x61...0x7A:
        if !separator.isEmpty, !isBehindName || !isSeparator(separator) { return false }
        separator = []
        isBehindName = true
      case UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"): separator.append(byte)
      default: return false
      }
    }
    return isBehindName && separator.isEmpty
  }

  private static func isSeparator(_ bytes: [UInt8]) -> Bool {
    switch bytes[0] {
    case UInt8(ascii: "."): bytes.count == 1
    case UInt8(ascii: "_"): bytes == [0x5F] || bytes == [0x5F, 0x5F]
    default: bytes.allSatisfy { $0 == UInt8(ascii: "-") }
    }
  }
}
