internal import Bundle
internal import CommandLine
internal import Containers
internal import Glibc
internal import ImageMount
internal import Launch
internal import Linux
internal import Messages
internal import Model
internal import Settings

/// `apus oci run` and `create`. A bundle with a config.json, and a reference, are read by `apus-image`, which starts this
/// program again with all of it in words; a SIF is launched at once.
func runBundle(
  _ parsed: Parsed, _ words: [String], _ id: ContainerID, arguments: [String], _ variables: Variables,
  _ output: Output
) -> Int32 {
  let failure = failure(parsed)
  var output = output
  let caller: Caller
  do throws(SystemCallFault) { caller = try Caller(parsed, id, variables) } catch {
    return output.fatal(error.explanation, exit: failure)
  }
  if parsed.isOn("slurm") { output.node = nodeName(caller.variables) }
  let bundle = caller.place(parsed.value("bundle") ?? ".", parsed)
  let named = parsed.value("image").map { caller.place($0, parsed) }
  if !parsed.isOn(Bundle.readFlag), hasDocument(bundle) || isReference(named ?? bundle) {
    var more = ["--bundle", bundle]
    if let named { more += ["--image", named] }
    return runImageProgram(
      Parser.adding(more, to: words, operands: parsed.operands.count), caller.variables, output)
  }
  var launching: Launching
  do throws(OCIFailure) {
    launching = try caller.launching(named ?? bundle, arguments: arguments, parsed, output)
  } catch { return output.fatal(error.explanation, exit: error.exit ?? failure) }
  launching.failure = failure
  guard parsed.command.path.last == "create" else { return launching.run() }
  let annotations = parsed.all("annotation").compactMap { ContainerRecord.pair($0) }
  let record = ContainerRecord(bundle: bundle, annotations: annotations)
  do throws(ContainerFault) {
    return try create(
      id, record, launching, pidFile: parsed.value("pid-file"), xdg: variables["XDG_RUNTIME_DIR"])
  } catch { return output.fatal(error.explanation, exit: failure) }
}

/// Whether there is an OCI bundle at a path.
private func hasDocument(_ path: String) -> Bool { (try? File.facts(path + "/" + Bundle.fileName)) != nil }

/// Why a bundle cannot be launched. No exit code: that of failures.
private struct OCIFailure: Error {
  let explanation: Explanation
  var exit: Int32?

  init(_ explanation: Explanation, exit: Int32? = nil) {
    self.explanation = explanation
    self.exit = exit
  }
}

/// For whom a bundle is launched. A job's variables come in a file: slurmd's own, which the process has, say nothing of the
/// job.
private struct Caller {
  /// The caller's, for settings, session and working directory.
  let variables: Variables
  /// Those that go into the container; nil: the bundle's.
  private let handedOn: [String]?
  private let terminal: [String]
  /// SLURM_JOB_ID and SLURM_STEP_ID: Slurm 22.05 writes the file of variables before it knows the step.
  private let step: Lookup<String>

  init(_ parsed: Parsed, _ id: ContainerID, _ inherited: Variables) throws(SystemCallFault) {
    let numbers = parsed.isOn("slurm") ? id.step : nil
    step = numbers.map { ["SLURM_JOB_ID": $0.job, "SLURM_STEP_ID": $0.step] } ?? [:]
    terminal = inherited["TERM"].map { ["TERM=" + $0] } ?? []
    guard let path = parsed.value("env-file") else {
      variables = inherited
      handedOn = nil
      return
    }
    var entries = EnvironmentRecords.parse(try File.readAll(path, limit: 64 << 20))
    if !entries.contains(where: { $0.starts(withBytesOf: "TERM=") }) { entries += terminal }
    variables = Variables(entries)
    handedOn = EnvironmentRecords.handedOn(entries)
  }

  private var isJob: Bool { handedOn != nil }

  /// The directories that a relative path of the job may start from, the likeliest first.
  private func directories(_ parsed: Parsed) -> [String] {
    var directories = [File.workingDirectory]
    if parsed.isOn("slurm") {
      directories += [parsed.value("pwd"), variables["PWD"], variables["SLURM_SUBMIT_DIR"]].compactMap(\.self)
    }
    return directories.filter { ContainerPath.isAbsolute($0) }
  }

  /// An absolute path, or a reference or handed descriptor as it is.
  func place(_ text: String, _ parsed: Parsed) -> String {
    if HandedImage(text) != nil || isReference(text) { return text }
    let places = directories(parsed).map { ContainerPath.normalized(text, from: $0) }
    return places.first { (try? File.facts($0)) != nil } ?? places.first ?? text
  }

