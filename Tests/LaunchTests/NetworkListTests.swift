import Model
import Testing

@testable import Launch

@Suite struct NetworkListTests {
  static let list = #"""
    {"cniVersion":"0.4.0","name":"net","plugins":[
      {"type":"bridge","name":"x","bridge":"b0","ipam":{"type":"host-local"}},
      {"type":"portmap","capabilities":{"portMappings":true}}]}
    """#

  static func facts(_ texts: [String] = [list], plugins: Lookup<String>? = nil) -> NetworkFacts {
    var facts = NetworkFacts()
    facts.folder = "/etc/apus/network"
    for (number, text) in texts.enumerated() {
      facts.files.append(
        NetworkFacts.File(path: "/etc/apus/network/\(number).conflist", bytes: Array(text.utf8)))
    }
    facts.pluginFolders = ["/usr/lib/cni", "/opt/cni/bin"]
    facts.plugins = plugins ?? ["bridge": "/usr/lib/cni/bridge", "portmap": "/opt/cni/bin/portmap"]
    return facts
  }

  @Test func `plugins get the list's name and version, and the ports where they can map them`() throws {
    var arguments = NetworkArguments()
    arguments.ports = [PortMapping(address: "192.0.2.1", host: 8080, container: 80)]
    arguments.pairs = ["IP=10.1.2.3"]
    let network = try planPlugins(["net"], [arguments], Self.facts())
    #expect(network.searchPath == "/usr/lib/cni:/opt/cni/bin")
    let attachment = try #require(network.attachments.first)
    #expect(attachment.interface == "eth0" && attachment.keepsResult)
    #expect(attachment.arguments == "IgnoreUnknown=1;IP=10.1.2.3")
    #expect(
      attachment.plugins.map { $0.configuration.text() } == [
        #"{"cniVersion":"0.4.0","name":"net","type":"bridge","bridge":"b0","ipam":{"type":"host-local"}}"#,
        #"{"cniVersion":"0.4.0","name":"net","type":"portmap","capabilities":{"portMappings":true},"#
          + #""runtimeConfig":{"portMappings":[{"hostPort":8080,"containerPort":80,"protocol":"tcp","hostIP":"192.0.2.1"}]}}"#,
      ])
  }

  @Test func `each network has an interface of its own`() throws {
    let single = #"{"cniVersion":"0.3.1","name":"one","type":"bridge"}"#
    let network = try planPlugins(
      ["one", "net"], [NetworkArguments(), NetworkArguments()], Self.facts(["{", single, Self.list]))
    #expect(network.attachments.map(\.interface) == ["eth0", "eth1"])
    #expect(network.attachments.map(\.keepsResult) == [false, true])
  }

  @Test func `what the site lacks is named`() {
    #expect(
      throws: NetworkFault.unknown(
        name: "x", folder: "/etc/apus/network", known: ["net"], damaged: "/etc/apus/network/0.conflist")
    ) { try planPlugins(["x"], [NetworkArguments()], Self.facts(["[]", Self.list])) }
    #expect(throws: NetworkFault.userModeOfRoot(name: "pasta")) {
      try planPlugins(["pasta"], [NetworkArguments()], Self.facts())
    }
    #expect(
      throws: NetworkFault.pluginMissing(
        type: "portmap", network: "net", folders: ["/usr/lib/cni", "/opt/cni/bin"])
    ) {
      try planPlugins(
        ["net"], [NetworkArguments()], Self.facts(plugins: ["bridge": "/usr/lib/cni/bridge"]))
    }
    var arguments = NetworkArguments()
    arguments.ports = [PortMapping(host: 1, container: 1)]
    #expect(throws: NetworkFault.mapsNoPorts(name: "one")) {
      try planPlugins(["one"], [arguments], Self.facts([#"{"name":"one","type":"bridge"}"#]))
    }
  }
}
