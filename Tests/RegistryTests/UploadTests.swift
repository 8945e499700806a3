import Content
import Glibc
import HTTP
import Linux
import Loopback
import Reference
import Synchronization
import Testing

@testable import Registry

@Suite struct UploadTests {
  static let bytes = pattern(200_000)
  static let digest = Digest.of(bytes)

  /// An open file without a name that holds a few other bytes, then those to be uploaded.
  static func file() throws -> Descriptor {
    let file = Descriptor(owning: memfd_create("blob", 0))
    try File.write([9, 9, 9] + bytes, to: file.number)
    return file
  }

  static func upload(_ client: RegistryClient) throws {
    let file = try file()
    try client.upload(file.number, at: 3, size: bytes.count, digest: digest)
  }

  static func client(_ host: String, change: (inout RegistryOptions) -> Void = { _ in }) -> RegistryClient {
    var options = RegistryOptions(agent: "apus/test", timing: SleepClock().timing)
    change(&options)
    return RegistryClient(
      endpoints: [Endpoint(host: host, repository: "team/tool")],
      reference: ImageReference(registry: host, repository: "team/tool", tag: "latest", digest: nil),
      options: options)
  }

  static func shape(_ server: LoopbackServer) -> [String] {
    server.requests.map { "\($0.method) \($0.target) \($0.body.count)" }
  }

  static let begin = "POST /v2/team/tool/blobs/uploads/ 0"
  static let encoded = digest.text.replacing(":", with: "%3A")

  @Test(arguments: [
    "/upload?state=a%2Fb", "../../../../../upload?state=a%2Fb", "http://HOST/upload?state=a%2Fb",
  ])
  func `a blob goes up in one request to exactly the named place`(location: String) throws {
    let server = try LoopbackServer { request, _ in
      let there = location.replacing("HOST", with: request.headers["host"] ?? "")
      return request.method == "POST" ? .status(202, [("Location", there)]) : .status(201)
    }
    defer { server.stop() }
    try Self.upload(Self.client(server.host))
    #expect(Self.shape(server) == [Self.begin, "PUT /upload?state=a%2Fb&digest=\(Self.encoded) 200000"])
    #expect(server.requests[1].body == Self.bytes)
  }

