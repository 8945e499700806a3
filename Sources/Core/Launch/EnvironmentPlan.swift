internal import Model
internal import Settings

/// The environment of the program, and what a shell must still do for it.
struct EnvironmentPlan: Equatable, Sendable {
  /// `NAME=value`, each name once. Where a shell is needed: as far as it can be known without it.
  var variables: [String]
  /// What the image's shell has to do first; nil where nothing is left for it.
  var shell: ShellStub?
  var notices: [Notice]
  /// Where each variable got its value; empty unless asked for.
  var sources: Lookup<String> = [:]
}

let defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
/// Where libraries of the host are bound to.
let boundLibraries = "/.singularity.d/libs"

/// Plans the environment: the image's scripts, over them what was injected, beneath both the host's variables.
///
/// Image scripts see neither the host's variables nor the injected ones. A host variable is handed on, never
/// evaluated, only where image and injection have not set its name.
///
/// `tracing`: the plan says of each variable where it came from, for `explain`.
func planEnvironment(
  _ request: LaunchRequest, host: HostFacts, image: ImageFacts, home: String?, tracing: Bool = false
) throws(LaunchFault) -> EnvironmentPlan {
  var notices: [Notice] = []
  let injected = try InjectedVariables(request, host, isHomeShown: home != nil, &notices)
  var inside = ImageEnvironment(
    fixed: try fixedVariables(request, host, image),
    home: home ?? (image.hasHome ? homeInside(request, host: host) : nil) ?? "/",
    host: hostVariables(request, host), isTraced: tracing)
  for script in image.environmentScripts where script.name < ImageEnvironment.baseScript {
    inside.run(script)
    inside.attribute(to: "the image's \(printable(script.name))")
  }
  inside.appendBoundLibraries()
  inside.attribute(to: "where libraries of the host are bound to")
  for variable in injected.variables {
    inside.inject(variable, literally: request.noEvaluation, &notices)
    inside.attribute(to: printable(variable.source))
  }
  inside.applyPathOptions()
  inside.attribute(to: "injected PATH options")
  for script in image.environmentScripts where script.name > ImageEnvironment.baseScript {
    inside.run(script)
    inside.attribute(to: "the image's \(printable(script.name))")
  }
  var stub: ShellStub?
  if inside.needsShell {
    stub = ShellStub(
      scripts: image.environmentScripts.map(\.name), injected: injected.variables,
      isLiteral: request.noEvaluation, environment: inside)
  }
  var plan = EnvironmentPlan(variables: inside.result, shell: stub, notices: notices)
  if tracing {
    plan.sources = inside.sources
    // The one variable that --cleanenv adds.
    if request.cleanEnvironment, plan.sources["LANG"] == ImageEnvironment.hostSource {
      plan.sources["LANG"] = "--cleanenv"
    }
  }
  return plan
}

/// What every container is told about itself, under our names and those that images test for.
private func fixedVariables(
  _ request: LaunchRequest, _ host: HostFacts, _ image: ImageFacts
) throws(LaunchFault) -> [(name: String, value: String)] {
  var variables: [(name: String, value: String)] = []
  let name = ContainerPath.lastComponent(request.imagePath)
  var targets: [String] = []
  let current = host.currentDirectory ?? "/"
  for text in request.binds { targets += try BindGrammar.parse(bind: text, from: current).map(\.target) }
  for text in request.mounts { targets.append(try BindGrammar.parse(mount: text, from: current).target) }
  targets += request.requestedMounts.filter { $0.source != nil && !$0.isOfSite }.map(\.target)
  for prefix in Variables.prefixes {
    variables.append((prefix + "_CONTAINER", request.imagePath))
    variables.append((prefix + "_NAME", name))
    variables.append((prefix + "_ENVIRONMENT", "/.singularity.d/env/91-environment.sh"))
    variables.append((prefix + "_BIND", targets.connected(by: ",")))
    if request.noEvaluation { variables.append((prefix + "_NO_EVAL", "1")) }
    if let instance = request.instance { variables.append((prefix + "_INSTANCE", instance)) }
    // Apptainer sets its own also to nothing, and scripts may count on it.
    if let app = request.app ?? (prefix == "APPTAINER" ? "" : nil) {
      variables.append((prefix + "_APPNAME", app))
    }
    if prefix != "SINGULARITY" {
      variables.append((prefix + "_COMMAND", request.action.rawValue))
      if request.action == .shell, let shell = request.shellPath {
        variables.append((prefix + "_SHELL", shell))
      }
    }
  }
  if !request.cleanEnvironment, let path = host.variables["PATH"] {
    variables.append(("USER_PATH", path + ":/bin:/usr/bin:/sbin:/usr/sbin:/usr/local/bin:/usr/local/sbin"))
  }
  if request.action == .shell, let shell = planShell(request, image).first {
    variables.append(("SHELL", shell))
  }
  return variables
}

/// The host's variables that go in: all but those the runtime owns, or the few of `--cleanenv`.
///
/// Names that no shell can hold stay outside: they are functions that bash exports, and call programs of the host.
private func hostVariables(_ request: LaunchRequest, _ host: HostFacts) -> [HostVariable] {
  let proxies = ["http_proxy", "https_proxy", "no_proxy", "all_proxy", "ftp_proxy"]
  let dropped = [
    "PATH", "PS1", "LD_LIBRARY_PATH", "HOME", "PWD", "OLDPWD", "_", "UID", "EUID", "GID", "PPID",
  ]
  var variables = host.variables.all.compactMap(HostVariable.init).filter { variable in
    let name = variable.name
    if Variables.isNamed(name, by: request.withheldVariables) { return false }
    if request.cleanEnvironment { return name == "TERM" || proxies.contains(name.lowercased()) }
    return ShellSubset.isName(name) && !dropped.contains(name)
      && !Variables.owned.contains { name.starts(withBytesOf: $0) }
  }
  if request.cleanEnvironment, let language = HostVariable("LANG=C") { variables.append(language) }
  return variables
}

/// A variable of the host on its way into the container, which mostly stays in one piece.
struct HostVariable: Equatable, Sendable {
  let name: String
  /// `NAME=value`
  let entry: String

  /// nil: without an equals sign.
  init?(_ entry: String) {
    guard let equals = entry.utf8.firstIndex(of: UInt8(ascii: "=")) else { return nil }
    name = String(entry[..<equals])
    self.entry = entry
  }

  var value: String { String(entry.utf8.dropFirst(name.utf8.count + 1)) ?? "" }
}
