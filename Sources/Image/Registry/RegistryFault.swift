public import Content
public import HTTP
public import Model

/// What was asked of a registry, for messages.
public struct RegistryRequest: Equatable, Sendable {
  public enum Action: Equatable, Sendable {
    /// The tag or digest.
    case manifest(String)
    case blob(Digest)
    case tags
    case login
    case upload(Digest)
    case publish(tag: String)
    /// A page of a server that is no registry.
    case page(String)
  }

  public let host: String
  public let repository: String
  public let action: Action

  public init(host: String, repository: String, action: Action) {
    self.host = host
    self.repository = repository
    self.action = action
  }

  var text: String {
    let place = printable(host + "/" + repository)
    return switch action {
    case .manifest(let name):
      "cannot get the image \(place)\(name.utf8.contains(0x3A) ? "@" : ":")\(printable(name))"
    case .blob(let digest): "cannot get \(digest.text) of \(place)"
    case .tags: "cannot list the tags of \(place)"
    case .login: "cannot log in to \(printable(host))"
    case .upload(let digest): "cannot upload \(digest.text) to \(place)"
    case .page(let path): "cannot get \(printable(host + path))"
    case .publish(let tag): "cannot push to \(place):\(printable(tag))"
    }
  }
}

/// An answer that says no.
public struct RegistryRefusal: Equatable, Sendable {
  /// HTTP's number.
  public let status: Int
  public let errors: [RegistryError]
  /// Who asked had a name.
  public let hasCredential: Bool
  /// Requests left, where the registry says so.
  public let rateLimit: RateLimit?

  public init(status: Int, errors: [RegistryError], hasCredential: Bool, rateLimit: RateLimit? = nil) {
    self.status = status
    self.errors = errors
    self.hasCredential = hasCredential
    self.rateLimit = rateLimit
  }
}

/// Why a registry did not give or take what was asked.
public enum RegistryFault: Error, Equatable, Sendable {
  case transport(RegistryRequest, HTTPFault)
  case refused(RegistryRequest, RegistryRefusal)
  /// Name or password are wrong, or may not do that; `status` of the registry or its token server.
  case denied(RegistryRequest, RegistryRefusal)
  /// The server asks for more patience than five minutes; `until` is for people.
  case tooLong(RegistryRequest, status: Int, seconds: Int, until: String)
  /// The token server is at a place where no credentials may be sent.
  case realm(RegistryRequest, realm: String, why: String)
  case redirect(RegistryRequest, RedirectFault)
  /// The answer breaks the protocol.
  case answer(RegistryRequest, why: String)
  case schema1(RegistryRequest)
  case digest(RegistryRequest, expected: Digest, found: Digest)
  case size(RegistryRequest, expected: Int, found: Int)
  /// Every place that may have it said no, each for its own reason.
  case everyPlace(RegistryRequest, [RegistryFault])
  /// No place may be asked for that: mirrors for digests only, and no registry behind them.
  case noPlace(RegistryRequest)
  case cancelled
  /// The source of credentials fails.
  case credential(Explanation)
}

/// A redirect that must not be followed.
public enum RedirectFault: Equatable, Sendable {
  case tooMany
  case noAddress(String)
  case downgrade(String)
}

