internal import Linux
public import Model
public import Settings

/// Plans a launch: request, settings and facts in, a plan out. Opens nothing and asks nobody.
public func planLaunch(
  _ request: LaunchRequest, settings: Settings, host: HostFacts, image: ImageFacts
) throws(LaunchFault) -> Plan {
  try checkApp(request, image)
  if let text = request.runScriptTimeout, !isDuration(text) { throw .runScriptTimeout(text: text) }
  if request.allowSetUserID {
    throw .isolation(host.user.uid == 0 ? .setUserID : .rootOnly(option: "--allow-setuid"))
  }
  if !settings.usesOverlay { try refuseOverlays(request) }
  let whyNoOverlay = request.whyNoOverlay(settings)
  if request.writable, host.leavesOutOwn {
    throw settings.usesOverlay
      ? LaunchFault.writableWithUnderlay : LaunchFault.overlayForbidden(option: "--writable")
  }
  let overlay = try OverlayChoice(request, host)
  if request.writable, !image.isSandbox, overlay.writableImage == nil {
    throw .writableNeedsSandbox(path: request.imagePath)
  }
  let wanted = try WantedMounts(request, settings, host)
  var notices = settings.notices + wanted.notices
  if host.leavesOutOwn, let whyNoOverlay {
    notices.append(
      Notice(
        .warning,
        "the changes in the overlay partition of \(printable(request.imagePath)) are not shown (\(whyNoOverlay))"
      ))
  }
  var mounts = wanted.mounts
  let identity = identityFiles(
    settings: settings, host: host, image: image, home: wanted.home,
    isMappedRoot: mapsRoot(request, host: host))
  let firstUserBind = mounts.firstIndex { wanted.comesAfterGeneratedFiles($0) } ?? mounts.count
  mounts.insert(
    contentsOf: identity.filter { file in
      !mounts.contains { $0.target == file.target } && !wanted.isLeftOut(file.target)
        && wanted.isWanted(file.target)
    }, at: firstUserBind)
  var skipped: [String] = []
  if request.writable, image.isSandbox {
    skipped = try leaveOutWhatHasNoPlace(&mounts, image, sandbox: request.imagePath)
    if !skipped.isEmpty { notices.append(sandboxNotice(skipped)) }
  }
  let sessionBytes = settings.sessionBytes ?? max(64 << 20, host.memoryBytes / 8)
  var choice = try RootChoice.make(
    request, mounts, image, overlay: overlay, sessionBytes: sessionBytes, extIsOfKernel: host.extIsOfKernel,
    withoutOverlay: whyNoOverlay)
  choice.root.sessionType = settings.memoryType.rawValue
  let steps = try choice.preparation + mountSteps(mounts, image, choice, host)
  let places = directories(request, host, home: wanted.home).filter { directory in
    !skipped.contains { ContainerPath.isBelow(directory, $0) }
  }
  var program = try planProgram(
    request, host: host, image: image, home: wanted.home, directories: places, &notices)
  let network: (step: NamespaceStep?, plan: NetworkPlan?)
  do throws(NetworkFault) {
    network = try planNetwork(request, settings, host, notices: &notices)
  } catch { throw .isolation(.network(error)) }
  let limits: LimitsPlan?
  do throws(IsolationFault) {
    notices += fakerootNotices(request, host: host)
    program.rights = try planRights(request, host: host, image: image, notices: &notices)
    limits = try planLimits(request, host: host)
  } catch { throw .isolation(error) }
  var hostName: [PlannedStep] = []
  if let name = request.hostName { hostName.append(PlannedStep(.hostName(name), reason: "--hostname")) }
  return Plan(
    namespaces: namespaces(request, network: network.step), root: choice.root, steps: hostName + steps,
    program: program, limits: limits, network: network.plan, notices: notices)
}

