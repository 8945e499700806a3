internal import Engine
internal import Glibc
internal import ImageMount
internal import Launch
internal import Linux
internal import Messages
internal import Model
internal import NodeSetup
internal import Settings
internal import StepJoin
internal import StepOptions

/// `apus slurm-helper start`: makes the container of a job step on this node and stays until its tasks have entered.
///
/// Started by the first task, as the user, with the job's environment, directory and standard streams. It is the task's
/// child for as long as it works, so that what ends the step ends it; then an orphan of it answers the tasks
/// (Sources/SpankPlugin/join.c is the other side).
struct StepStart {
  let words: HelperWords
  /// All words of the command, for the program that gets an image.
  let raw: [String]
  let variables: Variables
  let output: Output

  func run() -> Int32 {
    do throws(StepFailure) {
      try checkProtocol()
      let (site, options) = try readOptions()
      // A batch script's step is on one node: the others, if any, get the image meanwhile.
      if words.script != nil, words.handed == nil, variables["SLURM_JOB_NUM_NODES"] != "1",
        site.cacheDirectory != nil, options.stage != .direct, let image = options.image
      {
        NodeStaging(image: image, site: words.site, verify: options.verify, variables)?.start()
      }
      let container = try NamedContainer(options, site, variables)
      // Out of reach once this process is inside.
      let nowhere = try attempt { () throws(SystemCallFault) in try File.open("/dev/null", O_RDWR).release() }
      if let running = try container?.running() {
        if !options.mounts.isEmpty, words.nodeNumber == 0 {
          output.notice(
            Notice(
              .warning, "ignoring --container-mounts: the container runs already, with the mounts it has"))
        }
        return try answer(running, nowhere: nowhere)
      }
      var name = options.image
      if name == nil { name = try container?.image() }
      let settings = try attempt { () throws(SettingsFault) in
        try Settings.read(Installation.settingsFile, isRequired: false)
      }
      let image = try StepImageFile(
        words: words, raw: raw, variables: variables, output: output, options: options, site: site,
        settings: settings
      ).open(name ?? "", from: stepDirectory(variables))
      return try make(options, site, settings, image, container, nowhere: nowhere)
    } catch {
      let code = output.fatal(error.explanation, exit: ExitCode.jobStep)
      // Tasks end without a word then. A page that cannot be written means that they are gone.
      try? StepPage(number: words.page).setTold()
      return code
    }
  }

  /// Refuses what a newer plugin on the submit host may mean.
  private func checkProtocol() throws(StepFailure) {
    guard let asked = variables["SLURM_SPANK_APUS_PROTOCOL"].flatMap({ Int($0) }),
      asked > words.protocolNumber
    else { return }
    throw StepFailure(
      Explanation(
        what: "refused the container options of this step",
        why: "they are of version \(asked), and this node knows version \(words.protocolNumber)"
          + " (apus \(Installation.version))",
        remedy:
          "ask the administrator to install the same apus everywhere; `apus slurm doctor` compares nodes"))
  }

  private func readOptions() throws(StepFailure) -> (SiteOptions, StepOptions) {
    let (site, options) = try attempt { () throws(StepFault) in try words.read(variables) }
    if words.nodeNumber == 0, words.handed == nil {
      for notice in site.notices + options.notices { output.notice(notice) }
    }
    return (site, options)
  }

  /// The container of this step, from its image to the answers.
  private func make(
    _ options: StepOptions, _ site: SiteOptions, _ settings: Settings, _ image: ImageFile,
    _ container: NamedContainer?, nowhere: Int32
  ) throws(StepFailure) -> Int32 {
    var facts = StepFacts(imagePath: image.path, arguments: EnvironmentCapture.words, variables: variables)
    var folder: Int32?
    if let container {
      let kept = try container.image()
      folder = try container.make(image: options.image ?? kept ?? image.path)
      if options.isWritable { facts.layerDirectory = container.folder }
    }
    if options.workDirectory == .image || options.defaults == .pyxis {
      facts.imageDirectory = imageDirectory(of: image)
    }
    facts.needs =
      .ofMPI(variables, exists: { exists($0) })
      + .ofFiles(batchScript: words.script, prologs: prologs)
    if options.showsSlurm { facts.needs = facts.needs + SlurmClient(variables).needs }
    var request = makeLaunchRequest(options, site: site, facts: facts)
    if options.runsEntrypoint { request.action = .run }
    let isPrivileged = geteuid() == 0 && Namespace.isOfSystem
    let save = try startSave(options)
    var (host, mounted) = try mount(image, request, settings, isPrivileged)
    for notice in mounted.notices { output.notice(notice) }
    let entered = try enter(
      mounted, request, &host, isPrivileged, mapsRoot: options.mapsToRoot,
      receivesMounts: settings.receivesMounts)
    let plan: Plan
    do throws(LaunchFault) {
      let facts = try surveyImage(
        request, settings: settings, host: host, root: entered.image.number, isSandbox: image.kind == .sandbox
      )
      if facts.runScript == nil { request.action = .exec }
      plan = try planLaunch(request, settings: settings, host: host, image: facts)
    } catch { throw StepFailure(error) }
    if words.nodeNumber == 0 { for notice in plan.notices { output.notice(notice) } }
    LaunchLog.write(
      settings.launchLog, image, host, job: variables["SLURM_JOB_ID"], plan.program.arguments)
    let settled = try settle(plan, entered)
    var environment = plan.program.environment
    if plan.program.arguments != EnvironmentCapture.words {
      let processes = settled.processes.number
      environment = try attempt { () throws(EngineFault) in
        try EnvironmentCapture.run(
          plan.program, processes: processes, log: options.logsEntrypoint ? 2 : nowhere)
      }
    }
    let changes = stepEnvironment(host: variables, container: environment, site: site)
    return try answer(settled, environment, changes, folder: folder, save: save, nowhere: nowhere)
  }

