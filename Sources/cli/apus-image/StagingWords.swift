internal import Content
internal import Model
internal import NodeCache

/// The words of `apus-image slurm-helper start`: those of the launcher's `slurm-helper start`, which go back to it as
/// they are, and those it adds for this program.
///
/// | added | |
/// |---|---|
/// | `--source TEXT` | the image: an absolute path, or a reference |
/// | `--stage node`, `--stage direct` | copy it to the node, or only get it |
/// | `--verify stat`, `sample`, `full` | instead of the site's `verify` |
/// | `--cache-dir DIRECTORY` | instead of the site's `cache_dir` |
/// | `--digest sha256:HEX` | what the image's bytes must give |
/// | `--sbcast PROGRAM` | of `broadcast`: Slurm's own |
/// | `--incoming PATH` | a file that was broadcast to this node: with `--digest` it is taken for the copy |
struct StagingWords: Equatable {
  enum Stage: String { case node, direct }

  private(set) var source = ""
  private(set) var stage = Stage.node
  private(set) var verification = Verification.stat
  private(set) var expected: Digest?
  private(set) var incoming: String?
  /// nil: the site has none.
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
    var verify: String?
    var directory: String?
    var left = words[...]
    while let word = left.popFirst() {
      let equals = word.firstIndex(of: "=")
      let name = equals.map { String(word[..<$0]) } ?? word
      guard name.hasPrefix("--"),
        let value = equals.map({ String(word[word.index(after: $0)...]) }) ?? left.popFirst()
      else { throw ValueProblem("the word \(word) stands alone") }
      switch name {
      case "--source": source = value
      case "--stage":
        guard let known = Stage(rawValue: value) else { throw ValueProblem("--stage: \(value)") }
        stage = known
      case "--verify": verify = value
      case "--cache-dir": directory = value
      case "--digest":
        guard let digest = Digest(value), digest.algorithm == .sha256 else {
          throw ValueProblem("--digest: \(value)")
        }
        expected = digest
      case "--incoming": incoming = value
      case "--sbcast": sbcast = value
      default:
        rest += equals == nil ? [word, value] : [word]
        switch name {
        case "--node": node = value
        case "--job": job = value
        case "--nodeid": nodeID = Int(value) ?? 0
        case "--site": try site(value)
        default: break
        }
      }
    }
    if let verify { try setVerification(verify) }
    cacheDirectory = directory ?? cacheDirectory
    guard !source.isEmpty else { throw ValueProblem("--source is missing") }
  }

  /// `KEY=VALUE` of the plugin's line. What concerns others is theirs to judge.
  private mutating func site(_ text: String) throws(ValueProblem) {
    let equals = text.firstIndex(of: "=") ?? text.endIndex
    let value = String(text[equals...].dropFirst())
    switch text[..<equals] {
    case "cache_dir": cacheDirectory = value.isEmpty ? nil : value
    case "cache_max":
      guard let most = SpaceLimit(value) else {
        throw ValueProblem("cache_max=\(value) is no size like 80% or 200G")
      }
      limits.most = most
    case "min_free":
      guard case .bytes(let bytes)? = SpaceLimit(value) else {
        throw ValueProblem("min_free=\(value) is no size like 10G")
      }
      limits.leastFree = bytes
    case "on_full":
      guard ["direct", "fail"].contains(value) else {
        throw ValueProblem("on_full=\(value) is not direct or fail")
      }
      directWhenFull = value == "direct"
    case "verify": if value != "sig" { try setVerification(value) }
    case "quiet": isQuiet = !["off", "no", "0", "false"].contains(value)
    default: break
    }
  }

  private mutating func setVerification(_ text: String) throws(ValueProblem) {
    guard let known = Verification(rawValue: text) else {
      throw ValueProblem("verify=\(text) is none of stat, sample, full")
    }
    verification = known
  }
}
