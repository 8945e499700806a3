internal import Engine
internal import Glibc
internal import ImageMount
internal import Launch
internal import Linux
internal import Messages
internal import Model
internal import Settings

/// From a request to its program: survey, mount, plan, and become. What `apus exec`, its relatives and `apus oci` share.
struct Launching {
  var request: LaunchRequest
  let image: ImageFile
  let settings: Settings
  /// What the container gets of the caller's, as far as the plan lets it in.
  let variables: Variables
  var mount: MountOptions
  /// Whose session or job the mount of the image belongs to: looked up in the caller's environment.
  let environment: (String) -> String?
  var output: Output
  /// Shows the plan instead of carrying it out.
  var explains: PlanForm?
  /// Follows the program, and says at its end what it was refused and what would help.
  var diagnoses = false
  /// The exit code where the launch itself fails.
  var failure = ExitCode.failure
  /// Called when all stands, by the process that then becomes the program.
  var beforeProgram: () -> Void = {}
  /// Called by a process that stays as the program's parent.
  var asParent: () -> Void = {}

  /// What is done beside an instance that comes to be; nil: the process becomes the program.
  var standing: Standing?

  struct Standing {
    /// In the process that keeps the instance, with the number of its first process and the descriptors that the engine
    /// keeps.
    let started: (Int32, Plan, [Int32]) -> Void
    /// In the first process, when all stands. The program starts when it returns.
    let beforeProgram: () -> Void
    /// In the process that keeps the instance, at the end of it.
    let ended: () -> Void
  }

  /// How a plan is shown.
  enum PlanForm { case text, json }

  /// Returns the exit code where nothing was started; a launch that succeeds never returns.
  func run() -> Int32 {
    var launching = self
    if let code = launching.request.makeCallFilter(output) { return code }
    return launching.launch()
  }

  private func launch() -> Int32 {
    var mount = self.mount
    let fakeroot = request.fakeroot && geteuid() != 0 ? Fakeroot(request, environment) : nil
    let pending: PendingMount
    do throws(MountFault) {
      pending = try begin(fakeroot, &mount)
    } catch { return output.fatal(error.explanation, exit: failure) }
    // While the server answers.
    var host: HostFacts
    let overlay: String?
    let files: [FileImage]
    do throws(LaunchFault) {
      host = try surveyHost(
        request, settings: settings, user: user(fakeroot, cache: pending.userCache), variables: variables,
        isPrivileged: mount.isPrivileged)
      host.fakeroot = fakeroot?.plan
      host.surveyOwn(image, request, settings, writes: request.writable && explains == nil)
      overlay = explains == nil ? try writableOverlay(request, host: host) : nil
      files = try wantedImages(request, host: host, onlyOfBinds: explains != nil)
    } catch { return output.fatal(error.explanation, exit: failure) }
    let mounted: MountedImage
    do throws(MountFault) { mounted = try pending.finish() } catch {
      return output.fatal(error.explanation, exit: failure)
    }
    for notice in mounted.notices { output.notice(notice) }
    if output.tells(.verbose) { output.notice(Notice(.verbose, "image: " + mounted.form.text)) }
    let trace: Engine.Trace? = output.tells(.debug) ? { output.notice($0) } : nil
    do throws(EngineFault) {
      var entered = try Engine.enter(
        mounted, overlayDirectory: overlay, isPrivileged: mount.isPrivileged,
        mapsRoot: mapsRoot(request, host: host) && mount.ids == nil,
        networkPath: request.networkPath.map {
          ContainerPath.normalized($0, from: host.currentDirectory ?? "/")
        }, receivesMounts: settings.receivesMounts, trace: trace)
      try mountFiles(files, for: request, in: &entered, &host, searchPath: variables["PATH"], output)
      let plan: Plan
      do throws(LaunchFault) {
        let facts = try surveyImage(
          request, settings: settings, host: host, root: entered.image.number,
          isSandbox: image.kind == .sandbox)
        if let explains {
          try explain(explains, host: host, facts: facts, form: mounted.form)
          return 0
        }
        plan = try planLaunch(request, settings: settings, host: host, image: facts)
      } catch {
        return output.fatal(error.explanation, exit: exitCode(of: error))
      }
      if output.tells(.verbose) { for notice in plan.story { output.notice(notice) } }
      for notice in plan.notices { output.notice(notice) }
      LaunchLog.write(
        settings.launchLog, image, host, job: variables["SLURM_JOB_ID"], plan.program.arguments)
      if let standing {
        let fault = Engine.stand(
          plan, in: entered, trace: trace, report: { output.notice($0) },
          fault: { _ = output.fatal($0.explanation, exit: exitCode(of: $0)) },
          started: { standing.started($0, plan, $1) }, beforeProgram: standing.beforeProgram,
          ended: standing.ended)
        return output.fatal(fault.explanation, exit: exitCode(of: fault))
      }
      // The image has no test: that is no failure.
      if plan.program.arguments.isEmpty { return 0 }
      let fault = Engine.launch(
        plan, in: entered, trace: trace, report: { output.notice($0) },
        fault: { _ = output.fatal($0.explanation, exit: exitCode(of: $0)) }, beforeProgram: beforeProgram,
        asParent: asParent, following: diagnoses ? following(plan) : nil)
      return output.fatal(fault.explanation, exit: exitCode(of: fault))
    } catch { return output.fatal(error.explanation, exit: exitCode(of: error)) }
  }

