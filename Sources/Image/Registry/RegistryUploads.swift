public import Content
internal import HTTP
internal import Model

/// Pushing: blobs first, then the manifest that names them.
extension RegistryClient {
  /// Whether the registry has it already.
  public func hasBlob(_ digest: Digest) throws(RegistryFault) -> Bool {
    let session = try primary(.upload(digest))
    var call = EndpointSession.Call(
      action: .upload(digest), method: "HEAD", path: "/v2/\(session.endpoint.repository)/blobs/\(digest.text)"
    )
    call.scopes = [session.scope("pull,push")]
    var budget = RetryBudget()
    let exchange = try session.ask(call, through: try client(session, .upload(digest)), &budget)
    switch exchange.status {
    case 200: return true
    case 404: return false
    default: throw session.refusal(exchange, .upload(digest))
    }
  }

  /// Has the registry take a blob from another repository of its own. False: it must be uploaded.
  public func mount(_ digest: Digest, from repository: String) throws(RegistryFault) -> Bool {
    let session = try primary(.upload(digest))
    var call = uploadCall(session, digest)
    call.query = [("mount", digest.text), ("from", repository)]
    call.scopes.append(session.scope("pull", of: repository))
    var budget = RetryBudget()
    let exchange = try session.ask(call, through: try client(session, .upload(digest)), &budget)
    defer { exchange.discard() }
    switch exchange.status {
    case 201: return true
    case 202:
      // The beginning of an upload: the next one goes on with it.
      if let address = exchange.headers["location"].flatMap({ exchange.request.address.joined($0) }) {
        state.keepUpload(address, for: digest)
      }
      return false
    // No right to the other repository, or no such request there: then it goes up as any other.
    case 400...499: return false
    default: throw session.refusal(exchange, .upload(digest))
    }
  }

  /// Uploads `size` bytes of an open file from `offset`, whose digest that is: at once, in pieces where the registry wants
  /// them or the blob is too large for one request. A broken upload goes on where the registry says it stands, or begins
  /// anew. `progress` is told instead of the one of the options.
  public func upload(
    _ descriptor: Int32, at offset: Int = 0, size: Int, digest: Digest, progress: TransferProgress? = nil
  ) throws(RegistryFault) {
    var options = options
    if let progress { options.progress = progress }
    let session = try primary(.upload(digest))
    var upload = Upload(
      session: session, client: try client(session, .upload(digest)), options: options, digest: digest,
      descriptor: descriptor, offset: offset, size: size, begin: uploadCall(session, digest))
    if let address = state.takeUpload(for: digest) { upload.begin(at: address) }
    try upload.run()
  }

  /// Publishes a manifest under a tag and returns its digest.
  public func putManifest(
    _ bytes: [UInt8], mediaType: String, tag: String
  ) throws(RegistryFault) -> Digest {
    let session = try primary(.publish(tag: tag))
    var call = EndpointSession.Call(
      action: .publish(tag: tag), method: "PUT", path: "/v2/\(session.endpoint.repository)/manifests/\(tag)")
    call.headers = ["Content-Type": mediaType]
    call.body = .memory(bytes)
    call.scopes = [session.scope("pull,push")]
    var budget = RetryBudget()
    let exchange = try session.ask(call, through: try client(session, .publish(tag: tag)), &budget)
    guard exchange.status == 201 || exchange.status == 200 else {
      throw session.refusal(exchange, .publish(tag: tag))
    }
    exchange.discard()
    let digest = Digest.of(bytes)
    if let found = exchange.headers["docker-content-digest"].flatMap({ Digest($0) }),
      found.algorithm == digest.algorithm, found != digest
    {
      throw .digest(session.request(.publish(tag: tag)), expected: digest, found: found)
    }
    return digest
  }

  private func uploadCall(_ session: EndpointSession, _ digest: Digest) -> EndpointSession.Call {
    var call = EndpointSession.Call(
      action: .upload(digest), method: "POST", path: "/v2/\(session.endpoint.repository)/blobs/uploads/")
    call.body = .memory([])
    call.scopes = [session.scope("pull,push")]
    return call
  }
}
