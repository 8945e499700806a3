internal import CTransfer
internal import Model

/// A request that was sent, and its answer, whose body is pulled. While nobody pulls, at most 256 KiB wait here and the
/// server is held up.
@safe public final class HTTPExchange {
  public let request: HTTPRequest
  /// 200 to 599.
  public private(set) var status = 0
  public private(set) var headers = HTTPHeaders()
  let handle: OpaquePointer
  private let client: HTTPClient
  private var slowness = Slowness()

  init(_ request: HTTPRequest, _ client: HTTPClient) throws(HTTPFault) {
    guard let handle = unsafe apus_exchange_create() else {
      throw .request("there is no memory for a request")
    }
    self.request = request
    self.client = client
    unsafe self.handle = handle
    try setUp()
  }

  deinit { unsafe apus_exchange_free(handle) }

  /// Puts the next bytes of the body at the start of `buffer` and returns how many; 0 only at the end.
  public func read(into buffer: UnsafeMutableRawBufferPointer) throws(HTTPFault) -> Int {
    guard buffer.count > 0 else { return 0 }
    while true {
      let count = unsafe apus_exchange_take(handle, buffer.baseAddress, buffer.count)
      if count > 0 {
        slowness.came(count)
        return count
      }
      if unsafe apus_exchange_is_done(handle) == 1 {
        if let fault { throw fault }
        return 0
      }
      let start = Timing.system.monotonic()
      try client.step(500)
      // Only waiting counts: who reads seldom must not be told that the server is slow.
      if slowness.waited(Timing.system.monotonic() - start, limit: request.transport.slowLimit),
        unsafe apus_exchange_waiting(handle) == 0
      {
        throw .slow(host: host, seconds: request.transport.slowLimit)
      }
    }
  }

  /// The whole body, nil beyond `limit` bytes.
  public func readAll(limit: Int) throws(HTTPFault) -> [UInt8]? {
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 64 << 10)
    while true {
      var failure: HTTPFault?
      let count = unsafe piece.withUnsafeMutableBytes { buffer in
        do throws(HTTPFault) { return unsafe try read(into: buffer) } catch {
          failure = error
          return 0
        }
      }
      if let failure { throw failure }
      if count == 0 { return bytes }
      guard count <= limit - bytes.count else { return nil }
      bytes += piece[..<count]
    }
  }

  /// Reads a body that nobody needs, if it is short: the connection can be used again then.
  package func discard() {
    // A failure costs the connection, nothing else.
    _ = try? readAll(limit: 64 << 10)
  }

  /// Bytes of the body as the head announces them; nil where it does not.
  package var announcedSize: Int? {
    headers["content-length"].flatMap { Int($0) }.flatMap { $0 >= 0 ? $0 : nil }
  }
}

extension HTTPExchange {
  package var host: String { request.transport.unixSocket ?? request.address.authority }

  func awaitHead(_ sent: ((Int) -> Void)?) throws(HTTPFault) {
    let limit = request.transport.firstByteLimit
    var last = Timing.system.monotonic()
    var lastSent = -1
    var wait: Int32 = 0
    while unsafe apus_exchange_has_head(handle) == 0 {
      if unsafe apus_exchange_is_done(handle) == 1 {
        throw fault ?? .broken(host: host, why: "it ended without an answer")
      }
      try client.step(wait)
      wait = 500
      let now = Timing.system.monotonic()
      let count = Int(unsafe apus_exchange_sent(handle))
      if count != lastSent {
        lastSent = count
        last = now
        if count > 0 { sent?(count) }
      } else if now - last > limit {
        throw .noAnswer(host: host, seconds: limit)
      }
    }
    status = Int(unsafe apus_exchange_status(handle))
    headers = head
  }

  private var head: HTTPHeaders {
    var size = 0
    guard let start = unsafe apus_exchange_head(handle, &size) else { return HTTPHeaders() }
    let bytes = unsafe Array(UnsafeRawBufferPointer(start: start, count: size))
    var headers = HTTPHeaders()
    for line in bytes.split(separator: UInt8(ascii: "\n")) {
      guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { continue }
      let isBlank: (UInt8) -> Bool = { $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }
      var value = line[(colon + 1)...].drop(while: isBlank)
      while let last = value.last, isBlank(last) { value.removeLast() }
      headers.add(String(decoding: line[..<colon], as: UTF8.self), String(decoding: value, as: UTF8.self))
    }
    return headers
  }

