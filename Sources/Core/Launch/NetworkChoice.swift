internal import Glibc
internal import Model

/// What `--net`, `--network` and `--network-args` mean: the host's network, or one with loopback only.
func networkStep(_ request: LaunchRequest) throws(IsolationFault) -> NamespaceStep? {
  guard request.networkArguments.isEmpty else { throw .networkArguments }
  for name in request.networks where name != "none" { throw .network(name: name) }
  guard request.network else { return nil }
  let reason = request.networks.isEmpty ? "a network of its own was asked for" : "--network none"
  return NamespaceStep(.network, reason: reason)
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
private func isAddress(_ text: String) -> Bool {
  var room = in6_addr()
  let parts = text.fields(at: UInt8(ascii: "%"))
  if parts.count == 1, unsafe inet_pton(AF_INET, text, &room) == 1 { return true }
  guard parts.count == 1 || (parts.count == 2 && !parts[1].isEmpty && !parts[1].utf8.contains { $0 <= 0x20 })
  else { return false }
  return unsafe inet_pton(AF_INET6, String(parts[0]), &room) == 1
}
