import Glibc
import Linux
import Loopback
import Synchronization
import Testing

@testable import HTTP

/// Counts calls from whatever thread.
private final class Counter: Sendable {
  private let count = Atomic(0)

  func next() -> Int { count.add(1, ordering: .relaxed).newValue }
}

@Suite struct HTTPClientTests {
  static func send(
    _ server: LoopbackServer, _ change: (inout HTTPRequest) -> Void = { _ in },
    isCancelled: @escaping @Sendable () -> Bool = { false }
  ) throws(HTTPFault) -> (exchange: HTTPExchange, body: [UInt8]) {
    var request = HTTPRequest(
      "GET", WebAddress(scheme: .http, host: "127.0.0.1", port: server.port, path: "/x", query: "y=z"))
    change(&request)
    let exchange = try HTTPClient(agent: "apus/test", isCancelled: isCancelled).send(request)
    return (exchange, try exchange.readAll(limit: 10_000_000) ?? [])
  }

  static func fault(_ body: () throws(HTTPFault) -> Void) -> HTTPFault? {
    do throws(HTTPFault) { try body() } catch { return error }
    return nil
  }

  @Test func `a request and its answer arrive as they are`() throws {
    let server = try LoopbackServer { request, _ in
      .status(207, [("X-One", "  1\t"), ("x-two", "a:b")], "body")
    }
    defer { server.stop() }
    let (exchange, body) = try Self.send(server) {
      $0.method = "PATCH"
      $0.headers = ["X": "y"]
      $0.body = .memory([1, 2, 3])
    }
    #expect(exchange.status == 207)
    #expect(exchange.headers["x-one"] == "1")
    #expect(exchange.headers["X-TWO"] == "a:b")
    #expect(body == Array("body".utf8))
    let request = server.requests[0]
    #expect(request.method == "PATCH" && request.target == "/x?y=z" && request.body == [1, 2, 3])
    #expect(request.headers["x"] == "y")
    #expect(request.headers["content-type"] == nil)
  }

  @Test func `a body larger than what may wait comes whole, however late it is read`() throws {
    let bytes = pattern(1_000_000)
    let server = try LoopbackServer { _, _ in Reply(body: bytes) }
    defer { server.stop() }
    let client = try HTTPClient(agent: "apus/test")
    let address = WebAddress(scheme: .http, host: "127.0.0.1", port: server.port)
    let first = try client.send(HTTPRequest("GET", address))
    // The second exchange moves the first one on until it is held up.
    let second = try client.send(HTTPRequest("GET", address))
    #expect(try second.readAll(limit: 1_000_000) == bytes)
    #expect(try first.readAll(limit: 1_000_000) == bytes)
    #expect(try client.send(HTTPRequest("GET", address)).readAll(limit: 999_999) == nil)
  }

  @Test func `a server that does not answer is given up`() throws {
    let server = try LoopbackServer { _, _ in Reply(delay: 3) }
    defer { server.stop() }
    let found = Self.fault { () throws(HTTPFault) in
      _ = try Self.send(server) { $0.transport.firstByteLimit = 0.1 }
    }
    #expect(found == .noAnswer(host: server.host, seconds: 0.1))
  }

  @Test func `a body that does not come is given up`() throws {
    let server = try LoopbackServer { _, _ in Reply(body: [1], bodyDelay: 3) }
    defer { server.stop() }
    let found = Self.fault { () throws(HTTPFault) in
      _ = try Self.send(server) { $0.transport.slowLimit = 0.1 }
    }
    #expect(found == .slow(host: server.host, seconds: 0.1))
  }

  @Test func `a transfer ends when somebody wants it to`() throws {
    let server = try LoopbackServer { _, _ in Reply(delay: 3) }
    defer { server.stop() }
    let asked = Counter()
    let found = Self.fault { () throws(HTTPFault) in
      _ = try Self.send(server, isCancelled: { asked.next() > 1 })
    }
    #expect(found == .cancelled)
  }

  @Test(arguments: [130_000, 200]) func `a head has a largest size`(count: Int) throws {
    let server = try LoopbackServer { _, _ in
      .status(200, (0..<count / 100).map { ("X-\($0)", String(repeating: "x", count: 100)) })
    }
    defer { server.stop() }
    let found = Self.fault { () throws(HTTPFault) in _ = try Self.send(server) }
    #expect(found == (count > 1000 ? .headTooLarge(host: server.host) : nil))
  }

  @Test(arguments: ["a\r\nEvil: yes", "a\u{0}", "\n"]) func `no field writes another one`(value: String)
    throws
  {
    let server = try LoopbackServer { _, _ in Reply() }
    defer { server.stop() }
    let found = Self.fault { () throws(HTTPFault) in _ = try Self.send(server) { $0.headers = ["X": value] } }
    #expect(found == .request("a field of the request holds a control character"))
    #expect(server.requests.isEmpty)
  }

  @Test func `a redirect is an answer like others`() throws {
    let server = try LoopbackServer { _, _ in .status(302, [("Location", "/elsewhere")]) }
    defer { server.stop() }
    #expect(try Self.send(server).exchange.status == 302)
    #expect(server.requests.count == 1)
  }

  @Test func `nobody there, no TLS there, no certificate there`() throws {
    let server = try LoopbackServer { _, _ in Reply() }
    defer { server.stop() }
    let client = try HTTPClient(agent: "apus/test")
    let nobody = WebAddress(scheme: .http, host: "127.0.0.1", port: 1)
    guard
      case .refused? = Self.fault({ () throws(HTTPFault) in _ = try client.send(HTTPRequest("GET", nobody)) })
    else {
      Issue.record("somebody at port 1")
      return
    }
    let plain = WebAddress(scheme: .https, host: "127.0.0.1", port: server.port)
    let found = Self.fault { () throws(HTTPFault) in _ = try client.send(HTTPRequest("GET", plain)) }
    #expect(found?.isLackOfTLS == true)
    var transport = TransportOptions()
    transport.authorityFiles = ["/nonexistent/ca.crt"]
    let unreadable = Self.fault { () throws(HTTPFault) in
      _ = try client.send(HTTPRequest("GET", plain, transport: transport))
    }
    guard case .file? = unreadable else {
      Issue.record("\(String(describing: unreadable))")
      return
    }
  }
}
