public import Launch
internal import Model
public import Settings

/// What is known of a step when its launch is planned.
public struct StepFacts: Equatable, Sendable {
  /// The path of the image as the container is told of it, absolute.
  public var imagePath: String
  public var arguments: [String]
  /// The environment of the step's first task.
  public var variables: Variables
  /// The directory the image names as the one to start in.
  public var imageDirectory: String?
  /// Where a named container keeps what its programs write; nil: it has no such place.
  public var layerDirectory: String?
  public var needs = StepNeeds()

  public init(
    imagePath: String, arguments: [String], variables: Variables, imageDirectory: String? = nil,
    layerDirectory: String? = nil, needs: StepNeeds = StepNeeds()
  ) {
    self.imagePath = imagePath
    self.arguments = arguments
    self.variables = variables
    self.imageDirectory = imageDirectory
    self.layerDirectory = layerDirectory
    self.needs = needs
  }
}

/// Variables of the host that describe its own languages: with Pyxis' habits images keep theirs.
private let languages = ["LANG", "LANGUAGE", "LC_ALL"]
/// Variables of which `--container-env=ALL` keeps the image's value: they name places of the image. Named themselves
/// they are the host's.
private let ofImage = [
  "PATH", "LD_LIBRARY_PATH", "HOME", "PWD", "OLDPWD", "SHELL", "SHLVL", "PS1", "_", "UID", "EUID", "GID",
  "PPID",
  "PREPEND_PATH", "APPEND_PATH", "PREPEND_LD_LIBRARY_PATH", "APPEND_LD_LIBRARY_PATH",
]

/// The request that a step's options mean.
public func makeLaunchRequest(_ options: StepOptions, site: SiteOptions, facts: StepFacts) -> LaunchRequest {
  var request = LaunchRequest(.exec, imagePath: facts.imagePath, arguments: facts.arguments)
  request.requestedMounts = site.binds + facts.needs.mounts + options.mounts
  request.ipc = options.unshared.ipc
  request.uts = options.unshared.uts
  request.network = options.unshared.network
  // A namespace and nothing in it: what would carry connections has no place in a step that no process of ours watches.
  if options.unshared.network { request.networks = ["none"] }
  if !options.showsHome {
    request.noHome = true
  } else if options.mapsToRoot, let home = facts.variables["HOME"], ContainerPath.isAbsolute(home),
    !home.utf8.contains(UInt8(ascii: ":"))
  {
    request.homeSpec = home + ":/root"
  }
  request.imageDirectory = facts.imageDirectory.flatMap {
    ContainerPath.isAbsolute($0) ? ContainerPath.normalized($0) : nil
  }
  switch options.workDirectory {
  case .path(let path): request.workingDirectory = path
  case .image: request.startsInImage = true
  case .unset: request.startsInImage = options.defaults == .pyxis
  }
  if options.isWritable {
    if let layer = facts.layerDirectory {
      request.overlays = [layer]
    } else {
      request.writableTemporary = true
    }
  }
  setVariables(of: &request, options, site, facts)
  return request
}

private func setVariables(
  of request: inout LaunchRequest, _ options: StepOptions, _ site: SiteOptions, _ facts: StepFacts
) {
  let choice = options.environment
  request.withheldVariables = site.deniedVariables
  if options.defaults == .pyxis, choice.base != .all {
    request.withheldVariables += languages.filter { name in
      !choice.kept.contains(name) && !choice.assigned.contains { $0.name == name }
    }
  }
  request.cleanEnvironment = choice.base == .none
  var literal: [(name: String, value: String)] = []
  func put(_ name: String, _ value: String) {
    literal.removeAll { $0.name == name }
    literal.append((name, value))
  }
  func isDenied(_ name: String) -> Bool { Variables.isNamed(name, by: site.deniedVariables) }
  if choice.base == .all {
    for (name, value) in facts.variables.pairs where EnvironmentChoice.isName(name) && !isDenied(name) {
      if ofImage.contains(name) || isOwned(name) || JobVariables.areLeftAlone(name) { continue }
      put(name, value)
    }
  }
  for entry in facts.needs.variables {
    guard let equals = entry.utf8.firstIndex(of: UInt8(ascii: "=")) else { continue }
    put(String(entry[..<equals]), String(entry[entry.utf8.index(after: equals)...]))
  }
  for name in choice.kept where !isDenied(name) {
    if let value = facts.variables[name] { put(name, value) }
  }
  for (name, value) in choice.assigned { put(name, value) }
  request.literalVariables = literal.map { $0.name + "=" + $0.value }
}

/// Variables through which the runtime itself is told things, and tells the container about it.
func isOwned(_ name: String) -> Bool {
  Variables.owned.contains { name.starts(withBytesOf: $0) }
}