/// Plans a program of a container that stands already, where `image` is what a survey of its root found and `home` the
/// home directory it was made with. Mounts and namespaces are those it has; what the program may do is its own.
public func planEntry(
  _ request: LaunchRequest, host: HostFacts, image: ImageFacts, home: String?
) throws(LaunchFault) -> (program: ProgramPlan, notices: [Notice]) {
  try checkApp(request, image)
  var notices: [Notice] = []
  var program = try planProgram(
    request, host: host, image: image, home: home, directories: directories(request, host, home: home),
    &notices)
  do throws(IsolationFault) {
    program.rights = try planRights(request, host: host, image: image, notices: &notices)
  } catch { throw .isolation(error) }
  return (program, notices)
}

/// A duration as Go's programs write it: `1m`, `1h30m`, `2.5s`, `0`.
func isDuration(_ text: String) -> Bool {
  var rest = text[...]
  if rest.first == "+" || rest.first == "-" { rest = rest.dropFirst() }
  if rest == "0" { return true }
  guard !rest.isEmpty else { return false }
  while !rest.isEmpty {
    let number = rest.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
    rest = rest.dropFirst(number.count)
    guard number.contains(where: { $0 != "." }), number.count(where: { $0 == "." }) < 2,
      let unit = ["ns", "us", "µs", "ms", "s", "m", "h"].first(where: { rest.hasPrefix($0) })
    else { return false }
    rest = rest.dropFirst(unit.count)
  }
  return true
}

extension LaunchRequest {
  /// Why the root shall be made without an overlay; nil: it may have one.
  public func whyNoOverlay(_ settings: Settings) -> String? {
    underlay ? "--underlay" : settings.usesOverlay ? nil : "enable overlay = no"
  }
}

/// What can only be had with an overlay file system.
private func refuseOverlays(_ request: LaunchRequest) throws(LaunchFault) {
  if !request.overlays.isEmpty { throw .overlayForbidden(option: "--overlay") }
  if request.writableTemporary { throw .overlayForbidden(option: "--writable-tmpfs") }
}

private func checkApp(_ request: LaunchRequest, _ image: ImageFacts) throws(LaunchFault) {
  guard let app = request.app else { return }
  guard image.programs.contains(ImageApp.folder(app)) else { throw .appMissing(name: app) }
  if request.action == .run, !image.programs.contains(ImageApp.runScript(app)) {
    throw .appHasNoRunScript(name: app)
  }
}

private func planProgram(
  _ request: LaunchRequest, host: HostFacts, image: ImageFacts, home: String?, directories: [String],
  _ notices: inout [Notice]
) throws(LaunchFault) -> ProgramPlan {
  let environment = try planEnvironment(request, host: host, image: image, home: home)
  notices += environment.notices
  let command = planCommand(
    request, image: image, environment: environment.shell == nil ? environment.variables : nil)
  notices += command.notices
  var program = ProgramPlan(
    arguments: command.arguments, environment: environment.variables, directories: directories,
    directoryIsRequired: request.workingDirectory != nil,
    umask: request.noUmask ? 0o022 : nil, usesInit: request.pid && !request.noInit)
  program.isFoundByName = request.findsByName
  // A test that the image does not have is no program to execute, with or without a shell.
  guard let stub = environment.shell, !command.arguments.isEmpty else { return program }
  if image.programs.contains("/bin/sh") {
    program.arguments = stub.arguments(for: command.arguments, byName: request.findsByName)
    program.environment = stub.environment
    notices.append(
      Notice(.verbose, "environment scripts or values need a shell: the image's /bin/sh evaluates them"))
  } else {
    notices.append(
      Notice(
        .warning,
        "the environment needs a shell to evaluate it, and the image has no /bin/sh: parts are left out"))
  }
  return program
}

