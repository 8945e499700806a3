import Content
import HTTP
import Loopback
import Model
import Testing

@testable import Registry

@Suite struct ManifestTests {
  @Test func `a manifest by tag must be what the registry says it is`() throws {
    let server = try LoopbackServer { _, _ in
      Reply(
        headers: [
          ("Content-Type", ManifestMedia.manifest), ("Docker-Content-Digest", Digest.of([1]).text),
        ], body: Array(smallManifest.utf8))
    }
    defer { server.stop() }
    let found = fault { () throws(RegistryFault) in _ = try asking([server.host]).manifest() }
    guard case .digest(_, Digest.of([1]), _)? = found else {
      Issue.record("\(String(describing: found))")
      return
    }
  }

  @Test func `a manifest by digest must have it`() throws {
    let server = try LoopbackServer { _, _ in manifestReply() }
    defer { server.stop() }
    let digest = Digest.of(Array(smallManifest.utf8))
    #expect(try asking([server.host], digest: digest).manifest().digest == digest)
    #expect(server.requests.last?.path == "/v2/team/tool/manifests/\(digest.text)")
    #expect(
      fault { () throws(RegistryFault) in _ = try asking([server.host], digest: Digest.of([])).manifest() }
        != nil)
  }

  @Test func `schema 1 is named`() throws {
    let server = try LoopbackServer { _, _ in
      Reply(
        headers: [("Docker-Content-Digest", Digest.of([]).text)], body: Array(#"{"schemaVersion":1}"#.utf8))
    }
    defer { server.stop() }
    let found = fault { () throws(RegistryFault) in _ = try asking([server.host]).manifest() }
    #expect(found?.explanation.why == "schema 1 images are not supported")
  }

  @Test func `a manifest without bounds is refused`() throws {
    let server = try LoopbackServer { _, _ in
      Reply(body: [UInt8](repeating: 0x20, count: RegistryClient.manifestLimit + 1))
    }
    defer { server.stop() }
    #expect(fault { () throws(RegistryFault) in _ = try asking([server.host]).manifest() } != nil)
  }

  @Test func `a manifest that breaks off is asked for again`() throws {
    let server = try LoopbackServer { _, count in
      var reply = manifestReply()
      if count == 0 { reply.cut = 10 }
      return reply
    }
    defer { server.stop() }
    #expect(try asking([server.host]).manifest().bytes == Array(smallManifest.utf8))
  }

  @Test func `an unknown tag is explained with the registry's own words`() throws {
    let server = try LoopbackServer { _, _ in
      .status(404, [], #"{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}"#)
    }
    defer { server.stop() }
    let found = fault { () throws(RegistryFault) in _ = try asking([server.host], tag: "9").manifest() }
    let text = try #require(found?.explanation)
    #expect(text.what == "cannot get the image \(server.host)/team/tool:9")
    #expect(text.why == "\(server.host) answers with status 404 (MANIFEST_UNKNOWN: manifest unknown)")
    #expect(text.remedy.contains("apus registry tags"))
  }

  @Test func `every mirror that says no is named`() throws {
    let mirror = try LoopbackServer { _, _ in .status(404) }
    defer { mirror.stop() }
    let server = try LoopbackServer { _, _ in .status(500) }
    defer { server.stop() }
    let found = fault { () throws(RegistryFault) in
      _ = try asking(["127.0.0.1:1", mirror.host, server.host]).manifest()
    }
    let why = try #require(found?.explanation.why)
    #expect(why.contains("127.0.0.1:1: ") && why.contains("\(mirror.host): ") && why.contains("status 500"))
  }

  @Test func `a host that nobody allowed plain http is never asked that way`() throws {
    let found = fault { () throws(RegistryFault) in _ = try asking(["example.invalid"]).manifest() }
    guard case .transport(_, .unresolved)? = found else {
      Issue.record("\(String(describing: found))")
      return
    }
  }

  @Test func `tags come page by page`() throws {
    let server = try LoopbackServer { request, _ in
      request.target.contains("last=b")
        ? .status(200, [], #"{"name":"x","tags":["c"]}"#)
        : .status(
          200, [("Link", #"</v2/team/tool/tags/list?last=b&n=2>; rel="next""#)], #"{"tags":["a","b"]}"#)
    }
    defer { server.stop() }
    #expect(try asking([server.host]).tags() == ["a", "b", "c"])
    #expect(
      server.requests.map(\.target) == [
        "/v2/team/tool/tags/list?n=1000", "/v2/team/tool/tags/list?last=b&n=2",
      ])
  }

  @Test func `a list of tags does not lead to another host`() throws {
    let server = try LoopbackServer { _, _ in
      .status(200, [("Link", #"<http://127.0.0.1:1/v2/>; rel="next""#)], #"{"tags":["a"]}"#)
    }
    defer { server.stop() }
    #expect(fault { () throws(RegistryFault) in _ = try asking([server.host]).tags() } != nil)
  }

  @Test func `a list of tags without end has one`() throws {
    let server = try LoopbackServer { _, count in
      .status(200, [("Link", "</v2/team/tool/tags/list?\(count)>; rel=next")], #"{"tags":["a"]}"#)
    }
    defer { server.stop() }
    #expect(try asking([server.host]).tags().count == 500)
  }
}