  func launching(
    _ path: String, arguments: [String], _ parsed: Parsed, _ output: Output
  ) throws(OCIFailure) -> Launching {
    let options: Parsed
    do throws(UsageFault) {
      // Variables of a job that mean options (`APUS_BIND`) count as they do for `apus exec`.
      options = try Parser().parse(
        ["exec", "--", path, "program"],
        environment: isJob ? { variables[$0] } : nil)
    } catch {
      let text = error.text
      throw OCIFailure(
        Explanation(what: printable(text.what), why: printable(text.why), remedy: printable(text.remedy)))
    }
    let settings: Settings
    let image: ImageFile
    do throws(SettingsFault) {
      let named = parsed.value("config") ?? options.value("config")
      settings = try Settings.read(named ?? Installation.settingsFile, isRequired: named != nil)
    } catch { throw OCIFailure(error.explanation) }
    if let refusal = unsupportedReference(path) { throw OCIFailure(refusal) }
    do throws(ImageFault) { image = try ImageFile.open(path, for: output) } catch {
      throw OCIFailure(error.explanation)
    }
    do throws(ImageLimitFault) { try image.checkLimits(settings) } catch {
      throw OCIFailure(error.explanation)
    }
    var request = makeRequest(options, image.path, arguments: arguments)
    request.action = arguments.isEmpty ? .run : .exec
    request.findsByName = parsed.isOn("slurm")
    request.binds += parsed.all("bind")
    request.mounts += parsed.all("mount")
    if parsed.isOn("slurm") { request.mounts += stepFiles(parsed, arguments.first, beside: request.mounts) }
    request.withheldVariables = ["*"]
    request.literalVariables = handedOn ?? ofBundle(parsed)
    if let name = parsed.value("hostname") {
      request.hostName = name
      request.uts = true
    }
    // A bundle that was made for no job starts in `/`; a job has a directory.
    if let directory = parsed.value("cwd"), !(isJob && directory == "/") {
      request.workingDirectory = directory
    }
    if let text = parsed.value("umask"), let mask = UInt32(text, radix: 8) { umask(mask) }
    // Not before apus-image has been here: it starts this program again with the same words.
    if parsed.isOn("take-env-file"), let file = parsed.value("env-file") { unsafe unlink(file) }
    var mount = mountOptions(options, settings, variables, output)
    // As in any job step: it is over with its last program.
    if parsed.isOn("slurm"), variables["APUS_MOUNT_LINGER"] == nil { mount.lingerSeconds = 0 }
    enterDirectory(parsed)
    return Launching(
      request: request, image: image, settings: settings, variables: isJob ? variables : ofHost,
      mount: mount, environment: { [step, variables] in variables[$0] ?? step[$0] }, output: output)
  }

  /// What a survey of the host asks for; none of it goes into the container.
  private var ofHost: Variables {
    Variables(["HOME", "PWD"].compactMap { name in variables[name].map { name + "=" + $0 } })
  }

  private func ofBundle(_ parsed: Parsed) -> [String] {
    let entries = EnvironmentRecords.ofBundle(parsed.all("set"))
    return entries.contains { $0.starts(withBytesOf: "TERM=") } ? entries : terminal + entries
  }

  /// As fields of --mount, those left out that something else is shown at.
  private func stepFiles(_ parsed: Parsed, _ program: String?, beside mounts: [String]) -> [String] {
    StepFiles.binds(
      program: program, spool: parsed.value("spool"), serverFolder: variables["PMIX_SERVER_TMPDIR"]
    ) { path in
      (try? File.facts(path)).map { $0.kind == .directory }
    }.map(\.field).filter { !mounts.contains($0) }
  }

  /// The job's directory becomes this process's, where it can: the launch shows it, and starts there.
  private func enterDirectory(_ parsed: Parsed) {
    guard parsed.isOn("slurm") || parsed.value("pwd") != nil else { return }
    for directory in [parsed.value("pwd"), variables["PWD"], variables["SLURM_SUBMIT_DIR"]] {
      if let directory, unsafe chdir(directory) == 0 { return }
    }
  }
}

/// Makes the container: a process that has everything but its program.
private func create(
  _ id: ContainerID, _ record: ContainerRecord, _ launching: Launching, pidFile: String?, xdg: String?
) throws(ContainerFault) -> Int32 {
  let container = try ContainerDirectory.create(id, on: .bundles(uid: geteuid(), xdg: xdg))
  var record = record
  try container.write(record)
  let parking = try Parking(container)
  let child: Int32
  do throws(SystemCallFault) { child = try Process.fork() } catch { throw .system(error) }
  if child == 0 {
    // The lock is the creator's.
    _ = consume container
    parking.leaveCreator()
    _exit(becomeContainer(launching, parking))
  }
  let creator = parking.creator()
  guard creator.awaitReady(), let start = Process.startTicks(of: child) else {
    // The process has said why.
    let code = try? Process.wait(child)
    container.remove()
    return code ?? launching.failure
  }
  record.pid = child
  record.startTicks = start
  do throws(ContainerFault) {
    try container.write(record)
    if let pidFile {
      do throws(SystemCallFault) { try writePIDFile("\(child)", to: pidFile) } catch { throw .system(error) }
    }
    try container.commit()
  } catch {
    kill(child, SIGKILL)
    _ = try? Process.wait(child)
    container.remove()
    throw error
  }
  return 0
}

/// In the new process. Whoever reads what `create` prints waits for the end of it: the container holds no pipe and no
/// terminal, only files.
private func becomeContainer(_ launching: Launching, _ parking: Parking) -> Int32 {
  var launching = launching
  try? Process.startSession()
  // Kept until all stands; then it becomes the file that `start` looks into.
  let messages = fcntl(2, F_DUPFD_CLOEXEC, 3)
  if let null = try? File.open("/dev/null", O_RDWR) {
    for stream in [0, 1, 2] as [Int32] {
      let isFile = (try? File.facts("", from: stream))?.kind == .file
      if stream == 0 || !isFile { dup2(null.number, stream) }
    }
  }
  launching.output.messages = messages
  launching.beforeProgram = { parking.wait(errors: messages) }
  launching.asParent = {
    parking.leave()
    // Whoever reads what `create` prints waits for the end of it. Standard input is nothing by now.
    dup3(0, messages, O_CLOEXEC)
  }
  return launching.run()
}
