public import Model

/// What the programs of networks in user mode are told.
extension UserNetwork {
  /// The address of the name server that the tool puts in place of the host's: for pasta one of the link, which is
  /// nobody's else, for slirp4netns its own.
  public var nameServer: String {
    switch tool {
    case .pasta: "169.254.1.1"
    case .slirp4netns: "10.0.2.3"
    }
  }

  /// The words after the tool's name. `namespace`: path of the network namespace. slirp4netns says by `ready` that all
  /// stands, and takes its ports at the socket `control`; pasta goes to the background then, and has them from here.
  public func arguments(namespace: String, control: String, ready: Int32) -> [String] {
    switch tool {
    case .pasta:
      var words = ["--config-net", "--quiet", "--netns", namespace]
      for (option, transport) in [("-t", PortMapping.Transport.tcp), ("-u", .udp)] {
        let ports = ports.filter { $0.transport == transport }
        for port in ports {
          words += [option, (port.address.map { $0 + "/" } ?? "") + "\(port.host):\(port.container)"]
        }
        if ports.isEmpty { words += [option, "none"] }
      }
      // Without these every port that listens on the host's loopback would be listening on the container's.
      words += ["-T", "none", "-U", "none"]
      return words + (forwardsNames ? ["--dns-forward", nameServer] : [])
    case .slirp4netns:
      return ["--configure", "--mtu=65520", "--enable-sandbox", "--ready-fd=\(ready)"]
        + (ports.isEmpty ? [] : ["--api-socket=" + control]) + ["--netns-type=path", namespace, "tap0"]
    }
  }

  /// What slirp4netns is asked for a port.
  public static func request(_ port: PortMapping) -> JSON {
    .object([
      ("execute", .string("add_hostfwd")),
      (
        "arguments",
        .object([
          ("proto", .string(port.transport.rawValue)), ("host_addr", .string(port.address ?? "0.0.0.0")),
          ("host_port", .integer(Int(port.host))), ("guest_port", .integer(Int(port.container))),
        ])
      ),
    ])
  }
}
