internal import Glibc
internal import Linux
internal import Messages
internal import Model
internal import NodeCache
internal import NodeSetup
internal import Settings
internal import StepOptions

/// Brings an image to all nodes of a job by a step of its own, outside any container: `apus slurm stage`, and what a
/// batch script's image gets when the script starts.
struct NodeStaging {
  private let program: String
  private let words: [String]
  private let environment: [String]

  /// nil: there is no job around, or no srun. `site` are the words of the plugin's line, `verify` how closely the nodes
  /// look at copies that they have.
  init?(image: String, site: [String], verify: Verification, _ variables: Variables) {
    guard let nodes = variables["SLURM_JOB_NUM_NODES"] ?? variables["SLURM_NNODES"],
      let srun = SlurmPrograms.find("srun", variables)
    else { return nil }
    program = srun
    words =
      [
        "--overlap", "--quiet", "--mpi=none", "--nodes=" + nodes, "--ntasks=" + nodes, "--ntasks-per-node=1",
        "--chdir=/", Installation.program, "slurm-helper", "stage",
      ] + site.flatMap { ["--site", $0] }
      + ["--option", "container-image=" + image, "--option", "container-verify=" + verify.rawValue]
    // The step itself runs on the host: what is asked of the image goes by words alone.
    environment = SlurmPrograms.hostEnvironment(variables)
  }

  /// Becomes the step. Returns only why not.
  func become() -> SystemCallFault { Process.become(program, [program] + words, environment: environment) }

  /// Starts the step beside this process, which does not wait for it. Words of the nodes go to standard error. Slurm's do
  /// not: a script that ends first has the step cancelled, and that is no news for whoever reads the job's output.
  func start() {
    guard let middle = try? Process.fork() else { return }
    if middle == 0 {
      if let child = try? Process.fork(), child == 0 { tellOurs() }
      _exit(0)
    }
    _ = try? Process.wait(middle)
  }

  /// Runs the step, and passes on what is said by us.
  private func tellOurs() -> Never {
    Process.setName("apus-stage")
    guard let ends = try? File.pipe(),
      (try? Process.spawn(program, words, environment: environment, descriptors: (-1, -1, ends.write))) != nil
    else { _exit(0) }
    Process.closeAll(except: [2, ends.read])
    var line: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 4096)
    while true {
      let count = unsafe Glibc.read(ends.read, &piece, piece.count)
      if count < 0 && errno == EINTR { continue }
      // No message of ours is that long.
      guard count > 0, line.count < 1 << 16 else { _exit(0) }
      for byte in piece[..<count] {
        line.append(byte)
        guard byte == UInt8(ascii: "\n") else { continue }
        if Output.isMessage(line) { try? File.write(line, to: 2) }
        line = []
      }
    }
  }
}

/// `apus slurm stage IMAGE`, in a job: ends when every node has the image.
func runSlurmStage(_ image: String, _ variables: Variables, _ output: Output) -> Int32 {
  guard let line = SlurmSite(configuration: nil, variables).line else {
    return output.fatal(
      Explanation(
        what: "cannot stage \(printable(image))",
        why: "no plugstack.conf of this host has a line of spank_apus.so",
        remedy: "ask the administrator to install it: apus slurm install"))
  }
  let isPath = !isReference(image) && (try? File.facts(image)) != nil
  let current = File.workingDirectory
  let name = isPath ? ContainerPath.normalized(image, from: current) : image
  let options: StepOptions
  do throws(StepFault) {
    options = try StepOptions(
      words: [("container-image", name)], variables: variables, site: SiteOptions(words: line.words),
      directory: current)
  } catch { return output.fatal(error.explanation, exit: ExitCode.usage) }
  guard let staging = NodeStaging(image: name, site: line.words, verify: options.verify, variables) else {
    return output.fatal(
      Explanation(
        what: "cannot stage \(printable(image))", why: "this is no job of Slurm, or there is no srun",
        remedy: "run it in a job script, or in the shell of salloc"))
  }
  let cause = staging.become()
  return output.fatal(Explanation(what: "cannot start srun", why: errorText(cause.number)))
}
