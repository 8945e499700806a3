import Model
import Settings
import Testing

@testable import Launch

@Suite struct NetworkChoiceTests {
  /// A host with both tools.
  static func host(_ tools: Lookup<String> = ["pasta": "/usr/bin/pasta", "slirp4netns": "/opt/slirp4netns"])
    -> HostFacts
  {
    var host = Facts.node()
    host.network = NetworkFacts()
    host.network?.tools = tools
    return host
  }

  static func choice(
    _ host: HostFacts = host(), _ change: (inout LaunchRequest) -> Void
  ) throws(NetworkFault) -> NetworkChoice {
    var request = Facts.request(change: change)
    request.expand(containAll: false, compat: false)
    return try NetworkChoice(request, Settings(), host)
  }

  @Test func `none is loopback, and nothing said the host's network`() throws {
    let named = try Facts.plan {
      $0.networks = ["none"]
      $0.expand(containAll: false, compat: false)
    }
    #expect(named.namespaces == [NamespaceStep(.network, reason: "--network none")])
    #expect(named.network == nil)
    let plain = try Facts.plan { _ in }
    #expect(plain.namespaces.isEmpty && plain.network == nil)
  }

  @Test func `pasta comes first, unless slirp4netns is named or alone`() throws {
    #expect(try Self.choice { $0.network = true } == .userMode(.pasta, program: "/usr/bin/pasta"))
    #expect(try Self.choice { $0.networks = ["user"] } == .userMode(.pasta, program: "/usr/bin/pasta"))
    let other = NetworkChoice.userMode(.slirp4netns, program: "/opt/slirp4netns")
    #expect(try Self.choice { $0.networks = ["slirp4netns"] } == other)
    #expect(try Self.choice(Self.host(["slirp4netns": "/opt/slirp4netns"])) { $0.network = true } == other)
    #expect(throws: NetworkFault.noTool(named: nil)) { try Self.choice(Self.host([:])) { $0.network = true } }
    #expect(throws: NetworkFault.noTool(named: .pasta)) {
      try Self.choice(Self.host(["slirp4netns": "/x"])) { $0.networks = ["pasta"] }
    }
  }

  @Test func `networks of the site are root's`() throws {
    #expect(throws: NetworkFault.rootOnly(name: "bridge", permission: nil)) {
      try Self.choice { $0.networks = ["pasta", "bridge"] }
    }
    #expect(throws: NetworkFault.severalInUserMode) {
      try Self.choice { $0.networks = ["pasta", "slirp4netns"] }
    }
    var root = Self.host()
    root.isPrivileged = true
    #expect(try Self.choice(root) { $0.network = true } == .plugins(["bridge"]))
    #expect(try Self.choice(root) { $0.networks = ["ptp", "x"] } == .plugins(["ptp", "x"]))
  }

  @Test func `what cannot go together is refused`() throws {
    #expect(throws: NetworkFault.noneWithOthers) { try Self.choice { $0.networks = ["none", "pasta"] } }
    #expect(throws: NetworkFault.argumentsOfNone) {
      try Self.choice {
        $0.networks = ["none"]
        $0.publishedPorts = ["80"]
      }
    }
    #expect(throws: NetworkFault.pathWithOthers) {
      try Self.choice {
        $0.networkPath = "/run/netns/x"
        $0.networks = ["none"]
      }
    }
    let joined = try Self.choice {
      $0.networkPath = "x"
      $0.network = true
    }
    #expect(joined == .joined(path: "/home/ann/x"))
  }

  @Test func `a published port implies a network, and its arguments without one are ignored aloud`() throws {
    let plan = try Facts.plan(host: Self.host()) {
      $0.publishedPorts = ["8080:80"]
      $0.networkArguments = ["portmap=53:5353/udp"]
      $0.expand(containAll: false, compat: false)
    }
    let ports = [PortMapping(host: 53, container: 5353, .udp), PortMapping(host: 8080, container: 80)]
    #expect(plan.network == .userMode(UserNetwork(.pasta, program: "/usr/bin/pasta", ports: ports)))
    let other = try Facts.plan { $0.networkArguments = ["portmap=53:5353/udp"] }
    #expect(other.network == nil && other.notices.contains { $0.text.contains("ignoring --network-args") })
  }

  @Test func `a name server that only the host reaches has a stand-in`() throws {
    var host = Self.host()
    host.resolverConfiguration = Array("search x.org\nnameserver 127.0.0.53\nnameserver ::1\n".utf8)
    let plan = try Facts.plan(host: host) { $0.network = true }
    guard case .userMode(let network)? = plan.network else {
      Issue.record("\(String(describing: plan.network))")
      return
    }
    #expect(network.forwardsNames)
    let written = plan.steps.compactMap { step -> String? in
      guard case .generatedFile("/etc/resolv.conf", let bytes, _) = step.step else { return nil }
      return String(decoding: bytes, as: UTF8.self)
    }
    #expect(written == ["search x.org\nnameserver 169.254.1.1\n"])
    let reachable = Array("nameserver 10.0.0.1\n".utf8)
    #expect(!ResolverFile(reachable).needsStandIn)
    #expect(ResolverFile(reachable).replaced(by: "x") == reachable)
    #expect(ResolverFile(Array("nameserver\tFE80::1%eth0\n".utf8)).isOfHostAlone)
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
