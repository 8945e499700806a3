internal import CommandLine
internal import Containers
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
  if !isExplained, let name = InstanceName.reference(parsed.operands[0]) {
    return runInInstance(name, parsed, variables, output)
  }
  var launching: Launching
  do throws(LaunchRefusal) {
    launching = try makeLaunching(parsed, arguments: Array(parsed.operands.dropFirst()), variables, output)
  } catch { return output.fatal(error.explanation) }
  if isExplained {
    // Nothing was asked to run: a server that was there stays, one that had to be started goes.
    launching.mount.lingerSeconds = 0
    launching.explains = parsed.isOn("json") ? .json : .text
  }
  launching.diagnoses = parsed.isOn("diagnose")
  return launching.run()
}

/// Why a launch cannot be asked for.
struct LaunchRefusal: Error {
  let explanation: Explanation
}

/// The launch that the words of a command ask for. The first operand is its image.
func makeLaunching(
  _ parsed: Parsed, arguments: [String], _ variables: Variables, _ output: Output
) throws(LaunchRefusal) -> Launching {
  let settings = try readSettings(parsed, output)
  if let refusal = refusedOption(parsed) { throw LaunchRefusal(explanation: refusal) }
  let image: ImageFile
  if let refusal = unsupportedReference(parsed.operands[0]) { throw LaunchRefusal(explanation: refusal) }
  do throws(ImageFault) { image = try ImageFile.open(parsed.operands[0], for: output) } catch {
    throw LaunchRefusal(explanation: error.explanation)
  }
  do throws(ImageLimitFault) { try image.checkLimits(settings) } catch {
    throw LaunchRefusal(explanation: error.explanation)
  }
  for notice in variables.conflicts { output.notice(notice) }
  let request = makeRequest(parsed, image.path, arguments: arguments)
  warnOfShellArguments(parsed, request, output)
  return Launching(
    request: request, image: image, settings: settings, variables: variables,
    mount: mountOptions(parsed, settings, variables, output), environment: { variables[$0] }, output: output)
}

func warnOfShellArguments(_ parsed: Parsed, _ request: LaunchRequest, _ output: Output) {
  guard request.action == .shell, parsed.operands.count > 1 else { return }
  output.notice(Notice(.warning, "parameters to the shell command are ignored"))
}

func readSettings(_ parsed: Parsed, _ output: Output) throws(LaunchRefusal) -> Settings {
  do throws(SettingsFault) {
    let named = parsed.value("config")
    let path = named ?? Installation.settingsFile
    var settings = try Settings.read(path, isRequired: named != nil)
    if settings.networkFolder.isEmpty { settings.networkFolder = Installation.networkFolder }
    sayWhatCounts(parsed, settingsPath: path, output)
    return settings
  } catch { throw LaunchRefusal(explanation: error.explanation) }
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

/// What the options of a launch ask for.
func makeRequest(_ parsed: Parsed, _ imagePath: String, arguments: [String]) -> LaunchRequest {
  let action = LaunchRequest.Action(rawValue: parsed.command.path.last ?? "") ?? .exec
  var request = LaunchRequest(action, imagePath: imagePath, arguments: arguments)
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
  request.network = parsed.isOn("net")
  request.withheldVariables = parsed.all("no-env")
  request.underlay = parsed.isOn("underlay")
  request.requestedMounts = parsed.all("containlibs").map { file in
    let source = ContainerPath.normalized(file, from: File.workingDirectory)
    return RequestedMount(
      .bind(source: source, isWritable: false),
      target: "/.singularity.d/libs/" + ContainerPath.lastComponent(source),
      origin: "--containlibs")
  }
  request.networks = parsed.all("network")
  request.networkArguments = parsed.all("network-args")
  request.publishedPorts = parsed.all("publish")
  request.networkPath = parsed.value("netns-path")
  request.nameServers = parsed.all("dns")
  request.hostName = parsed.value("hostname")
  request.noUmask = parsed.isOn("no-umask")
  request.workingDirectory = parsed.value("cwd")
  request.shellPath = parsed.value("shell")
  // Inside a container the variable is set to nothing where no application is selected.
  request.app = parsed.value("app").flatMap { $0.isEmpty ? nil : $0 }
  setRights(of: &request, parsed)
  if let duration = parsed.value("runscript-timeout") { request.runScriptTimeout = duration }
  request.expand(containAll: parsed.isOn("containall"), compat: parsed.isOn("compat"))
  return request
}

private func setRights(of request: inout LaunchRequest, _ parsed: Parsed) {
  request.fakeroot = parsed.isOn("fakeroot")
  request.ignoresSubordinateIDs = parsed.isOn("ignore-subuid")
  request.noPrivileges = parsed.isOn("no-privs")
  request.keepPrivileges = parsed.isOn("keep-privs")
  request.addedCapabilities = parsed.all("add-caps")
  request.droppedCapabilities = parsed.all("drop-caps")
  request.security = parsed.all("security")
  request.allowSetUserID = parsed.isOn("allow-setuid")
  for name in LimitsRequest.optionNames {
    guard let last = parsed.value(name) else { continue }
    // This one is a list: of the others the last value counts.
    request.limits.values[name] =
      name == "blkio-weight-device" ? parsed.all(name).connected(by: ",") : last
  }
  request.limits.disablesKiller = parsed.isOn("oom-kill-disable")
}

/// How the image is mounted for the caller of the options.
func mountOptions(
  _ parsed: Parsed, _ settings: Settings, _ variables: Variables, _ output: Output
) -> MountOptions {
  var options = MountOptions()
  // A server inherits limits of the launch that starts it: others must not depend on one that runs out of them.
  options.isPrivate = parsed.isOn("no-shared-mount") || !settings.sharesMounts || Memory.hasProcessLimit
  // Root of a user namespace (`unshare -r`, a rootless container) may not attach loop devices.
  options.isPrivileged = geteuid() == 0 && !parsed.isOn("userns") && Namespace.isOfSystem
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
  options.patienceSeconds = settings.patienceSeconds
  options.isUnpacked = parsed.isOn("unsquash")
  options.imageProgram = Installation.imageProgram
  if let folder = variables.setting("TMPDIR") ?? variables["TMPDIR"], ContainerPath.isAbsolute(folder) {
    options.temporaryFolder = folder
  }
  return options
}