  /// What Slurm executes before each task, inside the container by then: the site's and the user's (`--task-prolog`).
  private var prologs: [String] {
    [SlurmConfiguration(variables).places.taskProlog, variables["SLURM_TASK_PROLOG"]].compactMap { $0 }
  }

  /// nil: this node saves nothing.
  private func startSave(_ options: StepOptions) throws(StepFailure) -> ContainerSave? {
    guard let save = options.save, save.isPerNode || words.nodeNumber == 0 else { return nil }
    let path = save.expanded(
      nodeID: words.nodeNumber, node: words.node, job: variables["SLURM_JOB_ID"] ?? "")
    return try attempt { () throws(SystemCallFault) in
      try ContainerSave(path: path, node: words.node, environment: variables.all)
    }
  }

  private func attempt<Value, Fault: Explained>(
    _ work: () throws(Fault) -> Value
  ) throws(StepFailure) -> Value {
    do throws(Fault) { return try work() } catch { throw StepFailure(error) }
  }

  private func enter(
    _ mounted: MountedImage, _ request: LaunchRequest, _ host: inout HostFacts, _ isPrivileged: Bool,
    mapsRoot: Bool,
    receivesMounts: Bool
  ) throws(StepFailure) -> Engine.Entered {
    let facts = host
    let (overlay, files) = try attempt { () throws(LaunchFault) in
      (try writableOverlay(request, host: facts), try wantedImages(request, host: facts))
    }
    do throws(EngineFault) {
      var entered = try Engine.enter(
        mounted, overlayDirectory: overlay, isPrivileged: isPrivileged, mapsRoot: mapsRoot,
        receivesMounts: receivesMounts)
      try mountFiles(files, for: request, in: &entered, &host, searchPath: nil, output)
      return entered
    } catch { throw StepFailure(error) }
  }

  private func settle(_ plan: Plan, _ entered: consuming Engine.Entered) throws(StepFailure) -> Settled {
    do throws(EngineFault) {
      return try Engine.settle(plan, in: entered, report: { output.notice($0) })
    } catch { throw StepFailure(error) }
  }

  private func mount(
    _ image: ImageFile, _ request: LaunchRequest, _ settings: Settings, _ isPrivileged: Bool
  ) throws(StepFailure) -> (HostFacts, MountedImage) {
    var options = MountOptions()
    options.isPrivate = !settings.sharesMounts || Memory.hasProcessLimit
    options.isPrivileged = isPrivileged
    // A step is over with its last program; whatever lingered would keep it from ending.
    options.lingerSeconds = 0
    options.patienceSeconds = settings.patienceSeconds
    options.imageProgram = Installation.imageProgram
    if let folder = variables["TMPDIR"], ContainerPath.isAbsolute(folder) { options.temporaryFolder = folder }
    let pending: PendingMount
    do throws(MountFault) {
      pending = try ImageMount.begin(image, options, environment: { [variables] in variables[$0] })
    } catch { throw StepFailure(error) }
    var host: HostFacts
    do throws(LaunchFault) {
      host = try surveyHost(
        request, settings: settings, user: User.current(cache: pending.userCache), variables: variables,
        isPrivileged: isPrivileged)
      host.surveyOwn(image, request, settings, writes: false)
    } catch { throw StepFailure(error) }
    do throws(MountFault) { return (host, try pending.finish()) } catch { throw StepFailure(error) }
  }

  private func exists(_ path: String) -> Bool { (try? File.facts(path)) != nil }
}
