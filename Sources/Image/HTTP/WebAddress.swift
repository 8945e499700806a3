internal import Model

/// An http or https address as requests need it: without user, password and fragment (RFC 3986; RFC 9110, section 4.2).
/// What the library that connects would understand in its own way is refused here, so that host checks and connections
/// mean the same host.
public struct WebAddress: Hashable, Sendable {
  public enum Scheme: String, Sendable {
    case http, https

    /// The port that is not written.
    public var port: Int { self == .http ? 80 : 443 }
  }

  public let scheme: Scheme
  /// Lower case; an IPv6 address in its brackets.
  public let host: String
  /// 1 to 65535, the scheme's own where none was written.
  public let port: Int
  /// Begins with a slash. Bytes that may not stand in an address are percent-encoded.
  public let path: String
  /// Without its question mark; nil where there is none.
  public let query: String?

  /// Longer ones are refused: signed addresses of object stores have 2 to 4 KiB.
  package static let limit = 16 << 10

  public init(scheme: Scheme, host: String, port: Int? = nil, path: String = "/", query: String? = nil) {
    self.scheme = scheme
    self.host = host
    self.port = port ?? scheme.port
    self.path = path
    self.query = query
  }

  /// nil for anything but an absolute http or https address without user and password.
  public init?(_ text: String) {
    guard let parts = Parts(text), let scheme = parts.scheme.flatMap({ Scheme(rawValue: $0) }),
      let authority = parts.authority
    else { return nil }
    self.init(scheme, authority, path: Self.withoutDots(parts.path), parts.query)
  }

  /// `HOST[:PORT]` of a reference or a setting.
  public init?(scheme: Scheme, authority: String, path: String = "/", query: String? = nil) {
    self.init(scheme, authority, path: path, query)
  }

  private init?(_ scheme: Scheme, _ authority: String, path: String, _ query: String?) {
    guard let (host, port) = Self.host(authority) else { return nil }
    self.init(scheme: scheme, host: host, port: port, path: path.isEmpty ? "/" : path, query: query)
  }

  /// What `reference` means in an answer to a request for this address (RFC 3986, section 5.2); nil where it is no http
  /// or https address.
  public func joined(_ reference: String) -> WebAddress? {
    guard let parts = Parts(reference) else { return nil }
    if parts.scheme != nil { return WebAddress(reference) }
    if let authority = parts.authority {
      return WebAddress(scheme, authority, path: Self.withoutDots(parts.path), parts.query)
    }
    if parts.path.isEmpty {
      return WebAddress(scheme: scheme, host: host, port: port, path: path, query: parts.query ?? query)
    }
    var full = parts.path
    if !full.utf8.starts(with: "/".utf8) {
      let folder = path.utf8.lastIndex(of: UInt8(ascii: "/")).map { path[...$0] } ?? "/"
      full = folder + full
    }
    return WebAddress(
      scheme: scheme, host: host, port: port, path: Self.withoutDots(full), query: parts.query)
  }

  /// The same address with more in its query. Name and value are percent-encoded.
  public func adding(_ name: String, _ value: String) -> WebAddress {
    let part = Self.encoded(name) + "=" + Self.encoded(value)
    let query = query.map { $0.isEmpty ? part : $0 + "&" + part } ?? part
    return WebAddress(scheme: scheme, host: host, port: port, path: path, query: query)
  }

  /// The port only where it is not the scheme's own.
  public var authority: String { port == scheme.port ? host : host + ":" + String(port) }

  public var text: String { scheme.rawValue + "://" + authority + path + (query.map { "?" + $0 } ?? "") }

  /// For messages: a query may hold a signature that opens the door.
  public var textWithoutQuery: String { scheme.rawValue + "://" + authority + path }

  /// Percent-encodes all but the unreserved characters (RFC 3986, section 2.3).
  package static func encoded(_ text: String) -> String {
    var out: [UInt8] = []
    for byte in text.utf8 {
      if isLetterOrDigit(byte) || "-._~".utf8.contains(byte) {
        out.append(byte)
      } else {
        escape(byte, to: &out)
      }
    }
    return String(decoding: out, as: UTF8.self)
  }
}

