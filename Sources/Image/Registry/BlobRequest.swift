internal import Content
internal import HTTP
internal import Model
internal import Reference

/// How a blob is asked for, and which answers are the bytes that are wanted.
extension BlobSource {
  var request: RegistryRequest {
    switch places.first {
    case .endpoint(let session)?: session.request(action)
    case .address(let address)?:
      RegistryRequest(host: address.authority, repository: registry.reference.repository, action: action)
    case nil:
      RegistryRequest(
        host: registry.reference.registry, repository: registry.reference.repository, action: action)
    }
  }

  var courier: Courier {
    if case .endpoint(let session)? = places.first { return session.courier }
    return Courier(options: registry.options, notes: registry.notes, allowsDowngrade: false)
  }

  /// Asks for what is still missing, until a place begins to give it.
  func open() throws(BlobFault) -> HTTPExchange {
    while let place = places.first {
      let exchange: HTTPExchange
      do throws(RegistryFault) { exchange = try ask(place) } catch {
        if error == .cancelled { throw .registry(error) }
        // A server that had answered and is gone for a moment: it begins anew, or its proxy does.
        if position > 0, error.isGoneHost {
          try pause(error)
        } else {
          try leave(error)
        }
        continue
      }
      if try accept(exchange, place) { return exchange }
    }
    throw .registry(registry.summary(faults, action))
  }

  private func ask(_ place: Place) throws(RegistryFault) -> HTTPExchange {
    let client: HTTPClient
    if let made = self.client { client = made } else { client = try makeClient() }
    self.client = client
    var headers: HTTPHeaders = [:]
    if position > 0, !hasRestarted {
      headers.add("Range", "bytes=\(position)-")
      if let entityTag { headers.add("If-Range", entityTag) }
    }
    switch place {
    case .endpoint(let session):
      var call = EndpointSession.Call(
        action: action, path: "/v2/\(session.endpoint.repository)/blobs/\(descriptor.digest.text)")
      call.headers = headers
      call.scopes = [session.scope("pull")]
      return try session.ask(call, through: client, &budget)
    case .address(let address):
      let request = HTTPRequest(
        "GET", address, headers: headers, transport: registry.options.transport(address.authority))
      return try courier.follow(request, Courier.Care(purpose: self.request), through: client, &budget)
        .exchange
    }
  }

  private func makeClient() throws(RegistryFault) -> HTTPClient {
    do throws(HTTPFault) { return try registry.options.client() } catch { throw .transport(request, error) }
  }

  /// Whether the body of that answer begins with the byte that is wanted next, once what is known has been skipped.
  private func accept(_ exchange: HTTPExchange, _ place: Place) throws(BlobFault) -> Bool {
    let size = descriptor.size
    switch exchange.status {
    case 200:
      if let announced = exchange.announcedSize, announced != size {
        try leave(.size(request, expected: size, found: announced))
        return false
      }
      noteTag(exchange)
      // The server takes no ranges, or has new bytes under the old name: the digest tells.
      return try skip(position, of: exchange)
    case 206:
      guard let range = exchange.headers["content-range"].flatMap({ ContentRange($0) }) else {
        try pause(.answer(request, why: "a part of the blob does not say which one it is"))
        return false
      }
      if let total = range.total, total != size {
        try leave(.size(request, expected: size, found: total))
        return false
      }
      guard range.isRest(from: position, of: size) else {
        try pause(
          .answer(
            request,
            why:
              "it sends bytes \(range.first) to \(range.last) where \(position) to \(size - 1) were asked for"
          ))
        return false
      }
      noteTag(exchange)
      return true
    case 416 where !hasRestarted:
      exchange.discard()
      hasRestarted = true
      return false
    default:
      let fault: RegistryFault
      switch place {
      case .endpoint(let session): fault = session.refusal(exchange, action)
      case .address:
        fault = .refused(
          request, RegistryRefusal(status: exchange.status, errors: [], hasCredential: false))
      }
      try leave(fault)
      return false
    }
  }

  private func noteTag(_ exchange: HTTPExchange) {
    entityTag = exchange.headers["etag"].flatMap { $0.utf8.first == UInt8(ascii: "\"") ? $0 : nil }
  }

  /// Reads over the beginning of a body. False: it broke on the way.
  private func skip(_ count: Int, of exchange: HTTPExchange) throws(BlobFault) -> Bool {
    var rest = count
    var piece = [UInt8](repeating: 0, count: min(max(1, count), 256 << 10))
    while rest > 0 {
      var failure: HTTPFault?
      let wanted = min(rest, piece.count)
      let got = unsafe piece.withUnsafeMutableBytes { buffer in
        do throws(HTTPFault) {
          return unsafe try exchange.read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<wanted]))
        } catch {
          failure = error
          return 0
        }
      }
      if got == 0 {
        try recover(failure ?? .broken(host: exchange.host, why: "the body ended too early"))
        return false
      }
      rest -= got
    }
    return true
  }
}

extension RegistryFault {
  fileprivate var isGoneHost: Bool {
    switch self {
    case .transport(_, .refused), .transport(_, .unresolved): true
    default: false
    }
  }
}
