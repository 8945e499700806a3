internal import HTTP

/// Which token servers a registry may send us to: credentials go there. Pure.
struct RealmPolicy: Equatable, Sendable {
  /// Of the request that was challenged.
  let registry: WebAddress
  /// Plain http is allowed for that registry.
  let isInsecure: Bool

  /// Why `realm` must not be asked; nil where it may.
  func objection(to realm: WebAddress) -> String? {
    if isInsecure { return nil }
    if registry.scheme == .https, realm.scheme == .http { return "which speaks plain http" }
    if realm.host == registry.host { return nil }
    switch HostKind(realm.host) {
    case .ordinary: return nil
    case .loopback where HostKind(registry.host) == .loopback: return nil
    case .loopback: return "which is this machine"
    case .inner: return "which is an address of an inner network"
    }
  }
}
