public import Launch
public import Model
public import NodeCache

/// The words behind `spank_apus.so` on its line in plugstack.conf: `KEY=VALUE`, or a key alone for yes.
public struct SiteOptions: Equatable, Sendable {
  /// Whose habits hold where a user said nothing.
  public enum Defaults: String, CaseIterable, Equatable, Sendable { case apus, pyxis }
  /// What becomes of a step when the cache is full.
  public enum WhenFull: String, CaseIterable, Equatable, Sendable { case direct, fail }
  /// How long a named container lives.
  public enum Scope: String, CaseIterable, Equatable, Sendable { case job, global }
  /// What options given to sbatch and salloc apply to: the batch script too, or only the steps started in it.
  public enum Batch: String, CaseIterable, Equatable, Sendable { case on, steps }
  /// Whether Slurm's own `--container` is served where there is no oci.conf.
  public enum Native: String, CaseIterable, Equatable, Sendable { case auto, off }

  public var helper = "/usr/local/bin/apus"
  /// nil: images are not copied to the nodes.
  public var cacheDirectory: String?
  /// What the copies of a user may take.
  public var cacheMaximum = SpaceLimit.percent(80)
  /// Bytes of the cache's file system that stay free beside them.
  public var minimumFree = 0
  public var stage: StageMode?
  /// From so many nodes on `sbcast` is worth it.
  public var sbcastMinimum = 16
  public var whenFull = WhenFull.direct
  public var verify = Verification.stat
  public var imagePath: [String] = []
  public var runtimeDirectory = "/run/apus"
  public var scope = Scope.job
  public var batch = Batch.on
  public var native = Native.auto
  public var endsStepOnFailure = true
  /// Shown in every container, where they exist: read-only unless the word says `:rw`.
  public var binds: [RequestedMount] = []
  /// Names of variables that stay outside; a `*` at the end stands for all that begin so.
  public var deniedVariables: [String] = []
  public var isQuiet = false
  public var defaults = Defaults.apus
  public var runsEntrypoint = false
  public var notices: [Notice] = []

  public init() {}

  public init(words: [String]) throws(StepFault) {
    var seen: [String] = []
    for word in words {
      let equals = word.utf8.firstIndex(of: UInt8(ascii: "="))
      let written = String(word[..<(equals ?? word.endIndex)])
      let value = equals.map { String(word[word.utf8.index(after: $0)...]) } ?? ""
      let key = Self.ofPyxis.first { $0.key == written }?.ours ?? written
      if seen.contains(key) {
        notices.append(Notice(.warning, "plugstack.conf says \(shown(key)) twice: the last one counts"))
      }
      seen.append(key)
      try set(SiteWord(key: key, written: written, value: value))
    }
    if let cacheDirectory,
      ["/tmp", "/dev/shm", "/var/tmp"].contains(where: { ContainerPath.isBelow(cacheDirectory, $0) })
    {
      notices.append(
        Notice(
          .warning,
          "the cache in \(printable(cacheDirectory)) may be hidden from jobs: some clusters give each a /tmp of its own"
        ))
    }
  }

  /// Keys of Pyxis that mean the same.
  private static let ofPyxis = [
    (key: "runtime_path", ours: "runtime_dir"), (key: "container_scope", ours: "scope"),
  ]

  private mutating func set(_ word: SiteWord) throws(StepFault) {
    switch word.key {
    case "helper": helper = try word.path()
    case "cache_dir": cacheDirectory = try word.path()
    case "cache_max": cacheMaximum = try word.amount()
    case "min_free": minimumFree = try word.bytes()
    case "stage": stage = try word.choice(StageMode.self)
    case "sbcast_min": sbcastMinimum = try word.count()
    case "on_full": whenFull = try word.choice(WhenFull.self)
    case "verify":
      if word.value == "sig" { throw .notInThisVersion(origin: "verify=sig") }
      verify = try word.choice(Verification.self)
    case "image_path": imagePath = try word.paths()
    case "runtime_dir": runtimeDirectory = try word.path()
    case "scope": scope = try word.choice(Scope.self)
    case "sbatch": batch = try word.choice(Batch.self)
    case "native": native = try word.choice(Native.self)
    case "kill_on_fail": endsStepOnFailure = try word.boolean()
    case "bind": binds = try word.binds()
    case "env_deny": deniedVariables = try word.names()
    case "quiet": isQuiet = try word.boolean()
    case "defaults": defaults = try word.choice(Defaults.self)
    case "execute_entrypoint": runsEntrypoint = try word.boolean()
    case "sbatch_support":
      if try !word.boolean() {
        batch = .steps
        notices.append(
          Notice(
            .info, "sbatch_support=\(shown(word.value)): options of sbatch apply to the steps of the job"))
      }
    case "use_enroot_load", "importer", "use_squashfuse":
      notices.append(Notice(.info, "\(word.key) means nothing to apus: images are mounted as they are"))
    default:
      notices.append(
        Notice(
          .warning, "plugstack.conf says \(shown(word.written)), which apus does not know: it is ignored"))
    }
  }
}

