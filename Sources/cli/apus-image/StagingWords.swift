internal import Content
internal import Model
internal import NodeCache

/// The words of `apus-image slurm-helper start`: those of the launcher's `slurm-helper start`, which go back to it as
/// they are, and those it adds for this program. What the site says is read by the launcher alone: `SiteOptions`.
///
/// | added | |
/// |---|---|
/// | `--source TEXT` | the image: an absolute path, or a reference |
/// | `--cache-dir DIRECTORY` | where it is copied to on the node; without: it is got, and used where it lies |
/// | `--cache-max 80%`, `BYTES` | what the copies of the user may take |
/// | `--min-free BYTES` | what stays free beside them |
/// | `--on-full direct`, `fail` | whether the image is used where it lies if there is no room for its copy |
/// | `--verify stat`, `sample`, `full` | how closely a copy is looked at |
/// | `--quiet on`, `off` | no lines about the copy |
/// | `--digest sha256:HEX` | what the image's bytes must give |
/// | `--sbcast PROGRAM` | of `broadcast`: Slurm's own |
/// | `--incoming PATH` | a file that was broadcast to this node, to be taken for the copy |
struct StagingWords: Equatable {
  private(set) var source = ""
  private(set) var verification = Verification.stat
  private(set) var expected: Digest?
  private(set) var incoming: IncomingFile?
  /// nil: the image is not copied.
  private(set) var cacheDirectory: String?
  private(set) var limits = CacheLimits()
  /// Whether an image is used in place where there is no room for its copy.
  private(set) var directWhenFull = true
  private(set) var isQuiet = false
  private(set) var node = ""
  private(set) var nodeID = 0
  /// The job, where this is no step of it yet.
  private(set) var job: String?
  /// Slurm's program that sends files, where the image is to be sent.
  private(set) var sbcast: String?
  /// What the launcher is started with again.
  private(set) var rest: [String] = []

  /// Fails with a sentence about the first word that makes no sense.
  init(_ words: [String]) throws(ValueProblem) {
    var left = words[...]
    while let word = left.popFirst() {
      let equals = word.firstIndex(of: "=")
      let name = equals.map { String(word[..<$0]) } ?? word
      guard name.hasPrefix("--"),
        let value = equals.map({ String(word[word.index(after: $0)...]) }) ?? left.popFirst()
      else { throw ValueProblem("the word \(word) stands alone") }
      if try take(name, value) { continue }
      rest += equals == nil ? [word, value] : [word]
      switch name {
      case "--node": node = value
      case "--job": job = value
      case "--nodeid": nodeID = Int(value) ?? 0
      default: break
      }
    }
    guard !source.isEmpty else { throw ValueProblem("--source is missing") }
  }

  /// Whether the word is for this program.
  private mutating func take(_ name: String, _ value: String) throws(ValueProblem) -> Bool {
    func known<Known>(_ known: Known?) throws(ValueProblem) -> Known {
      guard let known else { throw ValueProblem("\(name): \(value)") }
      return known
    }
    switch name {
    case "--source": source = value
    case "--cache-dir": cacheDirectory = value
    case "--cache-max": limits.most = try known(SpaceLimit(value))
    case "--min-free":
      guard case .bytes(let bytes) = try known(SpaceLimit(value)) else {
        throw ValueProblem("\(name): \(value)")
      }
      limits.leastFree = bytes
    case "--on-full": directWhenFull = try known(["direct": true, "fail": false][value])
    case "--verify": verification = try known(Verification(rawValue: value))
    case "--quiet": isQuiet = try known(["on": true, "off": false][value])
    case "--digest":
      let digest = try known(Digest(value))
      guard digest.algorithm == .sha256 else { throw ValueProblem("\(name): \(value)") }
      expected = digest
    case "--incoming": incoming = try known(IncomingFile(path: value))
    case "--sbcast": sbcast = value
    default: return false
    }
    return true
  }
}
