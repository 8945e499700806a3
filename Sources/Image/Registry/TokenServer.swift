internal import HTTP

/// Gets bearer tokens (Docker Registry Token Authentication; its OAuth2 form for identity tokens).
struct TokenServer: Sendable {
  let courier: Courier

  /// One request; two where the server has no OAuth2.
  func fetch(
    _ key: TokenKey, credential: Credential?, _ policy: RealmPolicy, _ purpose: RegistryRequest,
    through client: HTTPClient
  ) throws(RegistryFault) -> Token {
    var care = Courier.Care(purpose: purpose)
    care.objection = { policy.objection(to: $0) }
    var budget = RetryBudget()
    let asked = courier.options.timing.monotonic()
    var transport = courier.options.transport(key.realm.authority)
    if policy.isInsecure, key.realm.host == policy.registry.host { transport.isUnverified = true }
    var exchange: HTTPExchange?
    if case .identityToken(let token)? = credential {
      let answer = try courier.follow(
        Self.refreshRequest(key, token, transport), care, through: client, &budget
      ).exchange
      if answer.status == 404 || answer.status == 405 { answer.discard() } else { exchange = answer }
    }
    let answer: HTTPExchange
    if let exchange {
      answer = exchange
    } else {
      answer = try courier.follow(
        Self.request(key, credential, transport), care, through: client, &budget
      ).exchange
    }
    return try Self.token(answer, asked, hasCredential: credential != nil, purpose)
  }

  static func request(_ key: TokenKey, _ credential: Credential?, _ transport: TransportOptions)
    -> HTTPRequest
  {
    var address = key.realm
    if !key.service.isEmpty { address = address.adding("service", key.service) }
    for scope in key.scopes { address = address.adding("scope", scope) }
    if case .basic(let user, _)? = credential { address = address.adding("account", user) }
    var request = HTTPRequest("GET", address, transport: transport)
    if let value = credential.flatMap(Authenticator.basic) { request.headers.add("Authorization", value) }
    return request
  }

  private static func refreshRequest(
    _ key: TokenKey, _ token: String, _ transport: TransportOptions
  ) -> HTTPRequest {
    var scopes = ""
    for scope in key.scopes { scopes += (scopes.isEmpty ? "" : " ") + scope }
    let fields = [
      ("grant_type", "refresh_token"), ("service", key.service), ("client_id", "apus"), ("scope", scopes),
      ("refresh_token", token),
    ]
    var form = ""
    for (name, value) in fields {
      form += (form.isEmpty ? "" : "&") + name + "=" + WebAddress.encoded(value)
    }
    return HTTPRequest(
      "POST", key.realm, headers: ["Content-Type": "application/x-www-form-urlencoded"],
      body: .memory(Array(form.utf8)), transport: transport)
  }

  private static func token(
    _ exchange: HTTPExchange, _ asked: Double, hasCredential: Bool, _ purpose: RegistryRequest
  ) throws(RegistryFault) -> Token {
    let body: [UInt8]?
    do throws(HTTPFault) { body = try exchange.readAll(limit: Token.bodyLimit) } catch {
      throw error == .cancelled ? .cancelled : .transport(purpose, error)
    }
    guard exchange.status == 200 else {
      let place = RegistryRequest(
        host: exchange.request.address.authority, repository: purpose.repository, action: purpose.action)
      let refusal = RegistryRefusal(
        status: exchange.status, errors: RegistryError.parse(body ?? []), hasCredential: hasCredential)
      throw [400, 401, 403].contains(exchange.status) ? .denied(place, refusal) : .refused(place, refusal)
    }
    guard let body, let token = Token(body, asked: asked) else {
      throw .answer(purpose, why: "its token server gives no token")
    }
    return token
  }
}
