import Content
import Loopback
import Model
import Synchronization
import Testing

@testable import Registry

@Suite struct BlobTests {
  static let bytes = pattern(600_000)
  static let descriptor = ContentDescriptor(
    mediaType: "application/octet-stream", digest: Digest.of(bytes), size: bytes.count)

  /// What a server with ranges answers.
  static func reply(_ request: SeenRequest, cut: Int? = nil) -> Reply {
    guard let range = request.headers["range"], let first = Int(range.dropFirst(6).dropLast()) else {
      return Reply(headers: [("ETag", "\"e\"")], body: bytes, cut: cut)
    }
    return Reply(
      status: 206, headers: [("Content-Range", "bytes \(first)-\(bytes.count - 1)/\(bytes.count)")],
      body: Array(bytes[first...]), cut: cut)
  }

  static func read(
    _ client: RegistryClient, from offset: Int = 0, descriptor: ContentDescriptor = descriptor
  ) throws(ContentFault) -> [UInt8] {
    try client.blob(descriptor, from: offset).readAll(limit: bytes.count + 10, name: "blob")
  }

  @Test func `a blob comes as it is, and its progress is told`() throws {
    let server = try LoopbackServer { request, _ in Self.reply(request) }
    defer { server.stop() }
    let seen = Mutex(0)
    let client = asking([server.host], progress: { _, bytes in seen.withLock { $0 = bytes } })
    #expect(try Self.read(client) == Self.bytes)
    #expect(seen.withLock { $0 } == Self.bytes.count)
    #expect(server.requests.map(\.target) == ["/v2/team/tool/blobs/\(Self.descriptor.digest.text)"])
  }

  @Test func `a transfer goes on where the connection broke`() throws {
    let server = try LoopbackServer { request, count in Self.reply(request, cut: count == 0 ? 500_000 : nil)
    }
    defer { server.stop() }
    #expect(try Self.read(asking([server.host])) == Self.bytes)
    #expect(server.requests.map { $0.headers["range"] } == [nil, "bytes=500000-"])
    #expect(server.requests[1].headers["if-range"] == "\"e\"")
  }

  @Test func `a transfer that gets on has all its tries again`() throws {
    // 14 failures, and never more than 3 of them within the 100 kB that count.
    let server = try LoopbackServer { request, _ in Self.reply(request, cut: 40_000) }
    defer { server.stop() }
    #expect(try Self.read(asking([server.host])) == Self.bytes)
    #expect(server.requests.count == 15)
  }

  @Test func `a transfer that does not get on ends after six tries`() throws {
    let server = try LoopbackServer { request, _ in Self.reply(request, cut: 1000) }
    defer { server.stop() }
    let clock = SleepClock()
    #expect(throws: ContentFault.self) { try Self.read(asking([server.host], clock)) }
    #expect(server.requests.count == 6)
    #expect(clock.slept > 7)
  }

  @Test func `a server without ranges sends the beginning again`() throws {
    let server = try LoopbackServer { _, count in Reply(body: Self.bytes, cut: count == 0 ? 500_000 : nil) }
    defer { server.stop() }
    #expect(try Self.read(asking([server.host])) == Self.bytes)
    #expect(server.requests.count == 2)
  }

  @Test func `a transfer begins in the middle where the beginning is known`() throws {
    let server = try LoopbackServer { request, _ in Self.reply(request) }
    defer { server.stop() }
    #expect(try Self.read(asking([server.host]), from: 599_990) == Array(Self.bytes[599_990...]))
    #expect(try Self.read(asking([server.host]), from: Self.bytes.count) == [])
    #expect(server.requests.count == 1)
  }

  @Test func `a refused range leads to one new beginning`() throws {
    let server = try LoopbackServer { request, count in
      request.headers["range"] == nil ? Reply(body: Self.bytes, cut: count == 0 ? 1000 : nil) : .status(416)
    }
    defer { server.stop() }
    #expect(try Self.read(asking([server.host])) == Self.bytes)
    #expect(server.requests.count == 3)
  }

  @Test(arguments: ["bytes 999-599999/600000", "bytes 1000-599998/600000", "nonsense"])
  func `a wrong part is asked for again, then refused`(range: String) throws {
    let server = try LoopbackServer { request, _ in
      request.headers["range"] == nil
        ? Reply(body: Self.bytes, cut: 1000)
        : Reply(status: 206, headers: [("Content-Range", range)], body: Array(Self.bytes[1000...]))
    }
    defer { server.stop() }
    #expect(throws: ContentFault.self) { try Self.read(asking([server.host])) }
    #expect(server.requests.count == 6)
  }

