internal import Glibc

/// What kind of place a host is, as far as its name alone tells.
package enum HostKind: Equatable, Sendable {
  /// A name, or an address of the public network.
  case ordinary
  /// This machine.
  case loopback
  /// A network of one's own (RFC 1918, RFC 4193, RFC 6598), the link (RFC 3927, RFC 4291), or no host at all.
  case inner

  /// `host` as in an address: lower case, an IPv6 address in brackets. Addresses are understood in every form that the C
  /// library takes for one: `0x7f.1` and `2130706433` are 127.0.0.1.
  package init(_ host: String) {
    var name = Array(host.utf8)
    while name.last == UInt8(ascii: ".") { name.removeLast() }
    if name.first == UInt8(ascii: "["), name.last == UInt8(ascii: "]") {
      self = Self.version6(String(decoding: name.dropFirst().dropLast(), as: UTF8.self))
      return
    }
    let text = String(decoding: name, as: UTF8.self)
    if text == "localhost" || text.hasSuffix(".localhost") {
      self = .loopback
      return
    }
    var address = in_addr()
    if unsafe inet_aton(text, &address) == 1 {
      self = Self.version4(UInt32(bigEndian: address.s_addr))
    } else {
      self = .ordinary
    }
  }

  private static func version4(_ address: UInt32) -> HostKind {
    func isIn(_ network: UInt32, _ bits: UInt32) -> Bool { (address ^ network) >> (32 - bits) == 0 }
    if isIn(0x7F00_0000, 8) { return .loopback }
    let inner =
      isIn(0, 8) || isIn(0x0A00_0000, 8) || isIn(0xAC10_0000, 12) || isIn(0xC0A8_0000, 16)
      || isIn(0xA9FE_0000, 16) || isIn(0x6440_0000, 10) || address >= 0xE000_0000
    return inner ? .inner : .ordinary
  }

  private static func version6(_ text: String) -> HostKind {
    var address = in6_addr()
    guard unsafe inet_pton(AF_INET6, text, &address) == 1 else { return .inner }
    let bytes = unsafe withUnsafeBytes(of: &address) { unsafe Array($0) }
    let tail = bytes[12...].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
    if bytes[..<12].allSatisfy({ $0 == 0 }) { return tail == 1 ? .loopback : version4(tail) }
    let mapped = bytes[..<10].allSatisfy { $0 == 0 } && bytes[10] == 0xFF && bytes[11] == 0xFF
    let translated = Array(bytes[..<12]) == [0x00, 0x64, 0xFF, 0x9B, 0, 0, 0, 0, 0, 0, 0, 0]
    if mapped || translated { return version4(tail) }
    // fc00::/7, fe80::/10 and the older fec0::/10, ff00::/8
    let isInner = bytes[0] & 0xFE == 0xFC || bytes[0] == 0xFE && bytes[1] & 0x80 != 0 || bytes[0] == 0xFF
    return isInner ? .inner : .ordinary
  }
}
