import Model
import Testing

@testable import Launch

@Suite struct NetworkChoiceTests {
  @Test func `none is a network of its own, with or without its name`() throws {
    #expect(try Facts.plan { $0.network = true }.namespaces.map(\.kind) == [.network])
    let named = try Facts.plan {
      $0.networks = ["none"]
      $0.expand(containAll: false, compat: false)
    }
    #expect(named.namespaces == [NamespaceStep(.network, reason: "--network none")])
    #expect(try Facts.plan { _ in }.namespaces.isEmpty)
  }

  @Test(arguments: ["bridge", "None", "ptp", "none,x"]) func `refuses any other network`(name: String) {
    #expect(throws: LaunchFault.isolation(.network(name: name))) {
      try Facts.plan { $0.networks = ["none", name] }
    }
    #expect(throws: LaunchFault.isolation(.networkArguments)) {
      try Facts.plan { $0.networkArguments = [name] }
    }
  }

  @Test func `addresses become lines of resolv.conf`() throws {
    let bytes = try resolverConfiguration(["192.0.2.1", "::1", "fe80::1%eth0"])
    #expect(
      String(decoding: bytes, as: UTF8.self)
        == "nameserver 192.0.2.1\nnameserver ::1\nnameserver fe80::1%eth0\n")
  }

  @Test(arguments: [
    "", "192.0.2", "192.0.2.256", "example.org", "192.0.2.1 x", "192.0.2.1\nsearch x", "fe80::1%",
    "fe80::1%a b",
    "192.0.2.1%eth0", "fe80::1%a%b",
  ]) func `refuses what is no address`(text: String) {
    #expect(throws: IsolationFault.nameServer(text: text)) { try resolverConfiguration([text]) }
  }
}
