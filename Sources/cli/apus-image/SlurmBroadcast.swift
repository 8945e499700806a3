internal import Content
internal import Glibc
internal import Linux
internal import Messages
internal import Model
internal import NodeCache
internal import Staging

/// `apus-image slurm-helper broadcast`: in srun, before the step starts, sends the image to the caches of all nodes of
/// the job with Slurm's own sbcast. The shared file system is read by this host alone, once: what the digest was made
/// of is still in memory when sbcast reads it.
///
/// Never fails a step: nodes that get nothing copy the image themselves.
func runSlurmBroadcast(_ words: [String], _ output: Output) -> Int32 {
  guard let staging = try? StagingWords(words), let directory = staging.cacheDirectory, let job = staging.job,
    let program = staging.sbcast
  else { return 0 }
  var output = output
  if staging.isQuiet { output.level = min(output.level, -1) }
  do throws(SystemCallFault) {
    let source = try File.open(staging.source, O_RDONLY | O_NONBLOCK | O_NOCTTY)
    let facts = try File.facts(source)
    let mark = BroadcastMark(job: job, facts: facts)
    if mark.isSet { return 0 }
    let digest = try Staging.digest(of: source.number)
    let place = IncomingFile.path(of: facts, digest: digest.text, in: directory, uid: geteuid())
    let code = try Process.wait(
      try Process.spawn(
        program, ["--jobid=" + job, "--force", staging.source, place],
        environment: Inheritance.environment, descriptors: (-1, -1, 2)))
    if code == 0 {
      mark.set()
    } else {
      output.notice(
        Notice(.warning, "sbcast ended with \(code): the nodes copy \(printable(staging.source)) themselves"))
    }
  } catch {
    output.notice(
      Notice(
        .warning,
        "cannot broadcast \(printable(staging.source)) (\(error.explanation.why)): the nodes copy it themselves"
      ))
  }
  return 0
}

/// That a job's nodes have been sent an image: its next steps send it no more. An empty file in the user's directory of
/// /tmp; those of days before are removed with the next.
private struct BroadcastMark {
  private static let prefix = "broadcast-"
  private static let seconds = 7 * 24 * 3600

  private let folder: String
  private let name: String

  init(job: String, facts: FileFacts) {
    folder = "/tmp/apus-\(geteuid())"
    name = Self.prefix + job + "-" + ImageKey(facts).name
  }

  var isSet: Bool { (try? File.facts(folder + "/" + name, following: false)) != nil }

  func set() {
    guard let directory = try? PrivateDirectory.make(folder, uid: geteuid()) else { return }
    let number = directory.number
    for other in (try? File.names(in: directory)) ?? [] where other.starts(withBytesOf: Self.prefix) {
      guard let facts = try? File.facts(other, from: number, following: false),
        time(nil) - facts.modifiedSeconds > Self.seconds
      else { continue }
      _ = unsafe unlinkat(number, other, 0)
    }
    _ = try? File.open(name, O_WRONLY | O_CREAT | O_NOFOLLOW, mode: 0o600, from: number)
  }
}
