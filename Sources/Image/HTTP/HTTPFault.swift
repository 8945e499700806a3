public import Model

/// Why an exchange came to no end. `host` is for messages; texts come from the network library.
public enum HTTPFault: Error, Equatable, Sendable {
  case unresolved(host: String)
  case refused(host: String, why: String)
  case proxy(host: String, why: String)
  /// No TLS there, or no version that both know.
  case handshake(host: String, why: String)
  case certificate(host: String, why: String)
  /// It wants a certificate of ours, or another one.
  case clientCertificate(host: String, why: String)
  case noConnection(host: String, seconds: Double)
  case noAnswer(host: String, seconds: Double)
  case slow(host: String, seconds: Double)
  case broken(host: String, why: String)
  case headTooLarge(host: String)
  /// Something of ours is not fit to be sent.
  case request(String)
  /// A certificate, key or body cannot be read.
  case file(String)
  case cancelled
  case other(host: String, why: String)

  /// Whether the same request may well succeed a little later.
  package var isTransient: Bool {
    switch self {
    case .noConnection, .noAnswer, .slow, .broken: true
    default: false
    }
  }

  /// Whether there is perhaps no TLS behind that port: a certificate that is not trusted is one nevertheless.
  package var isLackOfTLS: Bool {
    switch self {
    case .refused, .handshake, .broken, .noConnection: true
    default: false
    }
  }
}

extension HTTPFault: Explained {
  public var explanation: Explanation {
    Explanation(what: "no answer" + (host.map { " from \(printable($0))" } ?? ""), why: why, remedy: remedy)
  }

  package var host: String? {
    switch self {
    case .unresolved(let host), .refused(let host, _), .proxy(let host, _), .handshake(let host, _),
      .certificate(let host, _), .clientCertificate(let host, _), .noConnection(let host, _),
      .noAnswer(let host, _), .slow(let host, _),
      .broken(let host, _), .headTooLarge(let host), .other(let host, _):
      host
    case .request, .file, .cancelled: nil
    }
  }

  package var why: String {
    switch self {
    case .unresolved: "its name has no address"
    case .refused(_, let why): "nobody takes the connection" + detail(why)
    case .proxy(_, let why): "the proxy refuses" + detail(why)
    case .handshake(_, let why): "it speaks no TLS 1.2 or later" + detail(why)
    case .certificate(_, let why): "its certificate is not trusted" + detail(why)
    case .clientCertificate(_, let why): "it does not accept our client certificate" + detail(why)
    case .noConnection(_, let seconds): "there was no connection within \(Int(seconds)) s"
    case .noAnswer(_, let seconds): "it did not begin to answer within \(Int(seconds)) s"
    case .slow(_, let seconds): "it sent less than 1 kB/s for \(Int(seconds)) s"
    case .broken(_, let why): "the connection broke" + detail(why)
    case .headTooLarge: "the head of its answer has more than 128 KiB"
    case .request(let why), .file(let why): printable(why)
    case .cancelled: "it was given up"
    case .other(_, let why): why.isEmpty ? "the network library failed" : printable(why)
    }
  }

  package var remedy: String {
    switch self {
    case .unresolved: "check the name of the host and the network (proxies: https_proxy, no_proxy)"
    case .refused, .noConnection: "check host, port and network (proxies: https_proxy, no_proxy)"
    case .proxy: "check https_proxy, http_proxy and no_proxy"
    case .handshake: "check the port; a registry without TLS needs --no-https"
    case .certificate:
      "put the authority's certificate into ~/.config/containers/certs.d/HOST/ca.crt, or name it in SSL_CERT_FILE"
    case .clientCertificate:
      "put certificate and key into ~/.config/containers/certs.d/HOST/, as client.cert and client.key"
    case .noAnswer, .slow, .broken: "try again later"
    case .file: "check the file and its permissions"
    case .headTooLarge, .request, .cancelled, .other: ""
    }
  }

  private func detail(_ why: String) -> String { why.isEmpty ? "" : " (\(printable(why)))" }
}
