import Foundation
import Testing

/// The way to a registry: certificates, mirrors and proxies.
@Suite(.enabled(if: Registry.isTested, "its images are made by scripts/test")) struct TransportTests {
  /// Puts certificates where those of a host are looked for.
  static func trust(_ us: RegistryCaller, _ host: String, _ names: [String] = ["ca.crt"]) throws {
    for name in names {
      try us.write(
        "xdg/containers/certs.d/" + host, to: name,
        content: String(contentsOfFile: Registry.certificate(name), encoding: .utf8))
    }
  }

  @Test(arguments: ["127.0.0.1", "localhost"])
  func `an authority of certs.d is trusted for its host`(name: String) throws {
    try RegistryCaller.with { us in
      let host = name + ":" + (Registry.tls.split(separator: ":").last.map(String.init) ?? "")
      try Self.trust(us, host)
      let outcome = try us.pull("\(host)/images/tiny")
      #expect(outcome.code == 0, "\(outcome.err)")
    }
  }

  @Test func `a certificate that nobody vouches for is refused by the host's name`() throws {
    try RegistryCaller.with { us in
      try Self.trust(us, "other.example:5000")
      let image = "\(Registry.tls)/images/tiny"
      let outcome = try us.pull(image)
      #expect(outcome.code == 255)
      #expect(outcome.err.contains(Registry.tls) && outcome.err.contains("certificate is not trusted"))
      #expect(outcome.err.contains("certs.d"), "\(outcome.err)")
      #expect(try us.pull(image, "--no-https").code == 0)
      let named = try us.pull(image, environment: ["SSL_CERT_FILE": Registry.certificate("ca.crt")])
      #expect(named.code == 0, "\(named.err)")
    }
  }

  @Test func `a registry that wants a certificate of ours gets the one of certs.d`() throws {
    try RegistryCaller.with { us in
      let image = "\(Registry.clientTLS)/images/tiny"
      try Self.trust(us, Registry.clientTLS)
      let without = try us.pull(image)
      #expect(without.code == 255)
      #expect(without.err.contains(Registry.clientTLS) && without.err.contains("client"), "\(without.err)")
      try Self.trust(us, Registry.clientTLS, ["client.cert", "client.key"])
      let with = try us.pull(image)
      #expect(with.code == 0, "\(with.err)")
    }
  }

  /// Writes registries.conf for `mirrored.example/images`.
  static func configure(_ us: RegistryCaller, _ text: String) throws {
    try us.write("xdg/containers", to: "registries.conf", content: text)
  }

  static func mirrors(_ places: [String], primary: String, more: String = "") -> String {
    """
    [[registry]]
    prefix = "mirrored.example/images"
    location = "\(primary)"
    insecure = true
    \(more)

    """
      + places.map { "[[registry.mirror]]\nlocation = \"\($0)\"\ninsecure = true\n" }.joined()
  }

  @Test func `mirrors are asked in their order until one has the image`() throws {
    try RegistryCaller.with { us in
      try Registry.withFaults("[]") { scope in
        try Self.configure(
          us,
          Self.mirrors(
            [
              "127.0.0.1:1/dead", "\(Registry.proxy)/\(scope)/nothing/here",
              "\(Registry.proxy)/\(scope)/images",
            ], primary: "127.0.0.1:1/primary"))
        let outcome = try us.pull("mirrored.example/images/tiny")
        #expect(outcome.code == 0, "\(outcome.err)")
        let asked = try Registry.requests(in: scope)
        #expect(asked.map(\.status) == [404, 200, 200, 200], "\(asked)")
        #expect(asked.first?.path.contains("/nothing/here/tiny/manifests/") == true)
        #expect(asked.dropFirst().allSatisfy { $0.path.contains("/\(scope)/images/tiny/") })
      }
    }
  }

  @Test func `where all mirrors fail the registry itself is asked, and all failures are told`() throws {
    try RegistryCaller.with { us in
      try Registry.withFaults("[]") { scope in
        let mirrors = ["127.0.0.1:1/dead", "\(Registry.proxy)/\(scope)/nothing"]
        try Self.configure(us, Self.mirrors(mirrors, primary: "\(Registry.proxy)/\(scope)/images"))
        let outcome = try us.pull("mirrored.example/images/tiny")
        #expect(outcome.code == 0, "\(outcome.err)")
        #expect(try Registry.requests(in: scope).map(\.status) == [404, 200, 200, 200])
        try Self.configure(us, Self.mirrors(mirrors, primary: "\(Registry.proxy)/\(scope)/neither"))
        let nowhere = try us.pull("mirrored.example/images/gzip")
        #expect(nowhere.code == 255)
        for part in ["127.0.0.1:1", Registry.proxy, "404"] {
          #expect(nowhere.err.contains(part), "\(nowhere.err)")
        }
      }
    }
  }

  @Test func `a mirror for digests alone is asked for no tag`() throws {
    try RegistryCaller.with { us in
      try Registry.withFaults("[]") { scope in
        try Self.configure(
          us,
          Self.mirrors(
            ["\(Registry.proxy)/\(scope)/images"], primary: "\(Registry.plain)/images",
            more: "mirror-by-digest-only = true"))
        let tag = try us.pull("mirrored.example/images/tiny")
        #expect(tag.code == 0, "\(tag.err)")
        #expect(try Registry.requests(in: scope).allSatisfy { !$0.path.hasSuffix("/manifests/latest") })
        let digest = try us.pull("mirrored.example/images/gzip@" + Registry.digest("gzip"))
        #expect(digest.code == 0, "\(digest.err)")
        let manifests = try Registry.requests(in: scope).filter {
          $0.path.contains("/gzip/manifests/sha256:")
        }
        #expect(manifests.map(\.status) == [200])
      }
    }
  }

  @Test func `a blocked registry is not asked, an insecure one is without trust in its certificate`() throws {
    try RegistryCaller.with { us in
      try Registry.withFaults("[]") { scope in
        try Self.configure(
          us,
          """
          [[registry]]
          prefix = "\(Registry.proxy)/\(scope)"
          blocked = true

          [[registry]]
          location = "\(Registry.tls)"
          insecure = true
          """)
        let blocked = try us.pull("\(Registry.proxy)/\(scope)/images/tiny")
        #expect(blocked.code == 255)
        #expect(blocked.err.contains("registries.conf blocks \(Registry.proxy)"), "\(blocked.err)")
        #expect(try Registry.requests(in: scope).isEmpty)
        let insecure = try us.pull("\(Registry.tls)/images/tiny")
        #expect(insecure.code == 0, "\(insecure.err)")
      }
    }
  }

  @Test func `a registries file with a mistake is refused by line`() throws {
    try RegistryCaller.with { us in
      try Self.configure(us, "[[registry]]\nprefix = 7\n")
      let outcome = try us.pull("\(Registry.plain)/images/tiny")
      #expect(outcome.code == 255)
      #expect(outcome.err.contains("registries.conf"), "\(outcome.err)")
    }
  }

  @Test(arguments: [
    // What is excepted, and whether the proxy is asked for 127.0.0.1.
    ("", true), ("127.0.0.0/8", false), ("10.0.0.0/8,192.168.0.0/16", true), ("10.0.0.0/8, 127.0.0.1", false),
    ("*", false), ("example.org", true),
  ])
  func `a proxy is asked unless no_proxy excepts the address`(excepted: String, goesThrough: Bool) throws {
    try RegistryCaller.with { us in
      try Registry.withFaults("[]") { scope in
        let outcome = try us.pull(
          "\(Registry.proxy)/\(scope)/images/tiny",
          environment: [
            "http_proxy": "http://" + Registry.forward, "https_proxy": "http://" + Registry.forward,
            "no_proxy": excepted,
          ])
        #expect(outcome.code == 0, "\(outcome.err)")
        let asked = try Registry.requests(.forward, about: scope)
        #expect(asked.isEmpty != goesThrough, "\(asked)")
      }
    }
  }

  @Test func `a proxy resolves names, TLS goes through a tunnel, and suffixes are excepted`() throws {
    try RegistryCaller.with { us in
      let name = "host-\(UUID().uuidString.lowercased()).example"
      let port = Registry.tls.split(separator: ":").last.map(String.init) ?? ""
      let image = "\(name):\(port)/images/tiny"
      let proxy = ["HTTPS_PROXY": "http://" + Registry.forward]
      let outcome = try us.pull(image, "--no-https", environment: proxy)
      #expect(outcome.code == 0, "\(outcome.err)")
      let asked = try Registry.requests(.forward, about: name)
      #expect(asked.count >= 1 && asked.allSatisfy { $0.hasPrefix("CONNECT \(name):\(port) ") }, "\(asked)")
      let direct = try us.pull(
        image, "--no-https", "--disable-cache", environment: proxy.merging(["no_proxy": ".example"]) { $1 })
      #expect(direct.code == 255)
      #expect(direct.err.contains(name) && direct.err.contains("has no address"), "\(direct.err)")
      let gone = try us.pull(image, "--disable-cache", environment: ["https_proxy": "http://127.0.0.1:1"])
      #expect(gone.code == 255)
      #expect(gone.err.contains("proxy"), "\(gone.err)")
    }
  }
}
