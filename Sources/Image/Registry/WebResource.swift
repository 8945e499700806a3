public import Content
public import HTTP
internal import Model
internal import Reference

/// An answer to a plain GET: of a web server, a library, or a daemon on a socket.
public final class WebResource: ByteSource {
  private let exchange: HTTPExchange
  private let request: RegistryRequest

  init(_ exchange: HTTPExchange, _ request: RegistryRequest) {
    self.exchange = exchange
    self.request = request
  }

  public var status: Int { exchange.status }
  public var headers: HTTPHeaders { exchange.headers }
  /// Bytes of the body, where the server says.
  public var size: Int? { exchange.announcedSize }

  public func read(into buffer: UnsafeMutableRawBufferPointer) throws(ContentFault) -> Int {
    do throws(HTTPFault) { return try unsafe exchange.read(into: buffer) } catch {
      throw .source(RegistryFault.transport(request, error).explanation)
    }
  }

  /// What the answer says instead of the body, for messages: the status and the beginning of what came.
  public func refusal(hasCredential: Bool = false) -> RegistryFault {
    exchange.discard()
    return .refused(
      request, RegistryRefusal(status: status, errors: [], hasCredential: hasCredential, rateLimit: nil))
  }

  /// Asks for an address, follows redirects and tries again as registries are asked; what answers on a socket of this
  /// machine is asked once: nothing lies between that could pass. `isInsecure`: from https to http too. `headers` go to
  /// that host only.
  public static func get(
    _ address: WebAddress, method: String = "GET", headers: HTTPHeaders = [:], options: RegistryOptions,
    transport: TransportOptions? = nil, isInsecure: Bool = false
  ) throws(RegistryFault) -> WebResource {
    var options = options
    if transport?.unixSocket != nil { options.policy.tries = 1 }
    let request = RegistryRequest(host: address.authority, repository: "", action: .page(address.path))
    let client: HTTPClient
    do throws(HTTPFault) { client = try options.client() } catch { throw .transport(request, error) }
    let courier = Courier(options: options, notes: RegistryNotes(), allowsDowngrade: isInsecure)
    var budget = RetryBudget()
    let exchange = try courier.follow(
      HTTPRequest(
        method, address, headers: headers, transport: transport ?? options.transport(address.authority)),
      Courier.Care(purpose: request), through: client, &budget
    ).exchange
    return WebResource(exchange, request)
  }
}
