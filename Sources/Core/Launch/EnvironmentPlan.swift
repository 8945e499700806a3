internal import Model
internal import Settings

/// The environment of the program, and what a shell must still do for it.
struct EnvironmentPlan: Equatable, Sendable {
  /// `NAME=value`, each name once.
  var variables: [String]
  /// Shell code that sources the image's scripts and then executes its arguments; nil where none is needed.
  var shellPrelude: String?
  var notices: [Notice]
}

/// Plans the environment: the image's scripts, over them what was injected, beneath both the host's variables.
///
/// Image scripts see neither the host's variables nor the injected ones. A host variable is handed on, never
/// evaluated, only where image and injection have not set its name.
func planEnvironment(
  _ request: LaunchRequest, host: HostFacts, image: ImageFacts, home: String?
) throws(LaunchFault) -> EnvironmentPlan {
  var notices: [Notice] = []
  let injected = try InjectedVariables(request, host, &notices)
  let fixed = fixedVariables(request, host, home: home)
  let homeValue = home ?? host.home ?? "/"
  var shell = ShellSubset([("HOME", homeValue), ("PATH", defaultPath)] + fixed.filter { $0.name.hasSuffix("_NAME") || $0.name.hasSuffix("_CONTAINER") })
  var needsShell = false
  for script in image.environmentScripts {
    do throws(ShellSubset.Stop) { try shell.run(script.text) } catch { needsShell = true }
  }
  if shell["PATH"]?.isEmpty ?? true { shell.set("PATH", defaultPath, export: true) }
  if script10Ran(image) { shell.set("PATH", pathWithStandardDirectories(shell["PATH"] ?? ""), export: true) }
  // Injected values are assigned one after another, each seeing those before.
  var literal: [(name: String, value: String)] = []
  for (name, value) in injected.variables {
    guard ShellSubset.isName(name) else {
      notices.append(Notice(.warning, "not setting \(printable(name)): that is no name for a variable"))
      continue
    }
    if request.noEvaluation {
      shell.set(name, value, export: true)
      literal.append((name, value))
    } else {
      do throws(ShellSubset.Stop) { shell.set(name, try shell.expand(value), export: true) } catch {
        needsShell = true
        shell.set(name, value, export: true)
      }
    }
  }
  applyPathOptions(injected, &shell)
  // The host's variables where nothing else set the name.
  let handedOn = hostVariables(request, host)
  var result: [String] = []
  var seen: Set<String> = []
  func put(_ name: String, _ value: String) {
    if seen.insert(name).inserted { result.append(name + "=" + value) }
  }
  let fixedNames = Set(fixed.map(\.name))
  for (name, value) in fixed { put(name, value) }
  put("HOME", homeValue)
  let libraries = shell["LD_LIBRARY_PATH"]
  put("LD_LIBRARY_PATH", libraryPath(libraries))
  let exported = shell.order.filter { shell.exported.contains($0) && !fixedNames.contains($0) }
  for name in exported { put(name, shell[name] ?? "") }
  if request.cleanEnvironment { put("LANG", "C") }
  put("PS1", "Apus> ")
  for (name, value) in handedOn { put(name, value) }
  guard needsShell else { return EnvironmentPlan(variables: result, shellPrelude: nil, notices: notices) }
  let prelude = shellPrelude(
    image.environmentScripts.map(\.name), injected: injected.variables, literal: request.noEvaluation,
    handedOn: handedOn, fixed: fixed)
  return EnvironmentPlan(variables: result, shellPrelude: prelude, notices: notices)
}

let defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

private func script10Ran(_ image: ImageFacts) -> Bool {
  image.environmentScripts.contains { $0.name.hasPrefix("10-docker") }
}

/// An image's PATH with the standard directories it lacks behind it.
private func pathWithStandardDirectories(_ path: String) -> String {
  let there = Set(path.split(separator: ":").map(String.init))
  let lacking = defaultPath.split(separator: ":").map(String.init).filter { !there.contains($0) }
  return ([path] + lacking).joined(separator: ":")
}

