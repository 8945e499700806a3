public import Content
internal import HTTP
internal import Model

/// A blob of a registry as it comes: goes on where a connection broke, asks the next place when one has not got it. Checks
/// its size; the digest is for who reads it (`VerifiedSource`).
public final class BlobSource: ByteSource {
  /// Where it may be.
  enum Place {
    case endpoint(EndpointSession)
    /// Of a foreign layer: no credentials go there.
    case address(WebAddress)
  }

  let registry: RegistryClient
  let descriptor: ContentDescriptor
  let action: RegistryRequest.Action
  /// Where the next byte that the reader gets stands.
  var position: Int
  var places: [Place]
  var faults: [RegistryFault] = []
  var client: HTTPClient?
  var exchange: HTTPExchange?
  var budget = RetryBudget()
  /// Bytes since the budget was last full.
  private var sinceRefill = 0
  /// Of the body under way, strong ones only: other bytes must not be taken for the rest of these.
  var entityTag: String?
  var hasRestarted = false

  init(_ registry: RegistryClient, _ descriptor: ContentDescriptor, from offset: Int) {
    self.registry = registry
    self.descriptor = descriptor
    action = .blob(descriptor.digest)
    position = min(max(0, offset), descriptor.size)
    places =
      registry.places(byDigest: true).map { .endpoint($0) }
      + descriptor.urls.prefix(8).compactMap { WebAddress($0) }.filter { $0.scheme == .https }.map {
        .address($0)
      }
  }

  public func read(into buffer: UnsafeMutableRawBufferPointer) throws(ContentFault) -> Int {
    do throws(BlobFault) { return unsafe try readNext(into: buffer) } catch {
      exchange = nil
      switch error {
      case .registry(.size(_, let expected, let found)):
        throw .size(of: descriptor.digest.text, expected: expected, found: found)
      case .registry(let fault): throw .source(fault.explanation)
      case .size(let found): throw .size(of: descriptor.digest.text, expected: descriptor.size, found: found)
      }
    }
  }
}

/// Why a blob does not come.
enum BlobFault: Error {
  case registry(RegistryFault)
  case size(found: Int)
}

extension BlobSource {
  private func readNext(into buffer: UnsafeMutableRawBufferPointer) throws(BlobFault) -> Int {
    while position < descriptor.size {
      if exchange == nil { exchange = try open() }
      guard let exchange else { continue }
      let wanted = min(buffer.count, descriptor.size - position)
      do throws(HTTPFault) {
        let count = unsafe try exchange.read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<wanted]))
        if count > 0 {
          advance(count)
          return count
        }
      } catch {
        try recover(error)
        continue
      }
      // It ended too early, and in order: a server that counts wrong, or a proxy that lost its connection.
      try recover(.broken(host: exchange.host, why: "the body ended after \(position) bytes"))
    }
    try checkEnd()
    return 0
  }

  private func advance(_ count: Int) {
    position += count
    sinceRefill += count
    if sinceRefill >= registry.options.refillSize {
      sinceRefill = 0
      budget.refill()
    }
    registry.options.progress?(descriptor.digest, position)
  }

  /// What was promised has come: more would be something else.
  private func checkEnd() throws(BlobFault) {
    guard let exchange else { return }
    self.exchange = nil
    var rest = [UInt8](repeating: 0, count: 1)
    let more = unsafe rest.withUnsafeMutableBytes { buffer in
      // All bytes are here: how the connection ends does not matter.
      (try? unsafe exchange.read(into: buffer)) ?? 0
    }
    if more > 0 { throw .size(found: descriptor.size + more) }
  }

  /// Waits after a connection broke, or gives the place up.
  func recover(_ fault: HTTPFault) throws(BlobFault) {
    exchange = nil
    if fault == .cancelled { throw .registry(.cancelled) }
    try pause(.transport(request, fault), isTransient: fault.isTransient)
  }

  /// Waits for the next try; without one left the place has had its chance.
  func pause(_ fault: RegistryFault, isTransient: Bool = true) throws(BlobFault) {
    let options = registry.options
    let decision =
      isTransient
      ? options.policy.decide(attempt: budget.fail(), random: options.timing.random())
      : RetryPolicy.Decision.giveUp
    do throws(RegistryFault) { try courier.wait(decision, orThrow: fault) } catch {
      if error == .cancelled { throw .registry(error) }
      try leave(fault)
    }
  }

  /// Goes to the next place, or throws what all of them said.
  func leave(_ fault: RegistryFault) throws(BlobFault) {
    faults.append(fault)
    places.removeFirst()
    budget = RetryBudget()
    entityTag = nil
    hasRestarted = false
    if places.isEmpty { throw .registry(registry.summary(faults, action)) }
  }
}

extension RegistryClient {
  /// The blob from `offset` on, for one thread. Nothing is asked before the first byte is read.
  public func blob(_ descriptor: ContentDescriptor, from offset: Int = 0) -> BlobSource {
    BlobSource(self, descriptor, from: offset)
  }
}
