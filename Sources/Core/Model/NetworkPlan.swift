/// How the network of a container comes to be, where it is neither the host's nor loopback alone.
public enum NetworkPlan: Equatable, Sendable {
  /// A network namespace that somebody else has made.
  case joined(path: String)
  /// One of its own. A program that runs beside the container, with the user's rights, carries its connections.
  case userMode(UserNetwork)
  /// One of its own, which plugins of the host connect (CNI).
  case plugins(PluginNetwork)
}

/// A network in user mode.
public struct UserNetwork: Equatable, Sendable {
  public enum Tool: String, Equatable, Sendable, CaseIterable { case pasta, slirp4netns }

  public var tool: Tool
  /// Path of the tool on the host.
  public var program: String
  public var ports: [PortMapping]
  /// Whether a name server of the tool's own stands in for one of the host that is out of reach from inside.
  public var forwardsNames: Bool

  public init(_ tool: Tool, program: String, ports: [PortMapping] = [], forwardsNames: Bool = false) {
    self.tool = tool
    self.program = program
    self.ports = ports
    self.forwardsNames = forwardsNames
  }
}

/// A port of the host that leads to one of the container.
public struct PortMapping: Equatable, Sendable {
  public enum Transport: String, Equatable, Sendable { case tcp, udp }

  /// The address of the host that listens; nil: all of them.
  public var address: String?
  public var host: UInt16
  public var container: UInt16
  public var transport: Transport

  public init(address: String? = nil, host: UInt16, container: UInt16, _ transport: Transport = .tcp) {
    self.address = address
    self.host = host
    self.container = container
    self.transport = transport
  }

  public var text: String {
    (address.map { $0 + ":" } ?? "") + "\(host):\(container)/\(transport.rawValue)"
  }
}

/// Networks of the site that plugins connect, in their order.
public struct PluginNetwork: Equatable, Sendable {
  public var attachments: [NetworkAttachment]
  /// Where plugins look for the plugins they call: directories separated by colons (CNI_PATH).
  public var searchPath: String

  public init(attachments: [NetworkAttachment], searchPath: String) {
    self.attachments = attachments
    self.searchPath = searchPath
  }
}

/// One network a container is connected to, by one interface.
public struct NetworkAttachment: Equatable, Sendable {
  public let name: String
  /// The name of the interface inside.
  public let interface: String
  /// `KEY=VALUE` separated by semicolons (CNI_ARGS).
  public let arguments: String
  /// Whether the version of CNI that the site's file names hands results on to the removal (0.4.0).
  public let keepsResult: Bool
  public let ports: [PortMapping]
  public let plugins: [NetworkPlugin]

  public init(
    name: String, interface: String, arguments: String, keepsResult: Bool, ports: [PortMapping],
    plugins: [NetworkPlugin]
  ) {
    self.name = name
    self.interface = interface
    self.arguments = arguments
    self.keepsResult = keepsResult
    self.ports = ports
    self.plugins = plugins
  }
}

/// A plugin with the configuration it is given; what the plugins before it have answered is added when they have.
public struct NetworkPlugin: Equatable, Sendable {
  public let type: String
  /// Path on the host.
  public let program: String
  public let configuration: JSON

  public init(type: String, program: String, configuration: JSON) {
    self.type = type
    self.program = program
    self.configuration = configuration
  }
}
