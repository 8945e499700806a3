internal import Content
internal import HTTP
internal import Model

/// One blob on its way up (OCI Distribution Specification, "Pushing Blobs").
struct Upload {
  let session: EndpointSession
  let client: HTTPClient
  let options: RegistryOptions
  let digest: Digest
  let descriptor: Int32
  /// Of the blob in its file.
  let offset: Int
  let size: Int
  /// Begins an upload.
  let begin: EndpointSession.Call

  /// Where the registry wants the next request; nil: it has to be asked.
  private var address: WebAddress?
  /// Bytes that the registry has.
  private var done = 0
  /// Bytes of a piece; nil: all at once.
  private var piece: Int?
  /// What the registry takes at least. Bytes.
  private var least = 0
  private var budget = RetryBudget()
  private var sinceRefill = 0
  private var setbacks = 0

  /// Progress that a registry takes back again and again would keep us for ever.
  private static let setbackLimit = 100

  init(
    session: EndpointSession, client: HTTPClient, options: RegistryOptions, digest: Digest, descriptor: Int32,
    offset: Int, size: Int, begin: EndpointSession.Call
  ) {
    self.session = session
    self.client = client
    self.options = options
    self.digest = digest
    self.descriptor = descriptor
    self.offset = offset
    self.size = size
    self.begin = begin
    if size > options.largestUpload { piece = options.largePiece }
  }

  mutating func begin(at address: WebAddress) { self.address = address }

  mutating func run() throws(RegistryFault) {
    while true {
      do throws(RegistryFault) {
        guard let address else {
          try start()
          continue
        }
        if piece == nil {
          if try sendAll(to: address) { return }
        } else if done < size {
          try sendPiece(to: address)
        } else {
          if try finish(at: address) { return }
        }
      } catch {
        setbacks += 1
        guard case .transport(_, let fault) = error, setbacks < Self.setbackLimit else { throw error }
        try session.courier.wait(
          options.policy.decide(attempt: budget.fail(), fault: fault, random: options.timing.random()),
          orThrow: error)
        findPlace()
      }
    }
  }
}

extension Upload {
  private var action: RegistryRequest.Action { .upload(digest) }

  private func call(_ method: String, _ address: WebAddress) -> EndpointSession.Call {
    var call = EndpointSession.Call(action: action, method: method, address: address)
    call.scopes = begin.scopes
    call.isRepeatable = false
    return call
  }

  private mutating func start() throws(RegistryFault) {
    let exchange = try session.ask(begin, through: client, &budget)
    guard exchange.status == 202 else { throw session.refusal(exchange, action) }
    exchange.discard()
    least = min(
      max(0, exchange.headers["oci-chunk-min-length"].flatMap { Int($0) } ?? 0), options.largestUpload)
    done = 0
    try goOn(exchange)
  }

  /// Takes the address of the next request from an answer: exactly as it is there, with its query.
  private mutating func goOn(_ exchange: HTTPExchange) throws(RegistryFault) {
    guard let next = exchange.headers["location"].flatMap({ exchange.request.address.joined($0) }) else {
      throw .answer(session.request(action), why: "it does not say where the upload goes on")
    }
    if exchange.request.address.scheme == .https, next.scheme == .http, !session.endpoint.isInsecure {
      throw .redirect(session.request(action), .downgrade(next.textWithoutQuery))
    }
    address = next
  }

  /// True when all is done.
  private mutating func sendAll(to address: WebAddress) throws(RegistryFault) -> Bool {
    var call = call("PUT", address.adding("digest", digest.text))
    call.headers = ["Content-Type": "application/octet-stream"]
    call.body = size == 0 ? .memory([]) : .file(descriptor: descriptor, offset: offset, size: size)
    call.sent = tell
    let exchange = try session.ask(call, through: client, &budget)
    if exchange.status == 413, size > options.smallPiece {
      exchange.discard()
      piece = options.smallPiece
      self.address = nil
      return false
    }
    return try isFinished(exchange)
  }

  private mutating func sendPiece(to address: WebAddress) throws(RegistryFault) {
    let count = min(max(piece ?? size, least), size - done)
    var call = call("PATCH", address)
    call.headers = [
      "Content-Type": "application/octet-stream", "Content-Range": "\(done)-\(done + count - 1)",
    ]
    call.body = .file(descriptor: descriptor, offset: offset + done, size: count)
    call.sent = tell
    let exchange = try session.ask(call, through: client, &budget)
    switch exchange.status {
    case 201, 202, 204:
      exchange.discard()
      let reached = Self.reached(exchange.headers["range"]) ?? done + count
      guard reached > done, reached <= done + count else {
        throw .answer(session.request(action), why: "it has \(reached) bytes after \(done + count) were sent")
      }
      sinceRefill += reached - done
      done = reached
      if sinceRefill >= options.refillSize {
        sinceRefill = 0
        budget.refill()
      }
      try goOn(exchange)
    case 416:
      try pause(session.refusal(exchange, action))
      findPlace()
    default: _ = try isFinished(exchange)
    }
  }

  private mutating func finish(at address: WebAddress) throws(RegistryFault) -> Bool {
    var call = call("PUT", address.adding("digest", digest.text))
    call.body = .memory([])
    return try isFinished(try session.ask(call, through: client, &budget))
  }

  /// True for an answer that the blob is there; an answer that may pass by itself leads to a new beginning, others throw.
  private mutating func isFinished(_ exchange: HTTPExchange) throws(RegistryFault) -> Bool {
    if exchange.status == 201 || exchange.status == 204 {
      exchange.discard()
      options.progress?(digest, size)
      return true
    }
    let fault = session.refusal(exchange, action)
    if RetryPolicy.statuses.contains(exchange.status) {
      // The courier has counted the failure, and lets the next request wait.
      setbacks += 1
      guard budget.failures < options.policy.tries, setbacks < Self.setbackLimit else { throw fault }
    } else {
      // 404: the registry has forgotten the upload.
      guard exchange.status == 404 else { throw fault }
      try pause(fault)
    }
    address = nil
    return false
  }

  private mutating func pause(_ fault: RegistryFault) throws(RegistryFault) {
    setbacks += 1
    guard setbacks < Self.setbackLimit else { throw fault }
    try session.courier.wait(
      options.policy.decide(attempt: budget.fail(), random: options.timing.random()), orThrow: fault)
  }

  /// Asks the registry how far the upload got; where it does not know, the next one begins anew.
  private mutating func findPlace() {
    guard let last = address else { return }
    address = nil
    var budget = RetryBudget()
    // Whatever goes wrong here: a new beginning is always possible, and says why it is not.
    guard let exchange = try? session.ask(call("GET", last), through: client, &budget) else { return }
    exchange.discard()
    guard exchange.status == 204, let reached = Self.reached(exchange.headers["range"]), reached > 0,
      reached <= size, (try? goOn(exchange)) != nil
    else { return }
    done = reached
    piece = piece ?? options.largePiece
  }

  /// Bytes that a registry has, of `0-99`. Nothing at all is `0-0`, too, in Docker's registry: one byte is not worth a
  /// guess.
  private static func reached(_ range: String?) -> Int? {
    let parts = range?.fields(at: UInt8(ascii: "-")) ?? []
    guard parts.count == 2, parts[0] == "0" || parts[0] == "bytes=0", let last = Int(parts[1]), last >= 0,
      last < Int.max
    else { return nil }
    return last == 0 ? 0 : last + 1
  }

  private var tell: (Int) -> Void {
    let progress = options.progress
    let digest = digest
    let done = done
    return { progress?(digest, done + $0) }
  }
}
