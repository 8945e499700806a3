internal import CommandLine
internal import Engine
internal import Glibc
internal import ImageMount
internal import Launch
internal import Linux
internal import Messages
internal import Model
internal import Settings

/// `apus exec`, `run`, `shell`, `test`, and `explain` of each: survey, mount, plan, and become the program.
func runAction(_ parsed: Parsed, _ variables: Variables, _ output: Output) -> Int32 {
  let isExplained = parsed.command.path.first == "explain"
  let settings: Settings
  let image: ImageFile
  do throws(SettingsFault) {
    let named = parsed.value("config")
    let path = named ?? Installation.settingsFile
    settings = try Settings.read(path, isRequired: named != nil)
    sayWhatCounts(parsed, settingsPath: path, output)
  } catch { return output.fatal(error.explanation) }
  if let refusal = unsupportedReference(parsed.operands[0]) { return output.fatal(refusal) }
  do throws(ImageFault) {
    image = try ImageFile.open(parsed.operands[0])
    try image.checkArchitecture(emulated: [])
  } catch { return output.fatal(error.explanation) }
  if output.tells(.verbose) {
    output.notice(Notice(.verbose, "image: \(printable(image.path)), \(image.summary)"))
  }
  for notice in variables.conflicts { output.notice(notice) }
  if image.hasOverlayPartition {
    output.notice(
      Notice(
        .warning,
        "not showing the changes in the overlay partition of \(printable(image.path)): this version does not read it"
      ))
  }
  let request = makeRequest(parsed, image)
  if request.action == .shell, parsed.operands.count > 1 {
    output.notice(Notice(.warning, "parameters to the shell command are ignored"))
  }
  // Root of a user namespace (`unshare -r`, a rootless container) may not attach loop devices.
  let isPrivileged = geteuid() == 0 && !parsed.isOn("userns") && Namespace.isOfSystem
  let pending: PendingMount
  do throws(MountFault) {
    pending = try ImageMount.begin(
      image,
      mountOptions(
        parsed, settings, variables, isPrivileged: isPrivileged, isExplained: isExplained, output),
      environment: { variables[$0] })
  } catch { return output.fatal(error.explanation) }
  // While the server answers.
  let host: HostFacts
  let overlay: String?
  do throws(LaunchFault) {
    host = try surveyHost(
      request, settings: settings, user: User.current(cache: pending.userCache), variables: variables,
      isPrivileged: isPrivileged)
    overlay = isExplained ? nil : try writableOverlay(request, host: host)
  } catch { return output.fatal(error.explanation) }
  let mounted: MountedImage
  do throws(MountFault) { mounted = try pending.finish() } catch { return output.fatal(error.explanation) }
  for notice in mounted.notices { output.notice(notice) }
  if output.tells(.verbose) { output.notice(Notice(.verbose, "image: " + mounted.form.text)) }
  let trace: Engine.Trace? = output.tells(.debug) ? { output.notice($0) } : nil
  do throws(EngineFault) {
    let entered = try Engine.enter(
      mounted, overlayDirectory: overlay, isPrivileged: isPrivileged, trace: trace)
    let plan: Plan
    do throws(LaunchFault) {
      let facts = try surveyImage(
        request, settings: settings, host: host, root: entered.image.number, isSandbox: image.kind == .sandbox
      )
      if isExplained {
        let report = try PlanReport.make(
          request, settings: settings, host: host, image: facts,
          mount: (mounted.form.name, "\(image.summary), \(mounted.form.text)"))
        if !parsed.isOn("json") { for notice in report.plan.notices { output.notice(notice) } }
        output.result(parsed.isOn("json") ? report.json.text(indented: true) + "\n" : report.text)
        return 0
      }
      plan = try planLaunch(request, settings: settings, host: host, image: facts)
    } catch {
      return output.fatal(error.explanation, exit: exitCode(of: error))
    }
    if output.tells(.verbose) { for notice in plan.story { output.notice(notice) } }
    for notice in plan.notices { output.notice(notice) }
    // The image has no test: that is no failure.
    if plan.program.arguments.isEmpty { return 0 }
    let fault = Engine.launch(
      plan, in: entered, trace: trace, report: { output.notice($0) },
      fault: { _ = output.fatal($0.explanation, exit: $0.exitCode) })
    return output.fatal(fault.explanation, exit: fault.exitCode)
  } catch { return output.fatal(error.explanation, exit: error.exitCode) }
}

