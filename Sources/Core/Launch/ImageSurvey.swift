internal import Glibc
internal import Linux
internal import Model
public import Settings

/// Looks at the image through its mount for what a request needs. `root` is the image's top directory.
public func surveyImage(
  _ request: LaunchRequest, settings: Settings, host: HostFacts, root: Int32, isSandbox: Bool
) throws(LaunchFault) -> ImageFacts {
  var facts = ImageFacts(isSandbox: isSandbox)
  let planned = try WantedMounts(request, settings, host)
  let wanted = planned.mounts
  var covered: [String] = []
  for mount in wanted {
    if !covered.contains(where: { ContainerPath.isBelow(mount.target, $0) }) {
      facts.targets[mount.target] = target(mount.target, root)
    }
    if mount.isDirectory { covered.append(mount.target) }
  }
  // Asked of the kernel only where the answer counts: not for mount points in empty directories (RootChoice).
  let needsMore = facts.targets.values.contains {
    if case .missing(_, _, let isEmpty) = $0 { !isEmpty } else { false }
  }
  if needsMore { facts.hasOverlay = Mount.isAvailable("overlay") }
  if planned.home == nil, let home = homeInside(request, host: host) {
    facts.hasHome = wanted.contains { shows(home, $0) } || !programs([home], root).isEmpty
  }
  facts.environmentScripts = environmentScripts(root, app: request.app)
  if settings.writesPasswd { facts.passwd = text("/etc/passwd", root) }
  if settings.writesGroup { facts.group = text("/etc/group", root) }
  switch request.action {
  case .exec: break
  case .run:
    if let descriptor = try? BeneathRoot.open("/.singularity.d/runscript", O_RDONLY, root: root),
      let found = try? File.facts(descriptor)
    {
      facts.runScriptIsExecutable = found.mode & 0o111 != 0
      facts.runScript =
        (try? File.readAll(descriptor, limit: 1 << 20)).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }
    facts.programs = programs(["/bin/sh", "/singularity"], root)
  case .shell:
    facts.programs = programs(["/bin/bash", "/bin/sh", request.shellPath].compactMap(\.self), root)
  case .start: facts.programs = programs([startScript, "/bin/sh"], root)
  case .test: facts.programs = programs(["/.singularity.d/test", "/bin/sh"], root)
  }
  if request.action == .exec, !facts.environmentScripts.isEmpty || host.injects(request) {
    facts.programs = programs(["/bin/sh"], root)
  }
  if let app = request.app, ImageApp.isName(app) {
    facts.programs += programs(
      [
        ImageApp.folder(app), ImageApp.runScript(app), ImageApp.test(app), ImageApp.startScript(app),
      ], root)
  }
  return facts
}

/// Whether a mount brings the directory along: beneath it, or as a part of the host at its own place.
private func shows(_ directory: String, _ mount: WantedMount) -> Bool {
  if ContainerPath.isBelow(mount.target, directory) { return true }
  guard case .bind(let source, _, _) = mount.content else { return false }
  return source == mount.target && ContainerPath.isBelow(directory, mount.target)
}

/// Scripts whose meaning is the same in every image that Apptainer, SingularityCE or Apus makes: it is built in.
let fixedScripts = ["01-base.sh", ImageApp.environmentScript, "99-base.sh", "99-runtimevars.sh"]

private func environmentScripts(_ root: Int32, app: String?) -> [(name: String, text: String)] {
  guard let directory = try? BeneathRoot.open("/.singularity.d/env", O_RDONLY | O_DIRECTORY, root: root),
    let names = try? File.names(in: directory)
  else {
    // Images older than that folder have one script at the top.
    return text("/environment", root).map { [(ImageEnvironment.oldScript, $0)] } ?? []
  }
  var scripts: [(name: String, text: String)] = []
  for name in names.filter({ $0.hasSuffix(".sh") && !fixedScripts.contains($0) }).sorted() {
    if let text = text("/.singularity.d/env/" + name, root) { scripts.append((name, text)) }
  }
  if let app, ImageApp.isName(app) {
    let folder = ImageApp.folder(app)
    let own = ["01-base.sh", "90-environment.sh"].compactMap { text("\(folder)/scif/env/\($0)", root) }
    let found = programs([folder + "/bin", folder + "/lib"], root)
    let script = ImageApp.script(
      app, hasPrograms: found.contains(folder + "/bin"), hasLibraries: found.contains(folder + "/lib"),
      environment: own)
    let place = scripts.firstIndex { $0.name > ImageApp.environmentScript } ?? scripts.endIndex
    scripts.insert((ImageApp.environmentScript, script), at: place)
  }
  return scripts
}

private func programs(_ paths: [String], _ root: Int32) -> [String] {
  paths.filter { path in (try? BeneathRoot.open(path, O_PATH, root: root)) != nil }
}

private func text(_ path: String, _ root: Int32) -> String? {
  guard let file = try? BeneathRoot.open(path, O_RDONLY | O_NONBLOCK, root: root),
    (try? File.facts(file))?.kind == .file, let bytes = try? File.readAll(file, limit: 16 << 20)
  else { return nil }
  return HostText.decode(bytes)
}

/// What the image has at a path, links followed inside it.
private func target(_ path: String, _ root: Int32) -> ImageFacts.Target {
  if let found = try? BeneathRoot.open(path, O_PATH, root: root), let facts = try? File.facts(found) {
    return facts.kind == .directory ? .directory : .other
  }
  return missing(path, root)
}

/// Walks as far as the image goes. Links are resolved as text, beneath the root.
private func missing(_ path: String, _ root: Int32) -> ImageFacts.Target {
  var left = ContainerPath.components(path).reversed() as [String]
  var here = "/"
  var links = 0
  while let name = left.popLast() {
    if name == "." { continue }
    if name == ".." {
      here = ContainerPath.parent(here)
      continue
    }
    let next = here == "/" ? "/" + name : here + "/" + name
    guard let facts = try? File.facts("." + next, from: root, following: false) else {
      left.append(name)
      break
    }
    if facts.kind == .link, links < 40, let to = try? File.target(ofLink: "." + next, from: root) {
      links += 1
      if ContainerPath.isAbsolute(to) { here = "/" }
      left += ContainerPath.components(to).reversed()
      continue
    }
    guard facts.kind == .directory else {
      left.append(name)
      break
    }
    here = next
  }
  var isEmpty = false
  if here != "/", let directory = try? File.open("." + here, O_RDONLY | O_DIRECTORY, from: root) {
    isEmpty = (try? File.names(in: directory))?.isEmpty ?? false
  }
  return .missing(parent: here, rest: left.reversed(), parentIsEmpty: isEmpty)
}
