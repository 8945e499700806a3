internal import Glibc
internal import Linux
internal import Model
internal import Settings

/// Looks for what the network of a request needs; nil: it needs nothing of the host.
func surveyNetwork(
  _ request: LaunchRequest, _ settings: Settings, variables: Variables, resolver: [UInt8]?, isPrivileged: Bool
) -> NetworkFacts? {
  guard request.network, request.networkPath == nil, request.networks != ["none"] else { return nil }
  var facts = NetworkFacts()
  guard isPrivileged else {
    for tool in UserNetwork.Tool.allCases {
      facts.tools[tool.rawValue] = Process.find(tool.rawValue, variables["PATH"])
    }
    return facts
  }
  facts.folder = settings.networkFolder
  facts.pluginFolders = settings.networkPlugins
  if let folder = try? File.open(facts.folder, O_RDONLY | O_DIRECTORY),
    let names = try? File.names(in: folder)
  {
    for name in names.sorted() where NetworkList.isNamedAsOne(name) {
      guard let bytes = try? File.readAll(name, limit: 1 << 18, from: folder.number) else { continue }
      facts.files.append(NetworkFacts.File(path: facts.folder + "/" + name, bytes: bytes))
    }
  }
  for path in facts.pluginFolders {
    guard let folder = try? File.open(path, O_RDONLY | O_DIRECTORY), let names = try? File.names(in: folder)
    else { continue }
    for name in names where facts.plugins[name] == nil && Process.isProgram(path + "/" + name) {
      facts.plugins[name] = path + "/" + name
    }
  }
  if let resolver, ResolverFile(resolver).isOfHostAlone {
    facts.upstreamResolver = try? File.readAll("/run/systemd/resolve/resolv.conf", limit: 1 << 20)
  }
  return facts
}
