public import Content
public import HTTP

/// Told how many bytes of a blob have come or gone so far, from the thread that transfers it.
public typealias TransferProgress = @Sendable (_ blob: Digest, _ bytes: Int) -> Void

/// How registries are asked, the same for every request.
public struct RegistryOptions: Sendable {
  /// The user agent, `apus/VERSION`.
  public var agent: String
  /// How a host is reached: certificates of `certs.d/HOST[:PORT]` and of the environment. Asked with `HOST[:PORT]`.
  public var transport: @Sendable (_ authority: String) -> TransportOptions
  public var progress: TransferProgress?
  /// Asked at least every half second while something is awaited; true ends the transfer.
  public var isCancelled: @Sendable () -> Bool
  public var timing: Timing
  /// Connections, shared by all clients that are made with these options or a copy of them.
  let pool = ConnectionPool()
  let pauses = HostPauses()
  var policy = RetryPolicy()
  /// Progress that gives a transfer all its tries back. Bytes.
  var refillSize = 1 << 20
  /// Larger blobs go up in pieces: object stores behind registries take no larger ones at once. Bytes.
  var largestUpload = 5 << 30
  /// A piece, where a server refused the whole. Bytes.
  var smallPiece = 8 << 20
  /// A piece of what is too large for one request. Bytes.
  var largePiece = 1 << 30

  public init(
    agent: String,
    transport: @escaping @Sendable (_ authority: String) -> TransportOptions = { _ in TransportOptions() },
    progress: TransferProgress? = nil, isCancelled: @escaping @Sendable () -> Bool = { false },
    timing: Timing = .system
  ) {
    self.agent = agent
    self.transport = transport
    self.progress = progress
    self.isCancelled = isCancelled
    self.timing = timing
  }

  func client() throws(HTTPFault) -> HTTPClient {
    try HTTPClient(pool, agent: agent, isCancelled: isCancelled)
  }
}
