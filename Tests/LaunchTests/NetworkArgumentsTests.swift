import Model
import Testing

@testable import Launch

@Suite struct NetworkArgumentsTests {
  static func parse(_ arguments: [String], published: [String] = [], networks: [String] = ["bridge", "ptp"])
    throws(NetworkFault) -> [NetworkArguments]
  {
    let request = Facts.request {
      $0.networkArguments = arguments
      $0.publishedPorts = published
    }
    return try NetworkArguments.parse(request, networks: networks)
  }

  @Test func `arguments go to the network they name, else to the first`() throws {
    let all = try Self.parse(
      ["portmap=8080:80/tcp;IP=10.1.2.3", "ptp:portmap=53/udp", "IP=fd00::3", "ptp:ipRange=10.9.0.0/24"],
      published: ["9000"])
    #expect(
      all[0].ports == [PortMapping(host: 8080, container: 80), PortMapping(host: 9000, container: 9000)])
    #expect(all[0].pairs == ["IP=10.1.2.3", "IP=fd00::3"])
    #expect(all[1].ports == [PortMapping(host: 53, container: 53, .udp)] && all[1].ranges == ["10.9.0.0/24"])
  }

  @Test(arguments: ["other:IP=1", "IP", "=x", "a\u{1}=b"]) func `refuses what is no argument`(text: String) {
    #expect(throws: NetworkFault.self) { try Self.parse([text]) }
  }

  @Test(
    arguments: [
      ("80", PortMapping(host: 80, container: 80)), ("8080:80", PortMapping(host: 8080, container: 80)),
      ("8080:80/udp", PortMapping(host: 8080, container: 80, .udp)),
      ("127.0.0.1:8080:80", PortMapping(address: "127.0.0.1", host: 8080, container: 80)),
      ("[::1]:8080:80/tcp", PortMapping(address: "::1", host: 8080, container: 80)),
    ] as [(String, PortMapping)])
  func `a published port is written as Docker has it`(text: String, mapping: PortMapping) throws {
    #expect(try PortGrammar.parse(published: text) == mapping)
  }

  @Test(arguments: [
    "", "x", "0", "65536", "+80", "80:", ":80", "1:2:3:4", "x:8080:80", "80/sctp", "80/tcp/tcp", "[::1:80",
    "[::1]80", "8000-8010:80", "localhost:1:2",
  ]) func `refuses what is no port`(text: String) {
    #expect(throws: NetworkFault.self) { try PortGrammar.parse(published: text) }
    #expect(throws: NetworkFault.self) { try PortGrammar.parse(mapped: text) }
  }

  @Test func `a mapped port names its protocol`() throws {
    #expect(try PortGrammar.parse(mapped: "8080:80/tcp") == PortMapping(host: 8080, container: 80))
    #expect(throws: NetworkFault.self) { try PortGrammar.parse(mapped: "8080:80") }
  }

  @Test func `the tools are told of ports each in its own way`() {
    let ports = [
      PortMapping(address: "127.0.0.1", host: 8080, container: 80),
      PortMapping(host: 53, container: 53, .udp),
    ]
    let pasta = UserNetwork(.pasta, program: "/usr/bin/pasta", ports: ports, forwardsNames: true)
    #expect(
      pasta.arguments(namespace: "/n", control: "/c", ready: 7) == [
        "--config-net", "--quiet", "--netns", "/n", "-t", "127.0.0.1/8080:80", "-u", "53:53", "-T", "none",
        "-U", "none", "--dns-forward", "169.254.1.1",
      ])
    let slirp = UserNetwork(.slirp4netns, program: "/usr/bin/slirp4netns", ports: ports)
    #expect(
      slirp.arguments(namespace: "/n", control: "/c", ready: 7) == [
        "--configure", "--mtu=65520", "--enable-sandbox", "--ready-fd=7", "--api-socket=/c",
        "--netns-type=path", "/n", "tap0",
      ])
    #expect(
      UserNetwork.request(ports[0]).text()
        == #"{"execute":"add_hostfwd","arguments":{"proto":"tcp","host_addr":"127.0.0.1","host_port":8080,"guest_port":80}}"#
    )
  }
}
