import HTTP
import Testing

@testable import Registry

@Suite struct RealmPolicyTests {
  @Test(
    arguments: [
      ("https://r.org", "https://auth.r.org/token", nil), ("https://r.org", "https://r.org:8443/token", nil),
      ("https://r.org", "http://auth.r.org/token", "which speaks plain http"),
      ("http://r.org", "http://auth.r.org/token", nil),
      ("https://r.org", "https://169.254.169.254/", "which is an address of an inner network"),
      ("https://r.org", "https://2852039166/", "which is an address of an inner network"),
      ("https://r.org", "https://0xa9.254.0251.254/", "which is an address of an inner network"),
      ("https://r.org", "https://10.1.2.3/", "which is an address of an inner network"),
      ("https://r.org", "https://172.16.0.1/", "which is an address of an inner network"),
      ("https://r.org", "https://172.32.0.1/", nil),
      ("https://r.org", "https://192.168.0.1./", "which is an address of an inner network"),
      ("https://r.org", "https://[fe80::1]/", "which is an address of an inner network"),
      ("https://r.org", "https://[fd00::1]/", "which is an address of an inner network"),
      ("https://r.org", "https://[::ffff:10.0.0.1]/", "which is an address of an inner network"),
      ("https://r.org", "https://[2001:db8::1]/", nil), ("https://r.org", "https://8.8.8.8/", nil),
      ("https://r.org", "https://localhost/", "which is this machine"),
      ("https://r.org", "https://[::1]/", "which is this machine"),
      ("https://r.org", "https://127.1/", "which is this machine"),
      ("https://10.0.0.5", "https://10.0.0.5:5001/token", nil),
      ("https://10.0.0.5", "https://10.0.0.6/token", "which is an address of an inner network"),
      ("http://localhost:5000", "http://127.0.0.1:5001/token", nil),
    ] as [(String, String, String?)])
  func `credentials go to token servers that may have them`(registry: String, realm: String, why: String?)
    throws
  {
    let policy = RealmPolicy(registry: try #require(WebAddress(registry)), isInsecure: false)
    let realm = try #require(WebAddress(realm))
    #expect(policy.objection(to: realm) == why)
    #expect(RealmPolicy(registry: policy.registry, isInsecure: true).objection(to: realm) == nil)
  }
}