/// Nothing is made in a sandbox that is written to: what is shown by default and has no place there is left out, what
/// the user asked for is refused. Returns the targets that were left out, without those beneath another.
private func leaveOutWhatHasNoPlace(
  _ mounts: inout [WantedMount], _ image: ImageFacts, sandbox: String
) throws(LaunchFault) -> [String] {
  var kept: [WantedMount] = []
  var skipped: [String] = []
  for mount in mounts {
    let isBeneathSkipped = skipped.contains { ContainerPath.isBelow(mount.target, $0) }
    var isMissing = isBeneathSkipped
    if case .missing = image.targets[mount.target] { isMissing = true }
    guard isMissing else {
      kept.append(mount)
      continue
    }
    guard !mount.isAskedFor else {
      throw .sandboxLacks(
        target: mount.target, isDirectory: mount.isDirectory, reason: mount.reason, sandbox: sandbox)
    }
    if !isBeneathSkipped { skipped.append(mount.target) }
  }
  mounts = kept
  return skipped
}

private func sandboxNotice(_ skipped: [String]) -> Notice {
  let names = skipped.map { printable($0) }.connected(by: ", ")
  return Notice(
    .warning, "not showing \(names): the sandbox has no such place, and with --writable nothing is made in it"
  )
}

private func namespaces(_ request: LaunchRequest, network: NamespaceStep?) -> [NamespaceStep] {
  var steps: [NamespaceStep] = []
  if request.ipc { steps.append(NamespaceStep(.ipc, reason: request.contain ? "--containall" : "--ipc")) }
  if request.uts {
    steps.append(NamespaceStep(.uts, reason: request.hostName == nil ? "--uts" : "--hostname"))
  }
  if let network { steps.append(network) }
  if request.pid {
    let reason = request.instance != nil ? "an instance" : request.contain ? "--containall" : "--pid"
    steps.append(NamespaceStep(.pid, reason: reason))
  }
  return steps
}

/// The mounts as steps. Whatever lies on a file system of this launch gets its mount point made there first.
private func mountSteps(
  _ mounts: [WantedMount], _ image: ImageFacts, _ choice: RootChoice, _ host: HostFacts
) throws(LaunchFault) -> [PlannedStep] {
  var steps: [PlannedStep] = []
  var done: [WantedMount] = []
  for mount in mounts {
    if mount.needsTarget, case .missing = image.targets[mount.target] { continue }
    if case .bind(let source, _, _) = mount.content, mount.reason.hasSuffix("--workdir") {
      steps.append(PlannedStep(.makeHostDirectory(path: source), reason: mount.reason))
    }
    let cover = done.last { ContainerPath.isBelow(mount.target, $0.target) && $0.target != mount.target }
    if let cover {
      if cover.isOurs, !isLink(mount) {
        let make: Step =
          mount.isDirectory ? .makeDirectory(path: mount.target, mode: 0o755) : .makeFile(path: mount.target)
        steps.append(
          PlannedStep(make, reason: "a mount point for \(mount.reason)", isOptional: mount.isOptional))
      }
    }
    steps.append(PlannedStep(mount.step, reason: mount.reason, isOptional: mount.isOptional))
    done.append(mount)
  }
  return steps
}

private func isLink(_ mount: WantedMount) -> Bool { if case .link = mount.content { true } else { false } }

/// Where the program starts: what was asked for; else the caller's directory if the container shows it, else the one the
/// image names, else home, else /.
private func directories(_ request: LaunchRequest, _ host: HostFacts, home: String?) -> [String] {
  if let asked = request.workingDirectory { return [asked] }
  if request.startsInImage { return (request.imageDirectory.map { [$0] } ?? []) + ["/"] }
  var directories: [String] = []
  if !request.contain, let current = host.currentDirectory {
    let hidden = request.hidesHome && host.home.map { ContainerPath.isBelow(current, $0) } ?? false
    if !hidden { directories.append(current) }
  }
  if let image = request.imageDirectory { directories.append(image) }
  if let home { directories.append(home) }
  return directories + ["/"]
}
