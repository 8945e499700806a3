/// One way a server asks for authentication (RFC 9110, section 11.6.1, `WWW-Authenticate`).
public struct Challenge: Equatable, Sendable {
  /// In lower case: `basic`, `bearer`, or one that is not known here.
  public let scheme: String
  /// Names in lower case, values without their quotes; of a name given twice the first counts.
  public let parameters: [String: String]

  public init(scheme: String, parameters: [String: String]) {
    self.scheme = scheme
    self.parameters = parameters
  }
}
