internal import CTransfer
internal import Glibc
internal import Linux

/// Sends requests, one after the other or several at once, in the thread that made it. Follows no redirect, knows no
/// credential, tries nothing twice: the rooms above decide all that. HTTP/1.1: one connection carries one blob, which is
/// faster over long distances than blobs that share a connection, and what has been opened for a small request serves the
/// next blob.
@safe public final class HTTPClient {
  private let pool: ConnectionPool
  private let address: UInt
  let agent: String
  let isCancelled: @Sendable () -> Bool
  private let group: OpaquePointer

  /// `agent` is the user agent, `apus/VERSION`. `isCancelled` is asked at least every half second while something is
  /// awaited.
  public init(
    _ pool: ConnectionPool = ConnectionPool(), agent: String,
    isCancelled: @escaping @Sendable () -> Bool = { false }
  ) throws(HTTPFault) {
    guard let address = pool.take(), let group = unsafe OpaquePointer(bitPattern: address) else {
      throw .request("there is no memory for connections")
    }
    self.pool = pool
    self.address = address
    self.agent = agent
    self.isCancelled = isCancelled
    unsafe self.group = group
  }

  deinit { pool.layBack(address) }

  /// Sends and waits until the head of the answer is there. `sent` is told the bytes of a file's body sent so far.
  public func send(_ request: HTTPRequest, sent: ((Int) -> Void)? = nil) throws(HTTPFault) -> HTTPExchange {
    let exchange = try HTTPExchange(request, self)
    guard unsafe apus_exchange_start(exchange.handle, group) == 0 else {
      throw .request("the network library takes no request")
    }
    try exchange.awaitHead(sent)
    return exchange
  }

  /// Waits up to `milliseconds`, then moves all exchanges on.
  func step(_ milliseconds: Int32) throws(HTTPFault) {
    if isCancelled() { throw .cancelled }
    guard unsafe apus_group_step(group, milliseconds) >= 0 else {
      throw .request("the network library cannot go on")
    }
  }
}