/// As the image's own script would end where the application is missing; and a variable without a value is a word of the
/// command line that makes no sense.
private func exitCode(of fault: LaunchFault) -> Int32 {
  switch fault {
  case .appMissing, .appHasNoRunScript, .environmentSyntax: ExitCode.usage
  default: ExitCode.failure
  }
}

/// With -d: the settings that were read and the variables that took the place of options.
private func sayWhatCounts(_ parsed: Parsed, settingsPath: String, _ output: Output) {
  guard output.tells(.debug) else { return }
  let isThere = (try? File.facts(settingsPath)) != nil
  let path = printable(settingsPath)
  output.notice(
    Notice(.debug, isThere ? "settings are those of \(path)" : "there is no \(path): the defaults hold"))
  for (name, option) in parsed.variables { output.notice(Notice(.debug, "\(name) counts as --\(option)")) }
}

private func makeRequest(_ parsed: Parsed, _ image: ImageFile) -> LaunchRequest {
  let action = LaunchRequest.Action(rawValue: parsed.command.path.last ?? "") ?? .exec
  var request = LaunchRequest(action, imagePath: image.path, arguments: Array(parsed.operands.dropFirst()))
  request.binds = parsed.all("bind")
  request.mounts = parsed.all("mount")
  request.homeSpec = parsed.value("home")
  request.noHome = parsed.isOn("no-home")
  request.noMount = parsed.all("no-mount")
  request.scratch = parsed.all("scratch")
  request.workDirectory = parsed.value("workdir")
  request.overlays = parsed.all("overlay")
  request.writable = parsed.isOn("writable")
  request.writableTemporary = parsed.isOn("writable-tmpfs")
  request.environment = parsed.all("env")
  request.environmentFiles = parsed.all("env-file")
  request.cleanEnvironment = parsed.isOn("cleanenv")
  request.noEvaluation = parsed.isOn("no-eval")
  request.contain = parsed.isOn("contain")
  request.pid = parsed.isOn("pid")
  request.noPID = parsed.isOn("no-pid")
  request.noInit = parsed.isOn("no-init")
  request.ipc = parsed.isOn("ipc")
  request.uts = parsed.isOn("uts")
  request.hostName = parsed.value("hostname")
  request.noUmask = parsed.isOn("no-umask")
  request.workingDirectory = parsed.value("cwd")
  request.shellPath = parsed.value("shell")
  // Inside a container the variable is set to nothing where no application is selected.
  request.app = parsed.value("app").flatMap { $0.isEmpty ? nil : $0 }
  request.expand(containAll: parsed.isOn("containall"), compat: parsed.isOn("compat"))
  return request
}

private func mountOptions(
  _ parsed: Parsed, _ settings: Settings, _ variables: Variables, isPrivileged: Bool, isExplained: Bool,
  _ output: Output
) -> MountOptions {
  var options = MountOptions()
  // A server inherits limits of the launch that starts it: others must not depend on one that runs out of them.
  options.isPrivate = parsed.isOn("no-shared-mount") || !settings.sharesMounts || Memory.hasProcessLimit
  options.isPrivileged = isPrivileged
  // A job step is over with its last program; whatever lingered would keep the step from ending.
  options.lingerSeconds = variables["SLURM_STEP_ID"] == nil ? settings.lingerSeconds : 0
  if let asked = variables["APUS_MOUNT_LINGER"], !asked.isEmpty {
    if let seconds = Settings.seconds(asked) {
      options.lingerSeconds = seconds
    } else {
      output.notice(
        Notice(
          .warning, "ignoring APUS_MOUNT_LINGER=\(printable(asked)): it is not a number of seconds"))
    }
  }
  // Nothing was asked to run: a server that was there stays, one that had to be started goes.
  if isExplained { options.lingerSeconds = 0 }
  options.patienceSeconds = settings.patienceSeconds
  options.imageProgram = Installation.imageProgram
  if let folder = variables.setting("TMPDIR") ?? variables["TMPDIR"], ContainerPath.isAbsolute(folder) {
    options.temporaryFolder = folder
  }
  return options
}
