internal import Engine
internal import Glibc
internal import Linux
internal import Model
internal import Settings
internal import StepOptions

/// A container that outlives its step (`--container-name`): what it wrote stays for other steps of the job.
///
/// `RUNTIME_DIR/UID/JOB/NAME` (with `scope=global` the job is `all`), 0700, holds
///
/// | name | what |
/// |---|---|
/// | `upper`, `work` | the layer that programs write to |
/// | `image` | the image it was made of, as a step named it |
/// | `running` | pid and start time of the process that holds it while a step runs in it |
/// | `records` | the answer that its tasks got |
struct NamedContainer {
  let name: ContainerName
  let folder: String
  private let runtime: String
  private let levels: [String]
  private let uid = geteuid()

  /// nil: the step has a container of its own.
  init?(_ options: StepOptions, _ site: SiteOptions, _ variables: Variables) throws(StepFailure) {
    guard let name = options.name else { return nil }
    self.name = name
    runtime = site.runtimeDirectory
    let life = site.scope == .global ? "all" : variables["SLURM_JOB_ID"] ?? "all"
    levels = ["\(uid)", life, name.text]
    folder = runtime + "/" + levels.connected(by: "/")
    let isThere = try opened() != nil
    if name.use == .create, isThere {
      throw fault("it exists already", "drop :create to use it, or choose another name")
    }
    if !isThere, options.image == nil {
      throw fault(
        "there is none of that name on this node", "name the image to make it of: --container-image")
    }
  }

  /// The image a step named when the container was made; nil: there is no container yet.
  func image() throws(StepFailure) -> String? {
    guard let directory = try opened() else { return nil }
    return (try? File.readAll("image", limit: 1 << 16, from: directory.number)).map { HostText.decode($0) }
  }

  /// Makes what is missing, and remembers the image. Returns the open folder, which is out of reach by its path once
  /// this process is inside the container.
  func make(image: String) throws(StepFailure) -> Int32 {
    do throws(PrivateDirectoryFault) {
      let directory = try walk { (level, above) throws(PrivateDirectoryFault) in
        try PrivateDirectory.make(level, from: above, uid: uid)
      }
      do throws(SystemCallFault) {
        if (try? File.facts("image", from: directory.number)) == nil {
          let file = try File.open("image", O_WRONLY | O_CREAT | O_EXCL, mode: 0o600, from: directory.number)
          try File.write(HostText.bytes(of: image), to: file.number)
        }
      } catch { throw .call(error) }
      return directory.release()
    } catch { throw refusal(error) }
  }

  /// The folder where it is there. Others can make names in the runtime directory: each level must be the user's own.
  private func opened() throws(StepFailure) -> Descriptor? {
    do throws(PrivateDirectoryFault) {
      return try walk { (level, above) throws(PrivateDirectoryFault) in
        try PrivateDirectory.open(level, from: above, uid: uid)
      }
    } catch {
      if error.isMissing { return nil }
      throw refusal(error)
    }
  }

  private func walk(
    _ step: (_ level: String, _ above: Int32) throws(PrivateDirectoryFault) -> Descriptor
  ) throws(PrivateDirectoryFault) -> Descriptor {
    var directory: Descriptor
    do throws(SystemCallFault) { directory = try File.open(runtime, O_RDONLY | O_DIRECTORY) } catch {
      throw .call(error)
    }
    for level in levels { directory = try step(level, directory.number) }
    return directory
  }

  private func refusal(_ fault: PrivateDirectoryFault) -> StepFailure {
    switch fault {
    case .call(let cause):
      self.fault(
        cause.explanation.why + " (\(printable(runtime)))",
        "the administrator makes runtime_dir on every node: install -d -m 1777 \(printable(runtime))")
    default:
      self.fault("\(printable(folder)) is not the user's own", "have the administrator remove it")
    }
  }

  /// Writes down that the process `pid` holds the container from now on. `folder` and `processes` (procfs) are open.
  static func setRunning(
    in folder: Int32, pid: Int32, processes: Int32, records: [UInt8]
  ) throws(SystemCallFault) {
    let start = Process.startTicks(of: pid, processes: processes) ?? 0
    for (file, bytes) in [("records", records), ("running", Array("\(pid) \(start)".utf8))] {
      let place = try File.open(
        file + ".new", O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, mode: 0o600, from: folder)
      try File.write(bytes, to: place.number)
      try retrying("rename", file) { unsafe renameat(folder, file + ".new", folder, file) }
    }
  }

  /// The container as a step that runs has it; nil: none runs.
  func running() throws(StepFailure) -> RunningContainer? {
    if let directory = try opened() {
      do throws(SystemCallFault) {
        if let found = try find(in: directory.number) {
          return name.use == .noExec ? try found.apart() : found
        }
      } catch {
        guard error.number == ENOENT || error.number == ESRCH else { throw StepFailure(error) }
      }
    }
    guard name.use != .exec else {
      throw fault("it is not running on this node", "start a step in it first, or drop :exec")
    }
    return nil
  }

  private func find(in directory: Int32) throws(SystemCallFault) -> RunningContainer? {
    let text = String(decoding: try File.readAll("running", limit: 100, from: directory), as: UTF8.self)
    let fields = text.fields(at: UInt8(ascii: " "))
    guard fields.count == 2, let pid = Int32(fields[0]) else { return nil }
    let process = try File.open("/proc/\(pid)", O_PATH | O_DIRECTORY)
    // Looked up after the folder was opened: the folder is of no process that came later.
    guard let start = Process.startTicks(of: pid), fields[1] == "\(start)", try File.facts(process).uid == uid
    else { return nil }
    return RunningContainer(
      container: try StandingContainer(of: process),
      records: try File.open("records", O_RDONLY | O_NOFOLLOW, from: directory).release())
  }

  private func fault(_ why: String, _ remedy: String) -> StepFailure {
    StepFailure(
      Explanation(what: "cannot use the container \(printable(name.text))", why: why, remedy: remedy))
  }
}

/// A container in which another step runs.
struct RunningContainer {
  let container: StandingContainer
  /// Open file with the answer's records.
  let records: Int32

  func apart() throws(SystemCallFault) -> RunningContainer {
    RunningContainer(container: try container.apart(), records: records)
  }
}