extension RegistryFault: Explained {
  public var explanation: Explanation {
    switch self {
    case .transport(let request, let fault):
      Explanation(
        what: request.text, why: (fault.host.map { printable($0) + ": " } ?? "") + fault.why,
        remedy: fault.remedy)
    case .refused(let request, let refusal): refusal.explain(request)
    case .denied(let request, let refusal): refusal.explainDenial(request)
    case .tooLong(let request, let status, let seconds, let until):
      Explanation(
        what: request.text,
        why:
          "\(printable(request.host)) answers with status \(status) and asks to wait \(seconds) s, until \(until)",
        remedy: "try again then, log in, or use a mirror (registries.conf)")
    case .realm(let request, let realm, let why):
      Explanation(
        what: request.text, why: "it sends us to the token server \(printable(realm)), \(why)",
        remedy: "if you trust that server, allow it with --no-https or insecure in registries.conf")
    case .redirect(let request, let fault): fault.explain(request)
    case .answer(let request, let why):
      Explanation(
        what: request.text, why: why, remedy: "check that the host is a registry, and what stands before it")
    case .schema1(let request):
      Explanation(
        what: request.text, why: "schema 1 images are not supported", remedy: "re-push it with a current tool"
      )
    case .digest(let request, let expected, let found):
      Explanation(
        what: request.text,
        why: "its bytes are not those it names: digest \(found.text) instead of \(expected.text)",
        remedy: "try again; if that does not help the registry or a proxy before it is damaged")
    case .size(let request, let expected, let found):
      Explanation(
        what: request.text, why: "the registry has \(found) bytes, and there should be \(expected)",
        remedy: "the image in the registry is damaged: push it anew")
    case .everyPlace(let request, let faults):
      Explanation(
        what: request.text,
        why: faults.map { "\($0.place): \($0.explanation.why)" }.connected(by: "; "),
        remedy: faults.last?.explanation.remedy ?? "")
    case .noPlace(let request):
      Explanation(
        what: request.text, why: "registries.conf names no place that may be asked for it",
        remedy: "check pull-from-mirror and mirror-by-digest-only there")
    case .cancelled: Explanation(what: "cannot go on", why: "the transfer was given up")
    case .credential(let explanation): explanation
    }
  }

  /// The host it is about.
  private var place: String { request.map { printable($0.host) } ?? "" }

  var request: RegistryRequest? {
    switch self {
    case .transport(let request, _), .refused(let request, _), .denied(let request, _),
      .tooLong(let request, _, _, _), .realm(let request, _, _), .redirect(let request, _),
      .answer(let request, _), .schema1(let request), .digest(let request, _, _), .size(let request, _, _),
      .everyPlace(let request, _), .noPlace(let request):
      request
    case .cancelled, .credential: nil
    }
  }
}

extension RegistryRefusal {
  fileprivate func explain(_ request: RegistryRequest) -> Explanation {
    Explanation(what: request.text, why: why(request), remedy: remedy(request))
  }

  fileprivate func explainDenial(_ request: RegistryRequest) -> Explanation {
    let host = printable(request.host)
    return hasCredential
      ? Explanation(
        what: request.text, why: "the credentials are refused: " + why(request),
        remedy: "log in with a name and password that may do this: apus registry login \(host)")
      : Explanation(
        what: request.text,
        why: (request.action == .login ? "it wants a name and password: " : Self.unknown) + why(request),
        remedy: "check the name, or log in: apus registry login \(host)")
  }

  /// Registries do not tell strangers which of the two it is.
  private static let unknown = "access is denied, or there is no such repository: "

  private func why(_ request: RegistryRequest) -> String {
    var text = "\(printable(request.host)) answers with status \(status)"
    if !errors.isEmpty { text += " (" + errors.map(\.text).connected(by: "; ") + ")" }
    if status == 429, let rateLimit {
      text += "; \(rateLimit.remaining) of \(rateLimit.limit) requests are left"
    }
    return text
  }

  private func remedy(_ request: RegistryRequest) -> String {
    switch status {
    case 404:
      if case .manifest = request.action {
        return
          "check the name and the tag; apus registry tags \(printable(request.host + "/" + request.repository))"
      }
      return "check the name of the repository"
    case 401, 403: return "log in: apus registry login \(printable(request.host))"
    case 429: return "log in or use a mirror (registries.conf)"
    case 500...: return "the registry has a problem of its own: try again later"
    default: return ""
    }
  }
}

extension RedirectFault {
  fileprivate func explain(_ request: RegistryRequest) -> Explanation {
    switch self {
    case .tooMany:
      Explanation(
        what: request.text, why: "it sends us on more than \(RedirectPolicy.limit) times",
        remedy: "check what stands before the registry")
    case .noAddress(let location):
      Explanation(
        what: request.text,
        why: location.isEmpty
          ? "it sends us on to nowhere" : "it sends us on to \(printable(location)), no http address",
        remedy: "check what stands before the registry")
    case .downgrade(let location):
      Explanation(
        what: request.text,
        why: "it sends us from https to \(printable(location)), which anybody can read and change",
        remedy: "if you trust that network use --no-https")
    }
  }
}
