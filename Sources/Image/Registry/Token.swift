internal import HTTP
internal import Model

/// A bearer token and its life.
struct Token: Equatable, Sendable {
  let text: String
  /// When it is replaced, on the monotonic clock: after 80 % of its life.
  let end: Double
  /// Serves to get the next one; kept in memory only.
  let refresh: String?

  /// Seconds: what counts where the server does not say, or says less (Docker Registry Token Authentication).
  static let shortestLife = 60
  /// A token server that says more is not believed.
  private static let longestLife = 24 * 3600
  static let bodyLimit = 64 << 10

  /// What a token server answers (`token` or, in OAuth2, `access_token`); nil where it gives none. `asked` is when the
  /// request was sent, on the monotonic clock.
  init?(_ body: [UInt8], asked: Double) {
    guard let json = try? JSON(parsing: body),  // no JSON, no token
      let text = [json["token"]?.text, json["access_token"]?.text].compactMap({ $0 }).first(
        where: Self.isSendable)
    else { return nil }
    var life = Self.shortestLife
    switch json["expires_in"] {
    case .integer(let seconds): life = seconds
    case .number(let seconds) where abs(seconds) < 1e9: life = Int(seconds)
    default: break
    }
    life = min(max(life, Self.shortestLife), Self.longestLife)
    self.text = text
    end = asked + Double(life) * 0.8
    refresh = json["refresh_token"]?.text.flatMap { Self.isSendable($0) ? $0 : nil }
  }

  /// Only what may stand in a header: a line end in it would write a header of its own.
  private static func isSendable(_ text: String) -> Bool {
    !text.isEmpty && text.utf8.allSatisfy { (0x21...0x7E).contains($0) }
  }
}

/// For which a token is good.
struct TokenKey: Hashable, Sendable {
  let realm: WebAddress
  let service: String
  /// Sorted.
  let scopes: [String]
}
