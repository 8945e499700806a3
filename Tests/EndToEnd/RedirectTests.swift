import Foundation
import Testing

/// Where registries send us on to, and to whom passwords go there.
extension FaultyRegistryTests {
  @Test(arguments: ["http://ELSEWHERE", "http://localhost:PORT"])
  func `a redirect elsewhere takes no credentials along`(target: String) throws {
    let port = Registry.proxyOther.split(separator: ":").last.map(String.init) ?? ""
    let there = target.replacingOccurrences(of: "PORT", with: port)
    try RegistryCaller.with { us in
      try us.write(
        "docker", to: "config.json", content: LoginTests.table(Registry.proxy, LoginTests.good))
      let (outcome, requests, _) = try Self.pull(
        us, "tiny",
        """
        [{"scope": "SCOPE", "port": "PROXY", "challenge": "Basic realm=\\"tests\\""},
         {"scope": "SCOPE", "port": "PROXY", "path": "/blobs/", "redirect": "\(there)"}]
        """)
      #expect(outcome.code == 0, "\(outcome.err)")
      let here = requests.filter { $0.port == "PROXY" }
      #expect(here.count { $0.authorization == "Basic" } >= 3)
      let elsewhere = requests.filter { $0.port == "PROXY_OTHER" }
      #expect(elsewhere.count >= 2)
      #expect(elsewhere.allSatisfy { $0.authorization == nil })
    }
  }

  @Test func `a challenge of the place that a redirect leads to is not answered`() throws {
    try RegistryCaller.with { us in
      try us.write(
        "docker", to: "config.json",
        content: """
          {"auths": {"\(Registry.proxy)": {"auth": "\(LoginTests.encoded(LoginTests.good))"},
           "\(Registry.proxyOther)": {"auth": "\(LoginTests.encoded(LoginTests.good))"}}}
          """)
      let (outcome, requests, _) = try Self.pull(
        us, "tiny",
        """
        [{"scope": "SCOPE", "port": "PROXY", "challenge": "Basic realm=\\"tests\\""},
         {"scope": "SCOPE", "port": "PROXY", "path": "/blobs/", "redirect": "http://ELSEWHERE"},
         {"scope": "SCOPE", "port": "PROXY_OTHER", "challenge": "Basic realm=\\"tests\\""}]
        """)
      #expect(outcome.code == 255)
      let elsewhere = requests.filter { $0.port == "PROXY_OTHER" }
      #expect(!elsewhere.isEmpty && elsewhere.allSatisfy { $0.authorization == nil })
    }
  }

  @Test func `a redirect from https to http needs the word of the user`() throws {
    try RegistryCaller.with { us in
      let trust = ["SSL_CERT_FILE": Registry.certificate("ca.crt")]
      let rules =
        #"{"scope": "SCOPE", "port": "PROXY_TLS", "path": "/blobs/", "redirect": "http://ELSEWHERE"}"#
      try Registry.withFaults(Self.rules(rules)) { scope in
        let image = "\(Registry.proxyTLS)/\(scope)/images/tiny"
        let refused = try us.pull(image, environment: trust)
        #expect(refused.code == 255)
        #expect(refused.err.contains("--no-https"), "\(refused.err)")
        #expect(try Registry.requests(in: scope).allSatisfy { $0.port == "PROXY_TLS" })
        let allowed = try us.pull(image, "--no-https")
        #expect(allowed.code == 0, "\(allowed.err)")
      }
    }
  }

  @Test func `redirects without an end are an error`() throws {
    try RegistryCaller.with { us in
      let (outcome, requests, _) = try Self.pull(
        us, "tiny", #"{"scope": "SCOPE", "path": "/blobs/", "redirect": "http://ELSEWHERE"}"#)
      #expect(outcome.code == 255)
      #expect(outcome.err.contains("sends us on more than 5 times"), "\(outcome.err)")
      #expect(requests.count < 40)
    }
  }

  @Test(arguments: [
    (false, "http://169.254.169.254/token", "inner network"),
    (false, "http://10.1.2.3/token", "inner network"),
    (true, "http://TOKEN/token", "plain http"),
  ])
  func `no token server is asked at a place that the registry has no business with`(
    overTLS: Bool, realm: String, said: String
  ) throws {
    try RegistryCaller.with { us in
      let there = realm.replacingOccurrences(of: "TOKEN", with: Registry.token)
      let rules = #"{"scope": "SCOPE", "challenge": "Bearer realm=\"REALM\",service=\"s\""}"#
        .replacingOccurrences(of: "REALM", with: there)
      try Registry.withFaults(rules) { scope in
        let outcome = try us.pull(
          "\(overTLS ? Registry.proxyTLS : Registry.proxy)/\(scope)/images/tiny",
          environment: ["SSL_CERT_FILE": Registry.certificate("ca.crt")])
        #expect(outcome.code == 255)
        #expect(outcome.err.contains(there) && outcome.err.contains(said), "\(outcome.err)")
        #expect(try Registry.requests(in: scope).count == 1)
        #expect(try Registry.requests(.token, about: scope).isEmpty)
      }
    }
  }
}
