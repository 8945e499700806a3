internal import Content
internal import HTTP
public import Reference

/// One repository of one registry, with its mirrors. May be used from several threads at once: each call has connections
/// of its own while it runs.
public final class RegistryClient: Sendable {
  let sessions: [EndpointSession]
  let reference: ImageReference
  let options: RegistryOptions
  let notes: RegistryNotes
  let state: State

  /// `endpoints` are asked in their order; the last one is the registry itself and takes what is pushed. `credentials`
  /// is asked once for each endpoint, when it wants to know who we are, with the name that the image has there.
  public init(
    endpoints: [Endpoint], reference: ImageReference, options: RegistryOptions,
    credentials: @escaping @Sendable (ImageReference) throws(RegistryFault) -> Credential? = { _ in nil }
  ) {
    let notes = RegistryNotes()
    self.reference = reference
    self.options = options
    self.notes = notes
    state = State()
    sessions = endpoints.map { endpoint in
      let there = ImageReference(
        registry: endpoint.host == Self.hubHost ? "docker.io" : endpoint.host,
        repository: endpoint.repository,
        tag: reference.tag, digest: reference.digest)
      return EndpointSession(endpoint, options: options, notes: notes) { () throws(RegistryFault) in
        try credentials(there)
      }
    }
  }

  /// Where Docker Hub answers; credentials know it as `docker.io`.
  private static let hubHost = "registry-1.docker.io"

  /// Texts that registries want people to read, each once, safe for a terminal.
  public var warnings: [String] { notes.warnings }

  /// The latest that a registry said of the requests it still allows.
  public var rateLimit: RateLimit? { notes.rateLimit }

  /// A real request with our credentials, if the registry asks for some: whether they are good.
  public func checkLogin() throws(RegistryFault) {
    let session = try primary(.login)
    let client = try client(session, .login)
    var budget = RetryBudget()
    let exchange = try session.ask(.init(action: .login, path: "/v2/"), through: client, &budget)
    guard exchange.status == 200 else { throw session.refusal(exchange, .login) }
    exchange.discard()
  }
}

extension RegistryClient {
  func client(
    _ session: EndpointSession, _ action: RegistryRequest.Action
  ) throws(RegistryFault) -> HTTPClient {
    do throws(HTTPFault) { return try options.client() } catch {
      throw .transport(session.request(action), error)
    }
  }

  /// The registry itself.
  func primary(_ action: RegistryRequest.Action) throws(RegistryFault) -> EndpointSession {
    guard let session = sessions.last else {
      throw .noPlace(
        RegistryRequest(host: reference.registry, repository: reference.repository, action: action))
    }
    return session
  }

  /// Asks one place after the other until one answers.
  func first<Answer>(
    _ candidates: [EndpointSession], _ action: RegistryRequest.Action,
    _ ask: (EndpointSession, HTTPClient) throws(RegistryFault) -> Answer
  ) throws(RegistryFault) -> Answer {
    var faults: [RegistryFault] = []
    for session in candidates {
      do throws(RegistryFault) { return try ask(session, try client(session, action)) } catch {
        if error == .cancelled { throw error }
        faults.append(error)
      }
    }
    throw summary(faults, action)
  }

  func summary(_ faults: [RegistryFault], _ action: RegistryRequest.Action) -> RegistryFault {
    if faults.count == 1 { return faults[0] }
    let request = RegistryRequest(
      host: reference.registry, repository: reference.repository, action: action)
    return faults.isEmpty ? .noPlace(request) : .everyPlace(request, faults)
  }

  func body(
    _ exchange: HTTPExchange, limit: Int, _ request: RegistryRequest
  ) throws(RegistryFault) -> [UInt8] {
    let body: [UInt8]?
    do throws(HTTPFault) { body = try exchange.readAll(limit: limit) } catch {
      throw error == .cancelled ? .cancelled : .transport(request, error)
    }
    guard let body else { throw .answer(request, why: "it has more than \(limit >> 20) MiB") }
    return body
  }
}