/// One word of the line.
private struct SiteWord {
  let key: String
  /// The key as the line has it.
  let written: String
  let value: String

  private func fault(_ expected: String) -> StepFault {
    .siteValue(word: written, value: value, expected: expected)
  }

  func path() throws(StepFault) -> String {
    guard ContainerPath.isAbsolute(value), !holdsControlCharacters(value) else {
      throw fault("an absolute path")
    }
    return ContainerPath.normalized(value)
  }

  func paths() throws(StepFault) -> [String] {
    var paths: [String] = []
    for field in value.fields(at: UInt8(ascii: ":")) where !field.isEmpty {
      paths.append(try SiteWord(key: key, written: written, value: String(field)).path())
    }
    return paths
  }

  func choice<Choice: CaseIterable & RawRepresentable<String>>(_: Choice.Type) throws(StepFault) -> Choice {
    guard let choice = Choice(rawValue: value) else {
      throw fault(Choice.allCases.map(\.rawValue).connected(by: ", "))
    }
    return choice
  }

  func boolean() throws(StepFault) -> Bool {
    if value.isEmpty { return true }
    guard let boolean = GivenOptions.boolean(value) else { throw fault("on or off") }
    return boolean
  }

  func count() throws(StepFault) -> Int {
    guard let count = Int(value), count > 0, count < 1 << 31 else { throw fault("a number above 0") }
    return count
  }

  /// `80%`, `10G`, `1073741824`.
  func amount() throws(StepFault) -> SpaceLimit {
    guard let amount = SpaceLimit(value) else { throw fault("a percentage like 80%, or bytes like 10G") }
    return amount
  }

  func bytes() throws(StepFault) -> Int {
    guard case .bytes(let bytes)? = SpaceLimit(value) else { throw fault("bytes like 10G") }
    return bytes
  }

  /// `SRC[:DST][:ro|:rw]`, several separated by commas.
  func binds() throws(StepFault) -> [RequestedMount] {
    let expected = "SRC[:DST][:rw], several separated by commas, absolute paths all"
    var mounts: [RequestedMount] = []
    for entry in value.fields(at: UInt8(ascii: ",")) where !entry.isEmpty {
      var fields = entry.fields(at: UInt8(ascii: ":")).map(String.init)
      var isWritable = false
      if fields.count > 1, let last = fields.last, last == "ro" || last == "rw" {
        isWritable = last == "rw"
        fields.removeLast()
      }
      guard fields.count <= 2, fields.allSatisfy(ContainerPath.isAbsolute), !holdsControlCharacters(value)
      else { throw fault(expected) }
      let target = ContainerPath.normalized(fields[fields.count - 1])
      guard target != "/" else { throw fault(expected) }
      mounts.append(
        RequestedMount(
          .bind(source: ContainerPath.normalized(fields[0]), isWritable: isWritable), target: target,
          origin: "bind= of plugstack.conf", isOptional: true, isOfSite: true))
    }
    return mounts
  }

  func names() throws(StepFault) -> [String] {
    var names: [String] = []
    for field in value.fields(at: UInt8(ascii: ",")) where !field.isEmpty {
      let bare = field.utf8.last == UInt8(ascii: "*") ? String(field.dropLast()) : String(field)
      guard EnvironmentChoice.isName(bare) else {
        throw fault("names of variables separated by commas, with a * at the end for all that begin so")
      }
      names.append(String(field))
    }
    return names
  }
}
