/// The fields of a head in their order. Names are compared without regard to case (RFC 9110, section 5.1).
public struct HTTPHeaders: Equatable, Sendable, ExpressibleByDictionaryLiteral {
  /// Names as they were given.
  public private(set) var fields: [(name: String, value: String)] = []

  public init() {}

  public init(dictionaryLiteral elements: (String, String)...) {
    for (name, value) in elements { add(name, value) }
  }

  public mutating func add(_ name: String, _ value: String) { fields.append((name, value)) }

  public mutating func remove(_ name: String) {
    let name = name.lowercased()
    fields.removeAll { $0.name.lowercased() == name }
  }

  /// The values of all fields of that name.
  public func all(_ name: String) -> [String] {
    let name = name.lowercased()
    return fields.filter { $0.name.lowercased() == name }.map(\.value)
  }

  /// The value of the first field of that name.
  public subscript(_ name: String) -> String? { all(name).first }

  public static func == (left: HTTPHeaders, right: HTTPHeaders) -> Bool {
    left.fields.elementsEqual(right.fields) { $0 == $1 }
  }
}

/// What a request carries.
public enum HTTPBody: Equatable, Sendable {
  case none
  case memory([UInt8])
  /// `size` bytes of an open file from `offset`, which stays open until the exchange ends.
  case file(descriptor: Int32, offset: Int, size: Int)
}

/// A request, ready to be sent: nothing is added to it but `User-Agent`, `Accept-Encoding: identity`, `Host` and the
/// length of its body.
public struct HTTPRequest: Equatable, Sendable {
  /// In capitals.
  public var method: String
  public var address: WebAddress
  public var headers: HTTPHeaders
  public var body: HTTPBody
  public var transport: TransportOptions

  public init(
    _ method: String = "GET", _ address: WebAddress, headers: HTTPHeaders = [:], body: HTTPBody = .none,
    transport: TransportOptions = TransportOptions()
  ) {
    self.method = method
    self.address = address
    self.headers = headers
    self.body = body
    self.transport = transport
  }
}

/// How a host is reached.
public struct TransportOptions: Equatable, Sendable {
  /// Certificate authorities in PEM files that count beside those of the system (`certs.d/HOST/*.crt`).
  public var authorityFiles: [String] = []
  /// The system's authorities in one file (`SSL_CERT_FILE`); nil: the first that exists of those of the distributions.
  public var systemAuthorityFile: String?
  /// The system's authorities in a folder (`SSL_CERT_DIR`).
  public var systemAuthorityDirectory: String?
  /// The client's certificate and its key, PEM files (`certs.d/HOST/*.cert`, `*.key`).
  public var clientCertificate: String?
  public var clientKey: String?
  /// Any certificate of the server will do.
  public var isUnverified = false
  /// The socket to speak through, whatever the address says; never with a proxy.
  public var unixSocket: String?
  /// Seconds until there is a connection.
  public var connectLimit = 15.0
  /// Seconds from the last byte sent to the head of the answer.
  public var firstByteLimit = 60.0
  /// A body that comes at less than 1 kB/s for that many seconds is given up.
  public var slowLimit = 30.0

  public init() {}
}
