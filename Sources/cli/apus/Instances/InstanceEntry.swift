internal import CommandLine
internal import Containers
internal import Engine
internal import Glibc
internal import Launch
internal import Linux
internal import Messages
internal import Model
internal import Settings

/// `apus exec instance://NAME …`, likewise `run`, `shell` and `test`: a program in a container that stands.
func runInInstance(_ name: String, _ parsed: Parsed, _ variables: Variables, _ output: Output) -> Int32 {
  do throws(LaunchRefusal) {
    let settings = try readSettings(parsed, output)
    for notice in variables.conflicts { output.notice(notice) }
    let instance: Instance
    let process: Descriptor
    do throws(InstanceFault) {
      instance = try Instance.named(name, uid: geteuid())
      process = try instance.process()
    } catch {
      return output.fatal(error.explanation, exit: error.isOfUsage ? ExitCode.usage : ExitCode.failure)
    }
    warnOfIgnored(parsed, instance, output)
    let request = entryRequest(parsed, instance)
    warnOfShellArguments(parsed, request, output)
    if let notice = Engine.shareLimits(with: process) { output.notice(notice) }
    let container: StandingContainer
    do throws(SystemCallFault) { container = try StandingContainer(of: process) } catch {
      return output.fatal(InstanceFault.cannotEnter(name: instance.name, error).explanation)
    }
    return enter(container, instance, request, fakeroot(in: process), settings, variables, output)
  } catch { return output.fatal(error.explanation) }
}

private func enter(
  _ container: StandingContainer, _ instance: Instance, _ request: LaunchRequest, _ fakeroot: FakerootPlan?,
  _ settings: Settings, _ variables: Variables, _ output: Output
) -> Int32 {
  var request = request
  request.fakeroot = fakeroot != nil
  if let code = request.makeCallFilter(output) { return code }
  let trace: Engine.Trace? = output.tells(.debug) ? { output.notice($0) } : nil
  var host: HostFacts
  do throws(LaunchFault) {
    host = try surveyHost(
      request, settings: settings, user: User.current(cache: nil), variables: variables,
      // In a user namespace of the instance's own there is nobody else to become.
      isPrivileged: geteuid() == 0 && Namespace.isOfSystem && container.inner == nil, enters: true)
    host.fakeroot = fakeroot
  } catch { return output.fatal(error.explanation) }
  do throws(EngineFault) {
    let visiting = try Engine.visit(container)
    let planned: (program: ProgramPlan, notices: [Notice])
    do throws(LaunchFault) {
      let facts = try surveyImage(
        request, settings: settings, host: host, root: visiting.root.number, isSandbox: false)
      planned = try planEntry(request, host: host, image: facts, home: instance.home)
    } catch {
      return output.fatal(error.explanation, exit: error.isOfUsage ? ExitCode.usage : ExitCode.failure)
    }
    for notice in planned.notices { output.notice(notice) }
    // The image has no test: that is no failure.
    if planned.program.arguments.isEmpty { return 0 }
    let fault = Engine.start(
      planned.program, in: visiting, trace: trace, report: { output.notice($0) },
      fault: { _ = output.fatal($0.explanation, exit: $0.exitCode) })
    return output.fatal(fault.explanation, exit: fault.exitCode)
  } catch { return output.fatal(error.explanation) }
}

/// The users of an instance that was started with `--fakeroot`; nil: programs in it are who they are outside.
private func fakeroot(in process: borrowing Descriptor) -> FakerootPlan? {
  guard geteuid() != 0 else { return nil }
  let number = process.number
  func extents(_ name: String) -> [IDMap.Extent]? {
    (try? File.readAll(name, limit: 1 << 16, from: number)).flatMap {
      IDMap.extents(parsing: String(decoding: $0, as: UTF8.self))
    }
  }
  guard let users = extents("uid_map"), let groups = extents("gid_map") else { return nil }
  let ids = IDMap(users: users, groups: groups)
  return FakerootPlan(ids: ids.userCount > 1 ? ids : nil, reason: "the instance has it")
}

/// What the words ask for of a container whose mounts and namespaces are there.
private func entryRequest(_ parsed: Parsed, _ instance: Instance) -> LaunchRequest {
  let asked = makeRequest(parsed, instance.image, arguments: Array(parsed.operands.dropFirst()))
  var request = LaunchRequest(asked.action, imagePath: instance.image, arguments: asked.arguments)
  request.instance = instance.name
  request.environment = asked.environment
  request.environmentFiles = asked.environmentFiles
  request.withheldVariables = asked.withheldVariables
  request.cleanEnvironment = asked.cleanEnvironment
  request.noEvaluation = asked.noEvaluation
  request.noUmask = asked.noUmask
  request.workingDirectory = asked.workingDirectory
  request.shellPath = asked.shellPath
  request.app = asked.app
  request.noPrivileges = asked.noPrivileges
  request.keepPrivileges = asked.keepPrivileges
  request.addedCapabilities = asked.addedCapabilities
  request.droppedCapabilities = asked.droppedCapabilities
  request.security = asked.security
  request.noHome = instance.home == nil
  // Such a container shows no directory of the caller's to start in.
  request.contain = instance.isContained
  return request
}

/// Options that count for a program in a container that stands. `--containall` and `--compat` do in part.
private let honoured: Set = [
  "env", "env-file", "no-env", "cleanenv", "no-eval", "no-umask", "cwd", "shell", "app", "no-privs",
  "keep-privs",
  "add-caps", "drop-caps", "security", "containall", "compat",
]

/// All others make a container, or get its image.
private func warnOfIgnored(_ parsed: Parsed, _ instance: Instance, _ output: Output) {
  let names = parsed.given(parsed.command.options.map(\.name).filter { !honoured.contains($0) })
  guard !names.isEmpty else { return }
  let text = names.map { "--" + $0 }.connected(by: ", ")
  output.notice(
    Notice(.warning, "ignoring \(text): the instance \(instance.name) has what it was started with"))
}