  private var fault: HTTPFault? {
    let why = unsafe String(cString: apus_exchange_failure_text(handle))
    return switch unsafe apus_exchange_failure(handle) {
    case APUS_FAILURE_NONE: nil
    case APUS_FAILURE_RESOLVE: .unresolved(host: host)
    case APUS_FAILURE_CONNECT: .refused(host: host, why: why)
    case APUS_FAILURE_PROXY: .proxy(host: host, why: why)
    case APUS_FAILURE_HANDSHAKE: .handshake(host: host, why: why)
    case APUS_FAILURE_CERTIFICATE: .certificate(host: host, why: why)
    case APUS_FAILURE_LOCAL_FILE: .file(why)
    case APUS_FAILURE_TIME: .noConnection(host: host, seconds: request.transport.connectLimit)
    // TLS 1.3 says only after the handshake that it wants a certificate of ours.
    case APUS_FAILURE_BROKEN where why.holds(bytesOf: " alert "): .clientCertificate(host: host, why: why)
    case APUS_FAILURE_BROKEN: .broken(host: host, why: why)
    case APUS_FAILURE_HEAD: .headTooLarge(host: host)
    case APUS_FAILURE_ADDRESS: .request("\(request.address.textWithoutQuery) is no address")
    default: .other(host: host, why: why)
    }
  }

  private func setUp() throws(HTTPFault) {
    let transport = request.transport
    var results = [
      unsafe apus_exchange_set_address(handle, request.address.text),
      unsafe apus_exchange_set_agent(handle, client.agent),
      unsafe apus_exchange_set_connect_limit(handle, Int(transport.connectLimit * 1000)),
    ]
    switch request.body {
    case .none: break
    case .memory(let bytes):
      results.append(
        unsafe bytes.withUnsafeBytes {
          unsafe apus_exchange_set_memory_body(handle, $0.baseAddress, $0.count)
        })
    case .file(let descriptor, let offset, let size):
      results.append(unsafe apus_exchange_set_file_body(handle, descriptor, Int64(offset), Int64(size)))
    }
    results.append(unsafe apus_exchange_set_method(handle, request.method))
    try addHeaders(&results)
    if let path = transport.unixSocket { results.append(unsafe apus_exchange_set_unix_socket(handle, path)) }
    if request.address.scheme == .https { try setUpTrust(&results) }
    guard results.allSatisfy({ $0 == 0 }) else { throw .request("the network library takes no such request") }
  }

  private func addHeaders(_ results: inout [Int32]) throws(HTTPFault) {
    var lines = request.headers.fields.map { $0.name + ": " + $0.value }
    // A proxy that packs what it passes on would break the digest.
    lines.append("Accept-Encoding: identity")
    // Without this line the library names a type of its own for a body.
    if request.body != .none, request.headers["content-type"] == nil { lines.append("Content-Type:") }
    for line in lines {
      guard line.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
        throw .request("a field of the request holds a control character")
      }
      results.append(unsafe apus_exchange_add_header(handle, line))
    }
  }

  private func setUpTrust(_ results: inout [Int32]) throws(HTTPFault) {
    let transport = request.transport
    if let certificate = transport.clientCertificate {
      let key = transport.clientKey ?? certificate
      results.append(unsafe apus_exchange_set_client_certificate(handle, certificate, key))
    }
    if transport.isUnverified {
      results.append(unsafe apus_exchange_set_unverified(handle))
      return
    }
    if let bundle = try TrustStore.bundle(transport) {
      results.append(
        unsafe bundle.withUnsafeBytes {
          unsafe apus_exchange_set_authorities(handle, $0.baseAddress, $0.count)
        })
    } else if let file = TrustStore.systemFile(transport) {
      results.append(unsafe apus_exchange_set_authority_file(handle, file))
    }
    if let directory = transport.systemAuthorityDirectory {
      results.append(unsafe apus_exchange_set_authority_directory(handle, directory))
    }
  }
}

/// Tells when a body has come at less than 1 kB/s for too long.
struct Slowness {
  private var bytes = 0
  private var seconds = 0.0

  mutating func came(_ count: Int) { bytes += count }

  /// Counts time spent waiting; true once `limit` seconds brought too little.
  mutating func waited(_ more: Double, limit: Double) -> Bool {
    seconds += more
    guard seconds >= limit else { return false }
    let isSlow = Double(bytes) < 1000 * limit
    bytes = 0
    seconds = 0
    return isSlow
  }
}
