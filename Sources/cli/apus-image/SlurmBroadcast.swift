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
  guard let staging = try? StagingWords(words), let directory = staging.cacheDirectory, let job = staging.job
  else { return 0 }
  do throws(SystemCallFault) {
    let source = try File.open(staging.source, O_RDONLY | O_NONBLOCK | O_NOCTTY)
    let facts = try File.facts(source)
    let mark = BroadcastMark(job: job, facts: facts)
    if mark.isSet { return 0 }
    let digest = try Staging.digest(of: source.number)
    let place = IncomingFile.path(of: facts, digest: digest.text, in: directory, uid: geteuid())
    let code = try Process.wait(
      try Process.spawn(
        try sbcast(), ["--jobid=" + job, "--force", staging.source, place],
        environment: Inheritance.environment,
        descriptors: (-1, -1, 2)))
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

/// Slurm's sbcast, by the user's PATH.
private func sbcast() throws(SystemCallFault) -> String {
  for folder in (variable("PATH") ?? "/usr/bin").fields(at: UInt8(ascii: ":")) {
    let path = String(folder) + "/sbcast"
    if path.hasPrefix("/"), (try? File.facts(path)) != nil { return path }
  }
  throw SystemCallFault("execve", "sbcast", ENOENT)
}

/// That a job's nodes have been sent an image: its next steps send it no more.
private struct BroadcastMark {
  private let path: String

  init(job: String, facts: FileFacts) {
    path = "/tmp/apus-\(geteuid())/broadcast-\(job)-" + ImageKey(facts).name
  }

  var isSet: Bool { (try? File.facts(path, following: false)) != nil }

  func set() {
    let folder = (path.split(separator: "/").dropLast()).joined(separator: "/")
    guard let directory = try? PrivateDirectory.make("/" + folder, uid: geteuid()) else { return }
    _ = try? File.open(
      ContainerPath.lastComponent(path), O_WRONLY | O_CREAT | O_NOFOLLOW, mode: 0o600, from: directory.number)
  }
}