  @Test func `what a server refuses as too large goes up in pieces`() throws {
    let server = try LoopbackServer { request, _ in
      switch request.method {
      case "POST": .status(202, [("Location", "/up/0"), ("OCI-Chunk-Min-Length", "70000")])
      case "PATCH":
        .status(
          202,
          [
            ("Location", "/up/next"),
            ("Range", "0-" + (request.headers["content-range"] ?? "").drop { $0 != "-" }.dropFirst()),
          ])
      default: request.body.isEmpty ? .status(201) : .status(413)
      }
    }
    defer { server.stop() }
    try Self.upload(Self.client(server.host) { $0.smallPiece = 50_000 })
    #expect(
      Self.shape(server) == [
        Self.begin, "PUT /up/0?digest=\(Self.encoded) 200000", Self.begin, "PATCH /up/0 70000",
        "PATCH /up/next 70000", "PATCH /up/next 60000", "PUT /up/next?digest=\(Self.encoded) 0",
      ])
    #expect(server.requests[4].headers["content-range"] == "70000-139999")
    #expect(server.requests.filter { $0.method == "PATCH" }.flatMap(\.body) == Self.bytes)
  }

  @Test func `a broken upload goes on where the registry says it stands`() throws {
    let server = try LoopbackServer { request, count in
      switch request.method {
      case "POST": .status(202, [("Location", "/up/0")])
      case "GET": .status(204, [("Location", "/up/1"), ("Range", "0-149999")])
      case "PATCH": .status(202, [("Location", "/up/2"), ("Range", "0-199999")])
      default: count == 1 ? .broken : .status(201)
      }
    }
    defer { server.stop() }
    try Self.upload(Self.client(server.host))
    #expect(
      Self.shape(server) == [
        Self.begin, "PUT /up/0?digest=\(Self.encoded) 200000", "GET /up/0 0", "PATCH /up/1 50000",
        "PUT /up/2?digest=\(Self.encoded) 0",
      ])
    #expect(server.requests[3].body == Array(Self.bytes[150_000...]))
  }

  @Test func `an upload that the registry forgot begins anew`() throws {
    let server = try LoopbackServer { request, count in
      request.method == "POST"
        ? .status(202, [("Location", "/up/\(count)")]) : .status(count == 1 ? 404 : count == 3 ? 503 : 201)
    }
    defer { server.stop() }
    try Self.upload(Self.client(server.host))
    #expect(server.requests.map(\.method) == ["POST", "PUT", "POST", "PUT", "POST", "PUT"])
  }

  @Test func `an upload that always fails ends`() throws {
    let server = try LoopbackServer { request, _ in
      request.method == "POST" ? .status(202, [("Location", "/up")]) : .status(503)
    }
    defer { server.stop() }
    #expect(throws: RegistryFault.self) { try Self.upload(Self.client(server.host)) }
    #expect(server.requests.count { $0.method == "PUT" } == 6)
  }

  @Test func `a refused piece costs tries even where others get through`() throws {
    let server = try LoopbackServer { request, _ in
      switch request.method {
      case "POST": .status(202, [("Location", "/up")])
      case "GET": .status(404)
      default:
        request.headers["content-range"]?.hasPrefix("0-") == true
          ? .status(202, [("Location", "/up")]) : .status(416)
      }
    }
    defer { server.stop() }
    let client = Self.client(server.host) {
      $0.largestUpload = 199_999
      $0.largePiece = 100_000
    }
    #expect(throws: RegistryFault.self) { try Self.upload(client) }
    #expect(server.requests.count < 500)
  }

  @Test func `what the registry has is asked for and mounted, not sent`() throws {
    let server = try LoopbackServer { request, _ in
      switch request.method {
      case "HEAD": .status(request.target.hasSuffix(Self.digest.text) ? 200 : 404)
      case "POST": .status(request.target.contains("other") ? 201 : 202, [("Location", "/begun")])
      default: .status(201)
      }
    }
    defer { server.stop() }
    let client = Self.client(server.host)
    #expect(try client.hasBlob(Self.digest))
    #expect(try !client.hasBlob(Digest.of([])))
    #expect(try client.mount(Self.digest, from: "team/other"))
    #expect(try !client.mount(Self.digest, from: "team/none"))
    try Self.upload(client)
    #expect(
      Self.shape(server).suffix(3) == [
        "POST /v2/team/tool/blobs/uploads/?mount=\(Self.encoded)&from=team%2Fother 0",
        "POST /v2/team/tool/blobs/uploads/?mount=\(Self.encoded)&from=team%2Fnone 0",
        "PUT /begun?digest=\(Self.encoded) 200000",
      ])
  }

  @Test func `an upload elsewhere is not told who we are`() throws {
    let store = try LoopbackServer { _, _ in .status(201) }
    defer { store.stop() }
    let server = try LoopbackServer { request, _ in
      request.headers["authorization"] == nil
        ? .status(401, [("WWW-Authenticate", "Basic realm=x")])
        : .status(202, [("Location", "http://\(store.host)/up")])
    }
    defer { server.stop() }
    try Self.upload(asking([server.host], credential: .basic(user: "u", password: "p")))
    #expect(store.requests.map { $0.headers["authorization"] } == [nil])
  }

  @Test func `a manifest is published under its tag`() throws {
    let server = try LoopbackServer { request, _ in
      .status(201, [("Docker-Content-Digest", Digest.of(request.body).text)])
    }
    defer { server.stop() }
    let digest = try Self.client(server.host).putManifest(
      Array(smallManifest.utf8), mediaType: ManifestMedia.manifest, tag: "1")
    #expect(digest == Digest.of(Array(smallManifest.utf8)))
    #expect(server.requests[0].target == "/v2/team/tool/manifests/1")
    #expect(server.requests[0].headers["content-type"] == ManifestMedia.manifest)
  }

  @Test func `pushing asks for the right to push`() throws {
    let server = try LoopbackServer { request, _ in
      if request.path == "/token" { return .status(200, [], #"{"token":"t"}"#) }
      if request.headers["authorization"] != nil { return .status(200) }
      let realm = "http://\(request.headers["host"] ?? "")/token"
      return .status(
        401, [("WWW-Authenticate", #"Bearer realm="\#(realm)",scope="repository:team/tool:pull""#)])
    }
    defer { server.stop() }
    #expect(try Self.client(server.host).hasBlob(Self.digest))
    #expect(server.requests[1].target == "/token?scope=repository%3Ateam%2Ftool%3Apull%2Cpush")
  }
}