/// The directory that libraries of the host are bound into comes last.
private func libraryPath(_ value: String?) -> String {
  let own = "/.singularity.d/libs"
  guard let value, !value.isEmpty else { return own }
  return value.split(separator: ":").contains { $0 == own } ? value : value + ":" + own
}

private func applyPathOptions(_ injected: InjectedVariables, _ shell: inout ShellSubset) {
  if let path = injected.path { shell.set("PATH", path, export: true) }
  var path = shell["PATH"] ?? defaultPath
  if let before = injected.prependedPath { path = before + ":" + path }
  if let after = injected.appendedPath { path += ":" + after }
  shell.set("PATH", path, export: true)
}

/// What every container is told about itself, under our names and those that images test for.
private func fixedVariables(
  _ request: LaunchRequest, _ host: HostFacts, home: String?
) -> [(name: String, value: String)] {
  var variables: [(name: String, value: String)] = []
  let name = ContainerPath.lastComponent(request.imagePath)
  let binds = request.binds.joined(separator: ",")
  for prefix in Variables.prefixes {
    variables.append((prefix + "_CONTAINER", request.imagePath))
    variables.append((prefix + "_NAME", name))
    variables.append((prefix + "_ENVIRONMENT", "/.singularity.d/env/91-environment.sh"))
    variables.append((prefix + "_BIND", binds))
    if request.noEvaluation { variables.append((prefix + "_NO_EVAL", "1")) }
    if prefix != "SINGULARITY" { variables.append((prefix + "_COMMAND", request.action.rawValue)) }
  }
  if !request.cleanEnvironment, let path = host.variables["PATH"] {
    variables.append(("USER_PATH", path + ":/bin:/usr/bin:/sbin:/usr/sbin:/usr/local/bin:/usr/local/sbin"))
  }
  return variables
}

/// The host's variables that go in: all but those the runtime owns, or the few of `--cleanenv`.
private func hostVariables(_ request: LaunchRequest, _ host: HostFacts) -> [(name: String, value: String)] {
  let proxies: Set = ["http_proxy", "https_proxy", "no_proxy", "all_proxy", "ftp_proxy"]
  let dropped: Set = ["PATH", "LD_LIBRARY_PATH", "HOME", "PWD", "OLDPWD"]
  return host.variables.pairs.filter { name, _ in
    if request.cleanEnvironment { return name == "TERM" || proxies.contains(name.lowercased()) }
    return !dropped.contains(name)
      && !Variables.prefixes.contains { name.hasPrefix($0 + "_") || name.hasPrefix($0 + "ENV_") }
  }
}

/// Shell code for what the native evaluation cannot do. The host's variables come in under other names, so that the
/// image's scripts do not see them, and are put in place where nothing set them.
private func shellPrelude(
  _ scripts: [String], injected: [(name: String, value: String)], literal: Bool,
  handedOn: [(name: String, value: String)], fixed: [(name: String, value: String)]
) -> String {
  var lines: [String] = []
  for (name, _) in handedOn where ShellSubset.isName(name) {
    lines.append("_apus_host_\(name)=\"$\(name)\"; unset \(name)")
  }
  for script in scripts { lines.append(". /.singularity.d/env/\(quoted(script))") }
  for (name, value) in injected where ShellSubset.isName(name) {
    lines.append("export \(name)=\(literal ? quoted(value) : evaluated(value))")
  }
  lines.append("export LD_LIBRARY_PATH=\"${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}/.singularity.d/libs\"")
  for (name, _) in handedOn where ShellSubset.isName(name) {
    lines.append("[ -n \"${\(name)+x}\" ] || export \(name)=\"$_apus_host_\(name)\"; unset _apus_host_\(name)")
  }
  lines.append("exec \"$@\"")
  return lines.joined(separator: "\n")
}

/// A word that the shell takes literally.
func quoted(_ text: String) -> String {
  "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
}

/// A word that the shell evaluates once, as between double quotes, quotes in it being characters.
private func evaluated(_ text: String) -> String {
  "\"" + text.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\\\"") + "\""
}
