public import Model

/// Why the network that a request asks for cannot be had.
public enum NetworkFault: Error, Equatable, Sendable {
  /// `permission`: where apus.conf says that users may have it.
  case rootOnly(name: String, permission: String?)
  case noTool(named: UserNetwork.Tool?)
  case severalInUserMode
  case userModeOfRoot(name: String)
  case noneWithOthers
  case argumentsOfNone
  case pathWithOthers
  case argument(text: String, why: String)
  case port(option: String, text: String, why: String)
  /// `damaged`: a file among those of the site that describes no network.
  case unknown(name: String, folder: String, known: [String], damaged: String?)
  case pluginMissing(type: String, network: String, folders: [String])
  case mapsNoPorts(name: String)
}

extension NetworkFault: Explained {
  public var explanation: Explanation {
    switch self {
    case .rootOnly(let name, let permission):
      Explanation(
        what: "cannot use --network \(printable(name))",
        why: "connecting to a network of the site takes root, and nothing of apus is set-uid"
          + (permission.map { ", so that \(printable($0)) cannot let users do it" } ?? ""),
        remedy:
          "use --net for a network in user mode, --network none for loopback alone, or neither for the host's network"
      )
    case .noTool(let named):
      Explanation(
        what: named.map { "cannot use --network \($0.rawValue)" } ?? "cannot make a network (--net)",
        why: named.map { "\($0.rawValue) is not installed" }
          ?? "neither pasta nor slirp4netns is installed on this host",
        remedy:
          "ask the administrator for the package passt (pasta) or slirp4netns, or use --network none: loopback and"
          + " nothing else")
    case .severalInUserMode:
      Explanation(
        what: "cannot use several networks", why: "in user mode there is one",
        remedy: "name pasta, slirp4netns or none")
    case .userModeOfRoot(let name):
      Explanation(
        what: "cannot use --network \(name)", why: "networks in user mode are for ordinary users",
        remedy: "root has the networks of the site: --network bridge")
    case .noneWithOthers:
      Explanation(
        what: "cannot use these networks", why: "\"none\" stands beside others",
        remedy: "name none alone, or leave it out")
    case .argumentsOfNone:
      Explanation(
        what: "cannot use --network-args or --publish with --network none",
        why: "nothing leads into a network with loopback alone", remedy: "drop one of them")
    case .pathWithOthers:
      Explanation(
        what: "cannot use --netns-path with --network, --network-args or --publish",
        why: "a network namespace that is there already is used as it is", remedy: "drop one of them")
    case .argument(let text, let why):
      Explanation(
        what: "cannot use --network-args \(printable(text))", why: why,
        remedy: "write it as [NETWORK:]KEY=VALUE[;KEY=VALUE]: portmap=8080:80/tcp, IP=10.63.0.9")
    case .port(let option, let text, let why):
      Explanation(
        what: "cannot understand \(option)\(option.hasSuffix("=") ? "" : " ")\(printable(text))", why: why,
        remedy: option == "--publish"
          ? "write it as [ADDRESS:]PORT[:CONTAINER-PORT][/tcp|udp]: 8080:80"
          : "write it as PORT[:CONTAINER-PORT]/tcp or /udp: portmap=8080:80/tcp")
    case .unknown(let name, let folder, let known, let damaged):
      Explanation(
        what: "cannot use --network \(printable(name))",
        why: "no file in \(printable(folder)) describes a network of that name"
          + (damaged.map { " (\(printable($0)) describes none)" } ?? ""),
        remedy: known.isEmpty
          ? "describe it there, or use --network none"
          : "there are: \(known.map { printable($0) }.connected(by: ", ")), and none")
    case .pluginMissing(let type, let network, let folders):
      Explanation(
        what: "cannot use --network \(printable(network))",
        why:
          "its plugin \(printable(type)) is in none of \(folders.map { printable($0) }.connected(by: ", "))",
        remedy:
          "install the package containernetworking-plugins, or say in apus.conf where plugins are (cni plugin path)"
      )
    case .mapsNoPorts(let name):
      Explanation(
        what: "cannot map ports of --network \(printable(name))",
        why: "none of its plugins has the capability portMappings",
        remedy: "add the plugin portmap to its description, or leave the ports out")
    }
  }
}