extension WebAddress {
  /// The pieces of a reference before anything is known of them (RFC 3986, appendix B).
  private struct Parts {
    /// Lower case.
    var scheme: String?
    var authority: String?
    var path: String
    var query: String?

    init?(_ text: String) {
      guard text.utf8.count <= limit, let bytes = Self.cleaned(text) else { return nil }
      var rest = bytes[...]
      if let fragment = rest.firstIndex(of: UInt8(ascii: "#")) { rest = rest[..<fragment] }
      if let mark = rest.firstIndex(of: UInt8(ascii: "?")) {
        query = String(decoding: rest[(mark + 1)...], as: UTF8.self)
        rest = rest[..<mark]
      }
      if let colon = rest.firstIndex(of: UInt8(ascii: ":")), colon > rest.startIndex,
        !rest[..<colon].contains(UInt8(ascii: "/"))
      {
        let name = rest[..<colon]
        guard name.allSatisfy({ isLetterOrDigit($0) || "+-.".utf8.contains($0) }) else { return nil }
        scheme = String(decoding: name, as: UTF8.self).lowercased()
        rest = rest[(colon + 1)...]
      }
      if rest.starts(with: "//".utf8) {
        rest = rest.dropFirst(2)
        let end = rest.firstIndex(of: UInt8(ascii: "/")) ?? rest.endIndex
        authority = String(decoding: rest[..<end], as: UTF8.self)
        rest = rest[end...]
      }
      path = String(decoding: rest, as: UTF8.self)
    }

    /// Control characters are refused, what may not stand in an address is escaped.
    private static func cleaned(_ text: String) -> [UInt8]? {
      var out: [UInt8] = []
      for byte in text.utf8 {
        if byte < 0x20 || byte == 0x7F { return nil }
        if byte >= 0x80 || " \"<>\\^`{|}".utf8.contains(byte) {
          escape(byte, to: &out)
        } else {
          out.append(byte)
        }
      }
      return out
    }
  }

  /// Host and port of `HOST[:PORT]`; nil where either is none. Names are letters, digits, `-`, `.` and `_`.
  private static func host(_ authority: String) -> (host: String, port: Int?)? {
    let bytes = Array(authority.lowercased().utf8)
    var end = bytes.firstIndex(of: UInt8(ascii: ":")) ?? bytes.endIndex
    if bytes.first == UInt8(ascii: "[") {
      guard let close = bytes.firstIndex(of: UInt8(ascii: "]")), close > 2,
        bytes[1..<close].allSatisfy({ isHexDigit($0) || $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: ".") })
      else { return nil }
      end = close + 1
    } else {
      guard end > 0, end <= 255,
        bytes[..<end].allSatisfy({ isLetterOrDigit($0) || "-._".utf8.contains($0) })
      else { return nil }
    }
    let host = String(decoding: bytes[..<end], as: UTF8.self)
    if end == bytes.endIndex { return (host, nil) }
    let digits = bytes[(end + 1)...]
    guard bytes[end] == UInt8(ascii: ":") else { return nil }
    if digits.isEmpty { return (host, nil) }
    guard digits.count <= 5, digits.allSatisfy({ (0x30...0x39).contains($0) }),
      let port = Int(String(decoding: digits, as: UTF8.self)), (1...65535).contains(port)
    else { return nil }
    return (host, port)
  }

  /// RFC 3986, section 5.2.4.
  private static func withoutDots(_ path: String) -> String {
    guard path.utf8.starts(with: "/".utf8) else { return path }
    let segments = path.fields(at: UInt8(ascii: "/")).dropFirst()
    var kept: [Substring] = []
    for (index, segment) in segments.enumerated() {
      let isLast = index == segments.count - 1
      switch segment {
      case ".":
        if isLast { kept.append("") }
      case "..":
        if !kept.isEmpty { kept.removeLast() }
        if isLast { kept.append("") }
      default: kept.append(segment)
      }
    }
    var out = ""
    for segment in kept { out += "/" + segment }
    return out.isEmpty ? "/" : out
  }

  private static func isHexDigit(_ byte: UInt8) -> Bool {
    (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte | 0x20)
  }

  private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
    (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte | 0x20)
  }

  private static func escape(_ byte: UInt8, to out: inout [UInt8]) {
    let digits = Array("0123456789ABCDEF".utf8)
    out += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
  }
}
