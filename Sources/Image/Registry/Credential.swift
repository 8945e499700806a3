/// What a registry is told of who asks.
public enum Credential: Equatable, Sendable {
  case basic(user: String, password: String)
  /// Exchanged for a token at the token server (Docker Registry Token Authentication, OAuth2 `refresh_token`).
  case identityToken(String)
  /// Sent as a bearer token as it is.
  case registryToken(String)
}
