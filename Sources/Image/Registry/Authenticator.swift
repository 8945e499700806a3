internal import HTTP
internal import Synchronization

/// Proves to one registry who we are: Basic, or bearer tokens that it gets from the registry's token server (Docker
/// Registry Token Authentication). Nothing is sent before the registry asks for it, and nothing to anybody else.
final class Authenticator: Sendable {
  /// What went along with a request.
  enum Proof: Equatable, Sendable {
    case none
    /// The credential itself: there is no other.
    case credential
    case token(TokenKey, isFresh: Bool)
  }

  private struct State {
    var challenge: Challenge?
    var credential: Credential?
    var isLookedUp = false
    var tokens: [TokenKey: Token] = [:]
    /// Which scopes the registry names for those that we would ask for.
    var named: [[String]: [String]] = [:]
    /// The latest token that a token server gave to get the next one with.
    var refresh: String?
  }

  private let state = Mutex(State())
  private let lookUp: @Sendable () throws(RegistryFault) -> Credential?
  private let isInsecure: Bool
  private let tokens: TokenServer

  init(
    isInsecure: Bool, courier: Courier, lookUp: @escaping @Sendable () throws(RegistryFault) -> Credential?
  ) {
    self.isInsecure = isInsecure
    self.lookUp = lookUp
    tokens = TokenServer(courier: courier)
  }

  var hasCredential: Bool { state.withLock { $0.credential != nil } }

  /// The value of `Authorization` for a request that needs these scopes; nil until the registry asked for one. One
  /// thread at a time: the others want the token that the first one gets.
  func authorization(
    for scopes: [String], to registry: WebAddress, _ purpose: RegistryRequest, through client: HTTPClient
  ) throws(RegistryFault) -> (value: String?, proof: Proof) {
    try state.withLock { (state) throws(RegistryFault) -> (value: String?, proof: Proof) in
      guard let challenge = state.challenge else { return (nil, .none) }
      if case .registryToken(let token)? = state.credential { return ("Bearer " + token, .credential) }
      guard challenge.scheme == "bearer" else {
        return (state.credential.flatMap(Self.basic), .credential)
      }
      guard let realm = challenge.parameters["realm"].flatMap({ WebAddress($0) }) else {
        throw .answer(purpose, why: "its token server has no address that can be used")
      }
      let key = TokenKey(
        realm: realm, service: challenge.parameters["service"] ?? "", scopes: state.named[scopes] ?? scopes)
      if let token = state.tokens[key], token.end > tokens.courier.options.timing.monotonic() {
        return ("Bearer " + token.text, .token(key, isFresh: false))
      }
      let policy = RealmPolicy(registry: registry, isInsecure: isInsecure)
      if let objection = policy.objection(to: realm) {
        throw .realm(purpose, realm: realm.textWithoutQuery, why: objection)
      }
      let token: Token
      if let refresh = state.refresh {
        do throws(RegistryFault) {
          token = try tokens.fetch(
            key, credential: .identityToken(refresh), policy, purpose, through: client)
        } catch {
          // It was revoked, or is too old: who has a name and a password begins anew with them.
          guard case .denied = error else { throw error }
          state.refresh = nil
          token = try tokens.fetch(key, credential: state.credential, policy, purpose, through: client)
        }
      } else {
        token = try tokens.fetch(key, credential: state.credential, policy, purpose, through: client)
      }
      state.refresh = token.refresh ?? state.refresh
      if state.tokens.count > 64 { state.tokens = [:] }
      state.tokens[key] = token
      return ("Bearer " + token.text, .token(key, isFresh: true))
    }
  }

  /// Learns from a 401. True: the same request has another chance. Never true twice for the same reason.
  func learn(
    _ challenges: [Challenge], after proof: Proof, for scopes: [String]
  ) throws(RegistryFault) -> Bool {
    try state.withLock { (state) throws(RegistryFault) -> Bool in
      let challenge = Challenge.preferred(among: challenges)
      switch proof {
      case .none:
        guard let challenge else { return false }
        if !state.isLookedUp {
          state.credential = try lookUp()
          state.isLookedUp = true
        }
        state.challenge = challenge
        // Who pushes needs more than what the registry names for a question of whether a blob is there.
        let named = Self.scopes(challenge)
        if !named.isEmpty, !scopes.contains(where: Self.pushes) { state.named[scopes] = named }
        return challenge.scheme == "bearer" || state.credential != nil
      case .credential: return false
      case .token(let key, let isFresh):
        if !isFresh {
          state.tokens[key] = nil
          return true
        }
        let wider = Self.merged(key.scopes, challenge.map(Self.scopes) ?? [])
        guard wider != Self.merged(key.scopes, []) else { return false }
        state.named[scopes] = wider
        return true
      }
    }
  }

  static func basic(_ credential: Credential) -> String? {
    switch credential {
    case .basic(let user, let password): "Basic " + Base64.encode(Array((user + ":" + password).utf8))
    // What docker's helpers name the user of an identity token.
    case .identityToken(let token): "Basic " + Base64.encode(Array(("<token>:" + token).utf8))
    case .registryToken: nil
    }
  }

  private static func pushes(_ scope: String) -> Bool { scope.hasSuffix("push") }

  /// A registry names one or two; more are not believed.
  private static func scopes(_ challenge: Challenge) -> [String] {
    let named = (challenge.parameters["scope"] ?? "").split(separator: " ").prefix(8).map { String($0) }
    return merged(named, [])
  }

  private static func merged(_ left: [String], _ right: [String]) -> [String] {
    var all = left.sorted()
    for scope in right where !all.contains(scope) { all.append(scope) }
    return all.sorted()
  }
}
