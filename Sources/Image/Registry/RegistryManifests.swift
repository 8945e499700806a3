public import Content
internal import HTTP
internal import Reference

/// Manifests and tags.
extension RegistryClient {
  /// The specification wants at least 4 MiB to be taken. Bytes.
  public static let manifestLimit = 8 << 20
  private static let tagPageLimit = 4 << 20
  private static let tagPageCount = 500
  private static let tagCount = 1_000_000

  /// The digest of what the reference means, without getting it; nil where the registry does not say. Registries that
  /// count pulls do not count this.
  public func head() throws(RegistryFault) -> Digest? {
    let name = name(nil)
    return try first(places(byDigest: reference.digest != nil), .manifest(name)) {
      (session, client) throws(RegistryFault) -> Digest? in
      var budget = RetryBudget()
      let exchange = try session.ask(
        manifestCall(session, name, method: "HEAD"), through: client, &budget)
      if exchange.status == 405 { return nil }
      guard exchange.status == 200 else { throw session.refusal(exchange, .manifest(name)) }
      return exchange.headers["docker-content-digest"].flatMap { Digest($0) }
    }
  }

  /// The manifest of that digest, nil: of the reference's digest or tag. What comes is what was asked for: digest, size
  /// and kind are checked. The place that has it is the first one asked for its blobs.
  public func manifest(_ digest: Digest? = nil) throws(RegistryFault) -> FetchedManifest {
    let digest = digest ?? reference.digest
    let name = name(digest)
    return try first(places(byDigest: digest != nil), .manifest(name)) {
      (session, client) throws(RegistryFault) -> FetchedManifest in
      let manifest = try fetch(name, digest, session, client)
      state.chosen = sessions.firstIndex { $0 === session }
      return manifest
    }
  }

  /// All tags of the repository.
  public func tags() throws(RegistryFault) -> [String] {
    let session = try primary(.tags)
    let client = try client(session, .tags)
    let purpose = session.request(.tags)
    var call = EndpointSession.Call(action: .tags, path: "/v2/\(session.endpoint.repository)/tags/list")
    call.query = [("n", "1000")]
    call.scopes = [session.scope("pull")]
    var tags: [String] = []
    for _ in 0..<Self.tagPageCount {
      var budget = RetryBudget()
      let exchange = try session.ask(call, through: client, &budget)
      guard exchange.status == 200 else { throw session.refusal(exchange, .tags) }
      let next = exchange.headers.all("link").lazy.compactMap(LinkHeader.next).first
      let page = try body(exchange, limit: Self.tagPageLimit, purpose)
      guard let found = Self.tags(in: page) else { throw .answer(purpose, why: "its list of tags is none") }
      tags += found
      guard let next, tags.count < Self.tagCount else { return tags }
      let here = exchange.request.address
      guard let address = here.joined(next), address.host == here.host, address.port == here.port,
        address.scheme == here.scheme
      else { throw .answer(purpose, why: "its list of tags goes on at another host") }
      // A page that leads to itself would never end.
      guard address != here else { return tags }
      call.address = address
    }
    return tags
  }
}

extension RegistryClient {
  private func name(_ digest: Digest?) -> String {
    (digest ?? reference.digest)?.text ?? reference.tag ?? "latest"
  }

  /// Those that may be asked, first the one that had the manifest.
  func places(byDigest: Bool) -> [EndpointSession] {
    var places = sessions.filter { byDigest ? !$0.endpoint.isByTagOnly : !$0.endpoint.isByDigestOnly }
    if byDigest, let chosen = state.chosen {
      places.removeAll { $0 === sessions[chosen] }
      places.insert(sessions[chosen], at: 0)
    }
    return places
  }

  private func manifestCall(
    _ session: EndpointSession, _ name: String, method: String
  ) -> EndpointSession.Call {
    var call = EndpointSession.Call(
      action: .manifest(name), method: method, path: "/v2/\(session.endpoint.repository)/manifests/\(name)")
    call.headers = ["Accept": ManifestMedia.accepted]
    call.scopes = [session.scope("pull")]
    return call
  }

  /// A body that breaks off is asked for again: it is small.
  private func fetch(
    _ name: String, _ digest: Digest?, _ session: EndpointSession, _ client: HTTPClient
  ) throws(RegistryFault) -> FetchedManifest {
    let purpose = session.request(.manifest(name))
    var budget = RetryBudget()
    while true {
      let exchange = try session.ask(
        manifestCall(session, name, method: "GET"), through: client, &budget)
      guard exchange.status == 200 else { throw session.refusal(exchange, .manifest(name)) }
      let bytes: [UInt8]
      do throws(RegistryFault) { bytes = try body(exchange, limit: Self.manifestLimit, purpose) } catch {
        guard case .transport(_, let fault) = error else { throw error }
        let random = options.timing.random()
        try session.courier.wait(
          options.policy.decide(attempt: budget.fail(), fault: fault, random: random), orThrow: error)
        continue
      }
      return try Self.check(bytes, exchange.headers, digest, purpose)
    }
  }

  static func check(
    _ bytes: [UInt8], _ headers: HTTPHeaders, _ digest: Digest?, _ purpose: RegistryRequest
  ) throws(RegistryFault) -> FetchedManifest {
    // A digest of an algorithm that is not known here cannot be checked; the one that was asked for can.
    let expected = digest ?? headers["docker-content-digest"].flatMap { Digest($0) }
    let found = Digest.of(bytes, expected?.algorithm ?? .sha256)
    if let expected, expected != found {
      // Schema 1 has a digest of something else than its bytes: say what is the matter.
      if digest == nil, ManifestMedia.kind(bytes, contentType: headers["content-type"]) == .schema1 {
        throw .schema1(purpose)
      }
      throw .digest(purpose, expected: expected, found: found)
    }
    switch ManifestMedia.kind(bytes, contentType: headers["content-type"]) {
    case .media(let media): return FetchedManifest(bytes: bytes, mediaType: media, digest: found)
    case .schema1: throw .schema1(purpose)
    case .unknown(let why): throw .answer(purpose, why: why)
    }
  }
}