  @Test(arguments: [599_999, 600_001]) func `a blob of another size is refused`(size: Int) throws {
    let server = try LoopbackServer { _, _ in Reply(body: pattern(size)) }
    defer { server.stop() }
    #expect(throws: ContentFault.size(of: Self.descriptor.digest.text, expected: 600_000, found: size)) {
      try Self.read(asking([server.host]))
    }
  }

  @Test func `a longer blob that does not say so is refused`() throws {
    let server = try LoopbackServer { _, _ in Reply(body: pattern(600_001), announced: -1) }
    defer { server.stop() }
    #expect(throws: ContentFault.size(of: Self.descriptor.digest.text, expected: 600_000, found: 600_001)) {
      try Self.read(asking([server.host]))
    }
  }

  @Test func `a blob that a redirect leads to is asked for without credentials`() throws {
    let store = try LoopbackServer { request, _ in Self.reply(request) }
    defer { store.stop() }
    let server = try LoopbackServer { request, _ in
      request.headers["authorization"] == nil
        ? .status(401, [("WWW-Authenticate", "Basic realm=x")])
        : .status(307, [("Location", "http://\(store.host)/signed?for=us")])
    }
    defer { server.stop() }
    let client = asking([server.host], credential: .basic(user: "u", password: "p"))
    #expect(try Self.read(client) == Self.bytes)
    #expect(store.requests.map(\.target) == ["/signed?for=us"])
    #expect(store.requests[0].headers["authorization"] == nil)
  }

  @Test func `a redirect to the same place keeps credentials`() throws {
    let server = try LoopbackServer { request, _ in
      if request.headers["authorization"] == nil {
        return .status(401, [("WWW-Authenticate", "Basic realm=x")])
      }
      return request.path == "/here" ? Self.reply(request) : .status(302, [("Location", "/here")])
    }
    defer { server.stop() }
    #expect(try Self.read(asking([server.host], credential: .basic(user: "u", password: "p"))) == Self.bytes)
  }

  @Test(arguments: [401, 403]) func `an address whose signature ran out is made anew`(status: Int) throws {
    let store = try LoopbackServer { request, count in
      count == 0 ? .status(status, [("WWW-Authenticate", "Basic realm=x")]) : Self.reply(request)
    }
    defer { store.stop() }
    let server = try LoopbackServer { _, count in
      .status(307, [("Location", "http://\(store.host)/signed?number=\(count)")])
    }
    defer { server.stop() }
    #expect(try Self.read(asking([server.host], credential: .basic(user: "u", password: "p"))) == Self.bytes)
    #expect(store.requests.map(\.target) == ["/signed?number=0", "/signed?number=1"])
    #expect(store.requests.allSatisfy { $0.headers["authorization"] == nil })
  }

  @Test func `redirects without end are refused`() throws {
    let server = try LoopbackServer { _, _ in .status(302, [("Location", "/again")]) }
    defer { server.stop() }
    #expect(throws: ContentFault.self) { try Self.read(asking([server.host])) }
    #expect(server.requests.count == 6)
  }

  @Test func `too many requests make every request to that host wait`() throws {
    let server = try LoopbackServer { request, count in
      count == 0 ? .status(429, [("Retry-After", "2")]) : Self.reply(request)
    }
    defer { server.stop() }
    let clock = SleepClock()
    #expect(try Self.read(asking([server.host], clock)) == Self.bytes)
    #expect(clock.slept >= 2)
  }

  @Test func `a wait of ten minutes is an error that names the time`() throws {
    let server = try LoopbackServer { _, _ in .status(429, [("Retry-After", "600")]) }
    defer { server.stop() }
    let found = fault { () throws(RegistryFault) in _ = try asking([server.host]).manifest() }
    #expect(found?.explanation.why.contains("until 1994-11-06 08:59 UTC") == true)
  }

  @Test(arguments: [(2, 3), (100, 6)]) func `a server that fails is asked six times`(
    failures: Int, requests: Int
  ) throws {
    let server = try LoopbackServer { request, count in count < failures ? .status(503) : Self.reply(request)
    }
    defer { server.stop() }
    let bytes = try? Self.read(asking([server.host]))
    #expect(bytes == (failures < 6 ? Self.bytes : nil))
    #expect(server.requests.count == requests)
  }

  @Test func `the registry's mirror is asked first, the registry when the mirror has not got it`() throws {
    let mirror = try LoopbackServer { request, _ in
      request.path.contains("/manifests/") ? manifestReply() : .status(404)
    }
    defer { mirror.stop() }
    let server = try LoopbackServer { request, _ in Self.reply(request) }
    defer { server.stop() }
    let client = asking([mirror.host, server.host])
    _ = try client.manifest()
    #expect(try Self.read(client) == Self.bytes)
    #expect(mirror.requests.count == 2)
    #expect(server.requests.count == 1)
  }

  @Test func `a foreign layer is asked of the registry, and nowhere by plain http`() throws {
    let server = try LoopbackServer { _, _ in .status(404, [], #"{"errors":[{"code":"BLOB_UNKNOWN"}]}"#) }
    defer { server.stop() }
    let elsewhere = try LoopbackServer { request, _ in Self.reply(request) }
    defer { elsewhere.stop() }
    var descriptor = Self.descriptor
    descriptor.urls = ["http://\(elsewhere.host)/layer"]
    #expect(throws: ContentFault.self) { try Self.read(asking([server.host]), descriptor: descriptor) }
    #expect(elsewhere.requests.isEmpty)
  }
}
