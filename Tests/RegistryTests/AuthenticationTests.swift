import Content
import Linux
import Loopback
import Model
import Synchronization
import Testing

@testable import Registry

@Suite struct AuthenticationTests {
  /// A registry that wants bearer tokens, with its token server at the same port.
  static func bearerServer(
    tokens: @escaping @Sendable (SeenRequest) -> Reply, scope: String = "repository:team/tool:pull",
    accepts: @escaping @Sendable (String) -> Bool
  ) throws -> LoopbackServer {
    try LoopbackServer { request, _ in
      if request.path == "/token" { return tokens(request) }
      let authorization = request.headers["authorization"] ?? ""
      if authorization.hasPrefix("Bearer "), accepts(String(authorization.dropFirst(7))) {
        return manifestReply()
      }
      let realm = "http://\(request.headers["host"] ?? "")/token"
      let error = authorization.isEmpty ? "" : #",error="insufficient_scope""#
      return .status(
        401, [("WWW-Authenticate", #"Bearer realm="\#(realm)",service="s",scope="\#(scope)"\#(error)"#)])
    }
  }

  static func shape(_ server: LoopbackServer) -> [String] {
    server.requests.map { $0.method + " " + $0.path + ($0.headers["authorization"] == nil ? "" : " +") }
  }

  @Test func `a public image costs one token and one request more than itself`() throws {
    let server = try Self.bearerServer(
      tokens: { _ in .status(200, [], #"{"token":"t"}"#) }, accepts: { $0 == "t" })
    defer { server.stop() }
    let client = asking([server.host])
    #expect(try client.manifest().mediaType == ManifestMedia.manifest)
    #expect(try client.head() == Digest.of(Array(smallManifest.utf8)))
    let path = "/v2/team/tool/manifests/latest"
    #expect(Self.shape(server) == ["GET \(path)", "GET /token", "GET \(path) +", "HEAD \(path) +"])
    #expect(server.requests[1].target == "/token?service=s&scope=repository%3Ateam%2Ftool%3Apull")
    #expect(server.requests[0].headers["user-agent"] == "apus/test")
    #expect(server.requests[0].headers["accept-encoding"] == "identity")
    #expect(server.requests[0].headers["accept"] == ManifestMedia.known.joined(separator: ", "))
  }

  @Test func `a private image is asked for with name and password at the token server only`() throws {
    let server = try Self.bearerServer(
      tokens: {
        $0.headers["authorization"] == "Basic dTpw"
          ? .status(200, [], #"{"access_token":"t"}"#) : .status(401)
      }, accepts: { $0 == "t" })
    defer { server.stop() }
    _ = try asking([server.host], credential: .basic(user: "u", password: "p")).manifest()
    #expect(server.requests[1].target.hasSuffix("&account=u"))
    #expect(server.requests[2].headers["authorization"] == "Bearer t")
  }

  @Test(arguments: ["repository:team/tool:pull", "repository:team/other:pull"])
  func `a denied anonymous pull ends after at most two tokens`(scope: String) throws {
    let server = try Self.bearerServer(
      tokens: { _ in .status(200, [], #"{"token":"t"}"#) }, scope: scope, accepts: { _ in false })
    defer { server.stop() }
    let found = fault { () throws(RegistryFault) in _ = try asking([server.host]).manifest() }
    guard case .denied(_, let refusal)? = found else {
      Issue.record("\(String(describing: found))")
      return
    }
    #expect(!refusal.hasCredential)
    #expect(server.requests.count { $0.path == "/token" } <= 2)
  }

  @Test func `a wider scope that the registry names is asked for once`() throws {
    let server = try LoopbackServer { request, _ in
      if request.path == "/token" {
        return .status(200, [], request.target.contains("secret") ? #"{"token":"wide"}"# : #"{"token":"t"}"#)
      }
      if request.headers["authorization"] == "Bearer wide" { return manifestReply() }
      let realm = "http://\(request.headers["host"] ?? "")/token"
      let scope =
        request.headers["authorization"] == nil ? "" : #",scope="secret:x:pull",error="insufficient_scope""#
      return .status(401, [("WWW-Authenticate", #"Bearer realm="\#(realm)"\#(scope)"#)])
    }
    defer { server.stop() }
    _ = try asking([server.host]).manifest()
    #expect(server.requests.count { $0.path == "/token" } == 2)
  }

  @Test func `a wrong password costs two requests and one clear error`() throws {
    let server = try LoopbackServer { _, _ in .status(401, [("WWW-Authenticate", #"Basic realm="x""#)]) }
    defer { server.stop() }
    let client = asking([server.host], credential: .basic(user: "u", password: "wrong"))
    let found = fault { () throws(RegistryFault) in try client.checkLogin() }
    #expect(Self.shape(server) == ["GET /v2/", "GET /v2/ +"])
    let text = found?.explanation
    #expect(text?.why.hasPrefix("the credentials are refused") == true)
    #expect(text.map { "\($0)".contains("wrong") } == false)
  }

  @Test func `a login without an account ends at the challenge`() throws {
    let server = try LoopbackServer { _, _ in .status(401, [("WWW-Authenticate", #"Basic realm="x""#)]) }
    defer { server.stop() }
    #expect(fault { () throws(RegistryFault) in try asking([server.host]).checkLogin() } != nil)
    #expect(server.requests.count == 1)
  }

  @Test(arguments: [200, 404, 405])
  func `an identity token is exchanged, where the server knows how`(postStatus: Int) throws {
    let server = try Self.bearerServer(
      tokens: { request in
        if request.method == "POST" {
          return .status(
            postStatus, [], postStatus == 200 ? #"{"access_token":"t","refresh_token":"next"}"# : "")
        }
        return .status(200, [], #"{"token":"t"}"#)
      }, accepts: { $0 == "t" })
    defer { server.stop() }
    _ = try asking([server.host], credential: .identityToken("i+d")).manifest()
    let requests = server.requests.filter { $0.path == "/token" }
    #expect(requests.map(\.method) == (postStatus == 200 ? ["POST"] : ["POST", "GET"]))
    let form = String(decoding: requests[0].body, as: UTF8.self)
    #expect(form.hasPrefix("grant_type=refresh_token&service=s&client_id=apus&scope=repository%3A"))
    #expect(form.hasSuffix("&refresh_token=i%2Bd"))
    #expect(requests[0].headers["content-type"] == "application/x-www-form-urlencoded")
  }

  @Test func `a refresh token that is refused gives way to name and password`() throws {
    let server = try Self.bearerServer(
      tokens: { request in
        request.method == "POST"
          ? .status(401) : .status(200, [], #"{"token":"t","refresh_token":"old","expires_in":60}"#)
      }, accepts: { $0 == "t" })
    defer { server.stop() }
    let clock = SleepClock()
    let client = asking([server.host], clock, credential: .basic(user: "u", password: "p"))
    _ = try client.manifest()
    clock.advance(50)
    _ = try client.manifest()
    #expect(server.requests.filter { $0.path.hasPrefix("/token") }.map(\.method) == ["GET", "POST", "GET"])
  }

  @Test func `a registry token is sent as it is`() throws {
    let server = try Self.bearerServer(tokens: { _ in .status(500) }, accepts: { $0 == "mine" })
    defer { server.stop() }
    _ = try asking([server.host], credential: .registryToken("mine")).manifest()
    #expect(server.requests.count == 2)
  }

  @Test func `a token is replaced before it ends`() throws {
    let server = try Self.bearerServer(
      tokens: { _ in .status(200, [], #"{"token":"t","expires_in":60}"#) }, accepts: { $0 == "t" })
    defer { server.stop() }
    let clock = SleepClock()
    let client = asking([server.host], clock)
    _ = try client.manifest()
    clock.advance(47)
    _ = try client.manifest()
    #expect(server.requests.count { $0.path == "/token" } == 1)
    clock.advance(2)
    _ = try client.manifest()
    #expect(server.requests.count { $0.path == "/token" } == 2)
  }

  @Test func `a transfer of 90 seconds outlives its token of 60, and no request goes out with an old one`()
    throws
  {
    let clock = SleepClock()
    let issued = Mutex<[Double]>([])
    let server = try LoopbackServer { request, _ in
      if request.path == "/token" {
        let number = issued.withLock { issued in
          issued.append(clock.slept)
          return issued.count
        }
        return .status(200, [], #"{"token":"t\#(number)","expires_in":60}"#)
      }
      let token = request.headers["authorization"].flatMap { Int($0.dropFirst("Bearer t".count)) }
      guard let token, clock.slept - issued.withLock({ $0[token - 1] }) < 60 else {
        let realm = "http://\(request.headers["host"] ?? "")/token"
        return .status(401, [("WWW-Authenticate", "Bearer realm=\"\(realm)\"")])
      }
      // The connection lasts for nine seconds and a tenth of the blob.
      clock.advance(9)
      return BlobTests.reply(request, cut: 60_000)
    }
    defer { server.stop() }
    #expect(try BlobTests.read(asking([server.host], clock)) == BlobTests.bytes)
    #expect(clock.slept >= 90)
    #expect(issued.withLock { $0.count } == 2)
    let blobs = server.requests.filter { $0.path.contains("/blobs/") }
    // The first one asks what is wanted.
    #expect(blobs.count { $0.headers["authorization"] == nil } == 1 && blobs.count == 11)
  }

  @Test func `a token that the registry has forgotten is replaced`() throws {
    let server = try LoopbackServer { request, count in
      if request.path == "/token" { return .status(200, [], #"{"token":"t\#(count)"}"#) }
      let authorization = request.headers["authorization"]
      if authorization == "Bearer t1" && count == 2 || authorization == "Bearer t4" { return manifestReply() }
      return .status(
        401, [("WWW-Authenticate", #"Bearer realm="http://\#(request.headers["host"] ?? "")/token""#)])
    }
    defer { server.stop() }
    let client = asking([server.host])
    _ = try client.manifest()
    _ = try client.manifest()
    #expect(server.requests.count == 6)
  }

  @Test(arguments: ["http://169.254.169.254/token", "http://10.0.0.1/token", "http://[fe80::1]/token"])
  func `no credentials go to an address of an inner network`(realm: String) throws {
    let server = try LoopbackServer { _, _ in
      .status(401, [("WWW-Authenticate", #"Bearer realm="\#(realm)""#)])
    }
    defer { server.stop() }
    let found = fault { () throws(RegistryFault) in _ = try asking([server.host]).manifest() }
    guard case .realm(_, realm, _)? = found else {
      Issue.record("\(String(describing: found))")
      return
    }
  }

  @Test func `a registry that challenges at its root only is understood`() throws {
    let server = try LoopbackServer { request, _ in
      if request.headers["authorization"] == "Basic dTpw" { return manifestReply() }
      return .status(401, request.path == "/v2/" ? [("WWW-Authenticate", "Negotiate, Basic realm=x")] : [])
    }
    defer { server.stop() }
    _ = try asking([server.host], credential: .basic(user: "u", password: "p")).manifest()
    #expect(server.requests.map(\.path)[1] == "/v2/")
  }

  @Test func `threads share a client, a token and their connections`() throws {
    let server = try AuthenticationTests.bearerServer(
      tokens: { _ in .status(200, [], #"{"token":"t"}"#) }, accepts: { $0 == "t" })
    defer { server.stop() }
    let client = asking([server.host])
    _ = try client.manifest()
    let state = Condition()
    let done = Mutex((count: 0, failures: 0))
    for _ in 0..<8 {
      try Thread.start {
        let isGood = (0..<5).allSatisfy { _ in (try? client.manifest()) != nil }
        state.locked {
          done.withLock {
            $0.count += 1
            $0.failures += isGood ? 0 : 1
          }
          state.signal()
        }
      }
    }
    state.locked { while done.withLock({ $0.count }) < 8 { state.wait() } }
    #expect(done.withLock { $0.failures } == 0)
    #expect(server.requests.count { $0.path == "/token" } == 1)
    #expect(server.requests.count == 43)
  }
}