  private func user(_ fakeroot: Fakeroot?, cache: String) -> User {
    fakeroot?.user ?? User.current(cache: cache)
  }

  private func begin(_ fakeroot: Fakeroot?, _ mount: inout MountOptions) throws(MountFault) -> PendingMount {
    guard let fakeroot else { return try ImageMount.begin(image, mount, environment: environment) }
    return try fakeroot.begin(image, &mount)
  }

  private func following(_ plan: Plan) -> Engine.Following {
    let home = plan.program.environment.first { $0.hasPrefix("HOME=") }.map { String($0.dropFirst(5)) }
    return Engine.Following(interesting: home.map { [$0] } ?? []) { seen in
      for line in Diagnosis(seen, plan: plan, home: home).lines { output.notice(Notice(.info, line)) }
    }
  }

  private func explain(
    _ form: PlanForm, host: HostFacts, facts: ImageFacts, form mounted: MountForm
  ) throws(LaunchFault) {
    let report = try PlanReport.make(
      request, settings: settings, host: host, image: facts,
      mount: (mounted.name, "\(image.summary), \(mounted.text)"))
    if form == .text { for notice in report.plan.notices { output.notice(notice) } }
    output.result(form == .json ? report.json.text(indented: true) + "\n" : report.text)
  }

  private func exitCode(of fault: LaunchFault) -> Int32 { fault.isOfUsage ? ExitCode.usage : failure }

  private func exitCode(of fault: EngineFault) -> Int32 {
    fault.exitCode == ExitCode.failure ? failure : fault.exitCode
  }
}

extension LaunchFault {
  /// As the image's own script would end where the application is missing; and a variable without a value is a word of
  /// the command line that makes no sense.
  var isOfUsage: Bool {
    switch self {
    case .appMissing, .appHasNoRunScript, .environmentSyntax: true
    default: false
    }
  }
}

extension ImageFile {
  /// Opens the image of a launch, and says what of it is not shown.
  static func open(_ path: String, for output: Output) throws(ImageFault) -> ImageFile {
    let image = try ImageFile.open(path)
    try image.checkArchitecture(emulated: [])
    if output.tells(.verbose) {
      output.notice(Notice(.verbose, "image: \(printable(image.path)), \(image.summary)"))
    }
    return image
  }

  /// Refuses what the site does not run.
  func checkLimits(_ settings: Settings) throws(ImageLimitFault) {
    guard settings.limitsImages else { return }
    let kind: ImageOrigin.Kind = kind == .sandbox ? .directory : isSIF ? .sif : .squashfs
    try checkImageLimits(
      surveyImageOrigin(
        descriptor, path: path, kind: kind, uid: facts.uid, gid: facts.gid, settings: settings),
      settings: settings)
  }
}
