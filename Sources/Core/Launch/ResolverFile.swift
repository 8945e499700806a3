internal import Glibc
internal import Model

/// resolv.conf(5) as far as it matters from another network namespace.
struct ResolverFile {
  private let lines: [Substring]

  init(_ bytes: [UInt8]) { lines = String(decoding: bytes, as: UTF8.self).fields(at: 0x0A) }

  private var servers: [String] { lines.compactMap(Self.server) }

  /// Whether a server is one that only the host itself can reach.
  var needsStandIn: Bool { servers.contains(where: Self.isOfHost) }

  /// Whether all of them are.
  var isOfHostAlone: Bool { !servers.isEmpty && servers.allSatisfy(Self.isOfHost) }

  /// The file with `address` in place of the servers that only the host can reach.
  func replaced(by address: String) -> [UInt8] {
    var isNamed = false
    var kept: [String] = []
    for line in lines {
      guard let server = Self.server(of: line), Self.isOfHost(server) else {
        kept.append(String(line))
        continue
      }
      if !isNamed { kept.append("nameserver " + address) }
      isNamed = true
    }
    return Array(kept.connected(by: "\n").utf8)
  }

  private static func server(of line: Substring) -> String? {
    let words = line.fields(at: 0x20).flatMap { $0.fields(at: 0x09) }.filter { !$0.isEmpty }
    return words.count > 1 && words[0] == "nameserver" ? String(words[1]) : nil
  }

  /// Loopback, what means it, and the addresses of one link.
  private static func isOfHost(_ address: String) -> Bool {
    address.starts(withBytesOf: "127.") || ["0.0.0.0", "::", "::1"].contains(address)
      || address.lowercased().starts(withBytesOf: "fe80:")
  }
}

/// resolv.conf(5) with these servers and nothing else: search domains of the host mean something to its own servers only.
func resolverConfiguration(_ servers: [String]) throws(IsolationFault) -> [UInt8] {
  var text = ""
  for server in servers {
    guard isAddress(server) else { throw .nameServer(text: server) }
    text += "nameserver \(server)\n"
  }
  return Array(text.utf8)
}

/// Whether a text is an address as inet_pton(3) reads it; one of IPv6 may name its interface (`fe80::1%eth0`).
func isAddress(_ text: String) -> Bool {
  var room = in6_addr()
  let parts = text.fields(at: UInt8(ascii: "%"))
  if parts.count == 1, unsafe inet_pton(AF_INET, text, &room) == 1 { return true }
  guard parts.count == 1 || (parts.count == 2 && !parts[1].isEmpty && !parts[1].utf8.contains { $0 <= 0x20 })
  else { return false }
  return unsafe inet_pton(AF_INET6, String(parts[0]), &room) == 1
}
