internal import Model
internal import Settings

/// Which network a request means.
enum NetworkChoice: Equatable {
  case host
  /// One of its own, with nothing in it but a loopback device.
  case loopback
  case joined(path: String)
  case userMode(UserNetwork.Tool, program: String)
  /// Networks of the site, by their names.
  case plugins([String])

  init(_ request: LaunchRequest, _ settings: Settings, _ host: HostFacts) throws(NetworkFault) {
    let hasArguments = !request.networkArguments.isEmpty || !request.publishedPorts.isEmpty
    if let path = request.networkPath {
      guard request.networks.isEmpty, !hasArguments else { throw .pathWithOthers }
      self = .joined(path: ContainerPath.normalized(path, from: host.currentDirectory ?? "/"))
    } else if !request.network {
      self = .host
    } else if request.networks.contains("none") {
      guard request.networks == ["none"] else { throw .noneWithOthers }
      guard !hasArguments else { throw .argumentsOfNone }
      self = .loopback
    } else if host.isPrivileged {
      self = .plugins(request.networks.isEmpty ? ["bridge"] : request.networks)
    } else {
      self = try Self.userMode(request.networks, settings, host.network ?? NetworkFacts())
    }
  }

  /// For ordinary users: by the program that is named, else by the first that is installed.
  private static func userMode(
    _ names: [String], _ settings: Settings, _ facts: NetworkFacts
  ) throws(NetworkFault) -> NetworkChoice {
    let others = names.filter { $0 != "user" && UserNetwork.Tool(rawValue: $0) == nil }
    if let name = others.first {
      throw .rootOnly(name: name, permission: settings.networkPermission)
    }
    guard names.count <= 1 else { throw .severalInUserMode }
    let named = names.first.flatMap { UserNetwork.Tool(rawValue: $0) }
    for tool in named.map({ [$0] }) ?? UserNetwork.Tool.allCases {
      if let program = facts.tools[tool.rawValue] { return .userMode(tool, program: program) }
    }
    throw .noTool(named: named)
  }
}

/// What `--net`, `--network`, `--network-args`, `--publish` and `--netns-path` mean.
func planNetwork(
  _ request: LaunchRequest, _ settings: Settings, _ host: HostFacts, notices: inout [Notice]
) throws(NetworkFault) -> (step: NamespaceStep?, plan: NetworkPlan?) {
  let option = request.networks.isEmpty ? "--net" : "--network " + request.networks.connected(by: ",")
  switch try NetworkChoice(request, settings, host) {
  case .host:
    if !request.networkArguments.isEmpty {
      notices.append(
        Notice(.warning, "ignoring --network-args: the container has the network of the host (see --net)"))
    }
    return (nil, nil)
  case .loopback: return (NamespaceStep(.network, reason: option), nil)
  case .joined(let path): return (nil, .joined(path: path))
  case .userMode(let tool, let program):
    let arguments = try NetworkArguments.parse(request, networks: [request.networks.first ?? tool.rawValue])
    if let pair = arguments[0].pairs.first ?? arguments[0].ranges.first.map({ "ipRange=" + $0 }) {
      throw .argument(text: pair, why: "a network in user mode has its address from \(tool.rawValue)")
    }
    let network = UserNetwork(
      tool, program: program, ports: arguments[0].ports,
      forwardsNames: ResolverFile(host.resolverConfiguration ?? []).needsStandIn)
    return (NamespaceStep(.network, reason: option), .userMode(network))
  case .plugins(let names):
    let arguments = try NetworkArguments.parse(request, networks: names)
    let network = try planPlugins(names, arguments, host.network ?? NetworkFacts())
    return (NamespaceStep(.network, reason: option), .plugins(network))
  }
}
