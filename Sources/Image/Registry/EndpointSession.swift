internal import Content
internal import HTTP
internal import Synchronization

/// Speaks with one place that may have an image: finds out whether it has TLS, proves who we are, and turns answers that
/// say no into faults.
final class EndpointSession: Sendable {
  let endpoint: Endpoint
  let courier: Courier
  private let authenticator: Authenticator
  /// nil until a first answer came.
  private let scheme = Mutex<WebAddress.Scheme?>(nil)

  /// What is asked.
  struct Call {
    let action: RegistryRequest.Action
    var method = "GET"
    /// Below the registry's root, begins with a slash.
    var path = ""
    var query: [(name: String, value: String)] = []
    /// Instead of path and query: where an answer told us to go on.
    var address: WebAddress?
    var headers: HTTPHeaders = [:]
    var body = HTTPBody.none
    var scopes: [String] = []
    var isRepeatable = true
    var sent: ((Int) -> Void)?
  }

  init(
    _ endpoint: Endpoint, options: RegistryOptions, notes: RegistryNotes,
    lookUp: @escaping @Sendable () throws(RegistryFault) -> Credential?
  ) {
    self.endpoint = endpoint
    courier = Courier(options: options, notes: notes, allowsDowngrade: endpoint.isInsecure)
    authenticator = Authenticator(isInsecure: endpoint.isInsecure, courier: courier, lookUp: lookUp)
  }

  func request(_ action: RegistryRequest.Action) -> RegistryRequest {
    RegistryRequest(host: endpoint.host, repository: endpoint.repository, action: action)
  }

  /// `repository:NAME:pull` (Docker Registry Token Authentication, "Token Scope Documentation").
  func scope(_ actions: String, of repository: String? = nil) -> String {
    "repository:" + (repository ?? endpoint.repository) + ":" + actions
  }

  /// Any answer but one that says no to who we are.
  func ask(
    _ call: Call, through client: HTTPClient, _ budget: inout RetryBudget
  ) throws(RegistryFault) -> HTTPExchange {
    if let known = scheme.withLock({ $0 }) { return try ask(call, over: known, false, client, &budget) }
    do throws(RegistryFault) {
      let exchange = try ask(call, over: .https, mayBePlain, client, &budget)
      scheme.withLock { $0 = .https }
      return exchange
    } catch {
      guard mayBePlain, case .transport(_, let fault) = error, fault.isLackOfTLS else {
        // An answer that says no has come by TLS, too.
        if case .denied = error { scheme.withLock { $0 = .https } }
        throw error
      }
      let first = error
      do throws(RegistryFault) {
        let exchange = try ask(call, over: .http, false, client, &budget)
        scheme.withLock { $0 = .http }
        return exchange
      } catch {
        if case .transport = error { throw first }
        scheme.withLock { $0 = .http }
        throw error
      }
    }
  }

  /// What an answer that is none of those that were hoped for means.
  func refusal(_ exchange: HTTPExchange, _ action: RegistryRequest.Action) -> RegistryFault {
    // Without its body the status still says something.
    let body = (try? exchange.readAll(limit: RegistryError.bodyLimit)) ?? nil
    let refusal = RegistryRefusal(
      status: exchange.status, errors: RegistryError.parse(body ?? []),
      hasCredential: authenticator.hasCredential, rateLimit: RateLimit(exchange.headers))
    let isDenial = exchange.status == 401 || exchange.status == 403
    return isDenial ? .denied(request(action), refusal) : .refused(request(action), refusal)
  }

  /// Plain http is tried where it was allowed, and on this machine, whose wire nobody else reads.
  private var mayBePlain: Bool {
    if endpoint.isInsecure { return true }
    guard let address = WebAddress(scheme: .https, authority: endpoint.host) else { return false }
    return HostKind(address.host) == .loopback
  }

  private func ask(
    _ call: Call, over scheme: WebAddress.Scheme, _ isProbe: Bool, _ client: HTTPClient,
    _ budget: inout RetryBudget
  ) throws(RegistryFault) -> HTTPExchange {
    guard let root = WebAddress(scheme: scheme, authority: endpoint.host),
      let path = call.path.isEmpty ? root : root.joined(call.path)
    else { throw .transport(request(call.action), .request("\(endpoint.host) is no host")) }
    let address = call.address ?? call.query.reduce(path) { $0.adding($1.name, $1.value) }
    // An upload may be sent on to a store that has no business with our credentials.
    let isOurs = address.host == root.host && address.port == root.port && address.scheme == root.scheme
    var care = Courier.Care(purpose: request(call.action))
    care.isRepeatable = call.isRepeatable
    care.isProbe = isProbe
    care.sent = call.sent
    var refusals = 0
    while true {
      var request = HTTPRequest(
        call.method, address, headers: call.headers, body: call.body,
        transport: courier.options.transport(address.authority))
      if endpoint.isInsecure { request.transport.isUnverified = true }
      var proof = Authenticator.Proof.none
      if isOurs {
        let authorization = try authenticator.authorization(
          for: call.scopes, to: root, care.purpose, through: client)
        proof = authorization.proof
        if let value = authorization.value { request.headers.add("Authorization", value) }
      }
      let (exchange, isElsewhere) = try courier.follow(request, care, through: client, &budget)
      let status = exchange.status
      if isElsewhere, status == 401 || status == 403 {
        // The signature in the address has run out, most likely: the registry makes another. Its challenge is never
        // answered.
        let fault = refusal(exchange, call.action)
        guard call.isRepeatable else { throw fault }
        try courier.wait(
          courier.options.policy.decide(attempt: budget.fail(), random: courier.options.timing.random()),
          orThrow: fault)
        continue
      }
      guard status == 401, isOurs else { return exchange }
      refusals += 1
      var challenges = Challenge.parse(exchange.headers.all("www-authenticate"))
      if proof == .none, Challenge.preferred(among: challenges) == nil, call.path != "/v2/" {
        challenges = try challengesOfRoot(root, care, client, &budget)
      }
      guard refusals <= 3, try authenticator.learn(challenges, after: proof, for: call.scopes) else {
        throw refusal(exchange, call.action)
      }
      exchange.discard()
    }
  }

  /// Some registries challenge only there.
  private func challengesOfRoot(
    _ root: WebAddress, _ care: Courier.Care, _ client: HTTPClient, _ budget: inout RetryBudget
  ) throws(RegistryFault) -> [Challenge] {
    guard let address = root.joined("/v2/") else { return [] }
    var request = HTTPRequest("GET", address, transport: courier.options.transport(root.authority))
    if endpoint.isInsecure { request.transport.isUnverified = true }
    let exchange = try courier.send(request, care, through: client, &budget)
    exchange.discard()
    return exchange.status == 401 ? Challenge.parse(exchange.headers.all("www-authenticate")) : []
  }
}
