/// Where an answer sends us on to, and what may go along. Pure.
package struct RedirectPolicy: Equatable, Sendable {
  /// From https to http, too.
  package var allowsDowngrade: Bool

  package static let limit = 5
  package static let statuses: Set<Int> = [301, 302, 303, 307, 308]

  package init(allowsDowngrade: Bool = false) { self.allowsDowngrade = allowsDowngrade }

  package enum Decision: Equatable, Sendable {
    /// `keepsSecrets`: host and port are the same and the line is no less safe.
    case follow(WebAddress, keepsSecrets: Bool)
    case refuse(Refusal)
  }

  package enum Refusal: Equatable, Sendable {
    case tooMany
    case noAddress(String)
    case downgrade(String)
  }

  /// `followed`: redirects of this request so far. `location`: of the answer.
  package func decide(from address: WebAddress, location: String?, followed: Int) -> Decision {
    guard followed < Self.limit else { return .refuse(.tooMany) }
    guard let location, let target = address.joined(location) else {
      return .refuse(.noAddress(location ?? ""))
    }
    let isDowngrade = address.scheme == .https && target.scheme == .http
    if isDowngrade, !allowsDowngrade { return .refuse(.downgrade(target.textWithoutQuery)) }
    let isSamePlace = address.host == target.host && address.port == target.port
    return .follow(target, keepsSecrets: isSamePlace && !isDowngrade)
  }
}

extension HTTPRequest {
  /// The request that follows a redirect. A method that changes things is only repeated as it is (307, 308), or becomes a
  /// GET (303); nil where neither is meant.
  package func redirected(_ status: Int, to address: WebAddress, keepsSecrets: Bool) -> HTTPRequest? {
    var request = self
    request.address = address
    if method != "GET", method != "HEAD", status < 307 {
      guard status == 303 else { return nil }
      request.method = "GET"
      request.body = .none
      request.headers.remove("Content-Type")
    }
    if !keepsSecrets {
      request.headers.remove("Authorization")
      request.headers.remove("Cookie")
      // The certificates are for the host that sent us away.
      request.transport.clientCertificate = nil
      request.transport.clientKey = nil
    }
    return request
  }
}
