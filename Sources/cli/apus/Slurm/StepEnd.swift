internal import Glibc
internal import Linux
internal import Model
internal import Settings

/// One node without a container ends the step, instead of leaving the tasks of others to wait for it.
///
/// With Slurm's own command. Considered: --kill-on-bad-exit, switched on by the plugin; it would end steps, too, whose
/// programs return another code than 0.
struct StepEnd {
  private let program: String
  private let step: String
  private let variables: Variables

  /// nil: this is no step, or there is no scancel.
  init?(_ variables: Variables) {
    guard let job = variables["SLURM_JOB_ID"], let step = variables["SLURM_STEP_ID"] else { return nil }
    let folders = (variables["PATH"] ?? "").fields(at: UInt8(ascii: ":")).map { String($0) }
    let places = (folders + ["/usr/bin", "/usr/local/bin", "/opt/slurm/bin"]).map { $0 + "/scancel" }
    guard let program = places.first(where: { $0.hasPrefix("/") && (try? File.facts($0)) != nil }) else {
      return nil
    }
    self.program = program
    self.step = job + "." + step
    self.variables = variables
  }

  func run() {
    // Slurm sends no SIGTERM to a task that has yet to become its program: others get time for that.
    usleep(200_000)
    scancel(["--signal=TERM"])
    usleep(800_000)
    scancel([])
  }

  private func scancel(_ words: [String]) {
    let child = try? Process.spawn(
      program, ["--quiet"] + words + [step], environment: variables.all, descriptors: (-1, -1, -1))
    if let child { _ = try? Process.wait(child) }
  }
}
