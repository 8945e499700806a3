internal import Glibc
internal import Linux
internal import Model
internal import Settings

/// A node of the cluster, as sinfo has it.
struct SlurmNode: Equatable {
  let name: String
  /// `idle`, `mixed`, `down*` and so on.
  let state: String
  let partition: String
  /// Why it is not in use: `none`, or what somebody or Slurm wrote.
  let reason: String

  /// Whether a step can start there at all.
  var isUsable: Bool {
    let known = ["down", "drain", "fail", "maint", "power", "reboot", "unk", "future", "inval", "err"]
    return !known.contains { state.lowercased().starts(withBytesOf: $0) }
      && state.utf8.last != UInt8(ascii: "*")
  }
}

/// Questions to the nodes of a cluster, a step each.
///
/// Each is an srun of its own: a node that cannot start steps fails alone. Answers go to files in memory, so nothing has
/// to be read while they run.
struct NodeQuestions {
  /// Sruns at a time: each keeps a few threads and connections here, and the controller answers to all.
  static let limit = 32
  /// How long an allocation may take, and how long a node may take in all, in seconds. Slurm itself waits far longer
  /// for a node that does not answer.
  static let allocationSeconds = 20
  static let seconds = 60

  let srun: String
  let environment: [String]

  struct Answer {
    let out: [UInt8]
    let err: [UInt8]
    let code: Int32
  }

  /// The nodes, without those that stand in further partitions; what sinfo said where it failed.
  static func nodes(_ list: String?, sinfo: String, environment: [String]) -> (
    nodes: [SlurmNode], fault: String?
  ) {
    var words = ["-h", "-N", "-o", "%N|%T|%P|%E"]
    if let list { words.append("--nodes=" + list) }
    var questions = Running()
    questions.start("", sinfo, words, environment)
    let answer = questions.finish(within: seconds)[""]
    guard let answer, answer.code == 0 else {
      return ([], lastLine(answer?.err ?? []) ?? "it gives no answer")
    }
    var nodes: [SlurmNode] = []
    for line in String(decoding: answer.out, as: UTF8.self).lines {
      let fields = line.fields(at: UInt8(ascii: "|")).map(String.init)
      guard fields.count >= 4 else { continue }
      // The default partition has a star behind its name.
      let isDefault = fields[2].utf8.last == UInt8(ascii: "*")
      let node = SlurmNode(
        name: fields[0], state: fields[1], partition: isDefault ? String(fields[2].dropLast()) : fields[2],
        reason: Array(fields[3...]).connected(by: "|"))
      if let place = nodes.firstIndex(where: { $0.name == node.name }) {
        if isDefault { nodes[place] = node }
      } else {
        nodes.append(node)
      }
    }
    return (nodes, nil)
  }

  /// What each node answers to the words.
  func ask(_ nodes: [SlurmNode], isInJob: Bool, _ words: [String]) -> [String: Answer] {
    var answers: [String: Answer] = [:]
    var left = nodes[...]
    while !left.isEmpty {
      var questions = Running()
      for node in left.prefix(Self.limit) {
        var options = [
          "--nodelist=" + node.name, "--nodes=1", "--ntasks=1", "--mem=100", "--chdir=/", "--mpi=none",
        ]
        options +=
          isInJob
          ? ["--overlap"]
          : [
            "--partition=" + node.partition, "--immediate=\(Self.allocationSeconds)", "--time=2",
            "--oversubscribe",
            "--job-name=apus-doctor", "--quiet",
          ]
        questions.start(node.name, srun, options + ["--"] + words, environment)
      }
      answers.merge(questions.finish(within: Self.seconds)) { $1 }
      left = left.dropFirst(Self.limit)
    }
    return answers
  }

  /// The environment for commands of Slurm that start a step on the host.
  static func environment(_ variables: Variables) -> [String] {
    let isInJob = variables["SLURM_JOB_ID"] != nil
    return SlurmPrograms.hostEnvironment(variables).filter { entry in
      let name = String(entry.prefix { $0 != "=" })
      return isInJob || name == "SLURM_CONF" || !name.starts(withBytesOf: "SLURM_")
    }
  }

  static func lastLine(_ bytes: [UInt8]) -> String? {
    String(decoding: bytes, as: UTF8.self).lines.last.map { printable(String($0.prefix(400))) }
  }

  /// The line that says most: of several errors the first is the cause.
  static func cause(_ bytes: [UInt8]) -> String? {
    let lines = String(decoding: bytes, as: UTF8.self).lines
    let errors = lines.filter { $0.starts(withBytesOf: "srun: error: ") || $0.holdsFatal }
    return (errors.first ?? lines.last).map { printable(String($0.prefix(400))) }
  }
}

extension Substring {
  fileprivate var holdsFatal: Bool { String(self).holds(bytesOf: "fatal: ") }
}

/// Programs that run side by side.
private struct Running {
  /// Its files are closed when it has been waited for: an array holds no owners.
  private struct Child {
    let name: String
    let pid: Int32
    let out: Int32
    let err: Int32
  }

  private var children: [Child] = []
  private var answers: [String: NodeQuestions.Answer] = [:]

  mutating func start(_ name: String, _ path: String, _ words: [String], _ environment: [String]) {
    do throws(SystemCallFault) {
      let out = Descriptor(owning: try retrying("memfd_create") { unsafe memfd_create("apus-answer", 1) })
      let err = Descriptor(owning: try retrying("memfd_create") { unsafe memfd_create("apus-answer", 1) })
      let pid = try Process.spawn(
        path, words, environment: environment, descriptors: (-1, out.number, err.number))
      children.append(Child(name: name, pid: pid, out: out.release(), err: err.release()))
    } catch {
      answers[name] = NodeQuestions.Answer(
        out: [], err: Array("cannot start \(path): \(errorText(error.number))".utf8), code: 127)
    }
  }

  /// Waits for all; what is not done in time is ended: by SIGTERM, so that srun cancels its step, then by SIGKILL.
  mutating func finish(within seconds: Int) -> [String: NodeQuestions.Answer] {
    var left = children
    var waited = 0
    var signals = [(after: seconds * 1000, SIGTERM), (after: (seconds + 5) * 1000, SIGKILL)][...]
    while !left.isEmpty {
      left.removeAll { child in
        var status: Int32 = 0
        guard unsafe waitpid(child.pid, &status, WNOHANG) != 0 else { return false }
        // Low seven bits: the signal; the next eight: the exit code (wait(2)).
        let code = status & 0x7F != 0 ? 128 + (status & 0x7F) : status >> 8 & 0xFF
        let out = Descriptor(owning: child.out)
        let err = Descriptor(owning: child.err)
        answers[child.name] = NodeQuestions.Answer(
          out: (try? File.bytes(of: out.number, count: 1 << 20)) ?? [],
          err: (try? File.bytes(of: err.number, count: 1 << 16)) ?? [], code: code)
        return true
      }
      if left.isEmpty { break }
      usleep(10_000)
      waited += 10
      if let next = signals.first, waited >= next.after {
        for child in left { kill(child.pid, next.1) }
        signals = signals.dropFirst()
      }
    }
    return answers
  }
}
