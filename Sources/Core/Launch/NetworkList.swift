internal import Model

/// A network of the site: a list of plugins, in the form of the Container Network Interface (CNI specification 1.0,
/// section 1). A file may also hold a single plugin, as older ones do.
struct NetworkList {
  let name: String
  let version: String
  let plugins: [JSON]

  /// nil: the file describes no network.
  init?(_ bytes: [UInt8]) {
    guard let json = try? JSON(parsing: bytes), let name = json["name"]?.text, !name.isEmpty else {
      return nil
    }
    self.name = name
    version = json["cniVersion"]?.text ?? "0.2.0"
    if case .array(let plugins)? = json["plugins"] {
      self.plugins = plugins
    } else if json["type"] != nil {
      plugins = [json]
    } else {
      return nil
    }
  }

  /// Results are handed to the removal since version 0.4.0.
  var keepsResult: Bool { !["0.1", "0.2", "0.3"].contains { version.starts(withBytesOf: $0 + ".") } }

  static func isNamedAsOne(_ file: String) -> Bool {
    [".conflist", ".conf", ".json"].contains { file.utf8.reversed().starts(with: $0.utf8.reversed()) }
  }
}

/// The networks that are named, with the plugins that connect them.
func planPlugins(
  _ names: [String], _ arguments: [NetworkArguments], _ facts: NetworkFacts
) throws(NetworkFault) -> PluginNetwork {
  let lists = facts.files.map { ($0.path, NetworkList($0.bytes)) }
  var attachments: [NetworkAttachment] = []
  for (number, name) in names.enumerated() {
    guard let list = lists.compactMap(\.1).first(where: { $0.name == name }) else {
      if UserNetwork.Tool(rawValue: name) != nil || name == "user" { throw .userModeOfRoot(name: name) }
      throw .unknown(
        name: name, folder: facts.folder, known: lists.compactMap { $0.1?.name },
        damaged: lists.first { $0.1 == nil }?.0)
    }
    attachments.append(
      try attachment(list, interface: "eth\(number)", arguments[number], facts))
  }
  return PluginNetwork(attachments: attachments, searchPath: facts.pluginFolders.connected(by: ":"))
}

private func attachment(
  _ list: NetworkList, interface: String, _ arguments: NetworkArguments, _ facts: NetworkFacts
) throws(NetworkFault) -> NetworkAttachment {
  var plugins: [NetworkPlugin] = []
  var mapsPorts = false
  for plugin in list.plugins {
    guard let type = plugin["type"]?.text, let program = facts.plugins[type] else {
      throw .pluginMissing(
        type: plugin["type"]?.text ?? "without a type", network: list.name, folders: facts.pluginFolders)
    }
    var runtime: [(String, JSON)] = []
    if plugin["capabilities"]?["portMappings"] == .bool(true), !arguments.ports.isEmpty {
      mapsPorts = true
      runtime.append(("portMappings", .array(arguments.ports.map(\.json))))
    }
    if plugin["capabilities"]?["ipRanges"] == .bool(true), !arguments.ranges.isEmpty {
      let sets = arguments.ranges.map { JSON.array([.object([("subnet", .string($0))])]) }
      runtime.append(("ipRanges", .array(sets)))
    }
    let own = plugin.members.filter { $0.0 != "name" && $0.0 != "cniVersion" }
    let configuration = JSON.object(
      [("cniVersion", .string(list.version)), ("name", .string(list.name))] + own
        + (runtime.isEmpty ? [] : [("runtimeConfig", .object(runtime))]))
    plugins.append(NetworkPlugin(type: type, program: program, configuration: configuration))
  }
  guard mapsPorts || arguments.ports.isEmpty else { throw .mapsNoPorts(name: list.name) }
  return NetworkAttachment(
    name: list.name, interface: interface,
    arguments: (["IgnoreUnknown=1"] + arguments.pairs).connected(by: ";"), keepsResult: list.keepsResult,
    ports: arguments.ports, plugins: plugins)
}

extension PortMapping {
  fileprivate var json: JSON {
    .object(
      [
        ("hostPort", .integer(Int(host))), ("containerPort", .integer(Int(container))),
        ("protocol", .string(transport.rawValue)),
      ] + (address.map { [("hostIP", .string($0))] } ?? []))
  }
}
