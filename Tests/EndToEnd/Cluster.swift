import Foundation
import Testing

/// The Slurm cluster that scripts/test-cluster started: four nodes, each with a node cache, a runtime directory, /tmp and
/// /dev/shm of its own. Jobs are those of the ordinary user of the tests.
enum Cluster {
  static let nodes = ["n1", "n2", "n3", "n4"]
  private static let folder = ProcessInfo.processInfo.environment["APUS_CLUSTER"]

  /// Whether there is a cluster, and this is not the round with an old kernel's system calls: what slurmd starts is not
  /// wrapped by the filter.
  static var isTested: Bool { folder != nil && !Installed.isOldKernel }

  /// What scripts/test-cluster says of the cluster as it is now.
  static func value(_ name: String) -> String {
    if let value = told(name) { return value }
    Issue.record("\(place("cluster.env")) tells no \(name): the end-to-end tests are run by `make test`")
    return "/nonexistent"
  }

  private static func told(_ name: String) -> String? {
    let text = (try? String(contentsOfFile: place("cluster.env"), encoding: .utf8)) ?? ""
    let line = text.split(separator: "\n").first { $0.hasPrefix(name + "=") }
    return line?.dropFirst(name.count + 1).trimmingCharacters(in: ["'"])
  }

  /// A file of the cluster's folder.
  static func place(_ name: String) -> String { (folder ?? "/nonexistent") + "/" + name }
  /// What all nodes see, and everybody may write to.
  static var shared: String { place("shared") }
  static var leg: String { value("CLUSTER_LEG") }
  static var plugin: String { place("lib/spank_apus.so") }
  static var userNumber: String {
    (try? Installed.execute(["/usr/bin/id", "-u", "apus-test"], as: .root).line) ?? "?"
  }

  private static func variables(_ more: [String: String]) -> [String: String] {
    ["SLURM_CONF": place("slurm.conf")].merging(more) { $1 }
  }

  /// Runs a program of Slurm's, or one that talks to Slurm. One that takes longer than `limit` seconds is ended, and its
  /// code is then 124.
  static func run(
    _ words: [String], as caller: Caller = .user, environment: [String: String] = [:],
    directory: String? = nil, input: String? = nil, limit: Int = 40
  ) throws -> Outcome {
    let (words, caller) = inRoot(["/usr/bin/timeout", "-k", "2", "\(limit)"] + words, caller)
    let outcome = try Installed.execute(
      words, as: caller, environment: variables(environment),
      directory: directory ?? shared, input: input)
    return Outcome(code: outcome.code, out: outcome.out, err: withoutWaiting(outcome.err))
  }

  /// The words that run a program with the /usr of the cluster's root, where its Slurm is in one of its own.
  private static func inRoot(_ words: [String], _ caller: Caller) -> ([String], Caller) {
    guard let root = told("CLUSTER_ROOT"), !root.isEmpty else { return (words, caller) }
    let user =
      caller == .user
      ? ["/usr/bin/setpriv", "--reuid", "apus-test", "--regid", "apus-test", "--init-groups"] : []
    let script = #"mount --bind "$0/usr" /usr && exec "$@""#
    return (
      ["/usr/bin/unshare", "--mount", "--propagation", "slave", "/bin/sh", "-c", script, root] + user + words,
      .root
    )
  }

  /// Without what srun says when nodes are still tidying up after an earlier job.
  static func withoutWaiting(_ errors: String) -> String {
    let told = [" queued and waiting for resources", " has been allocated resources"]
    return errors.components(separatedBy: "\n").filter { line in
      !(line.hasPrefix("srun: job ") && told.contains { line.hasSuffix($0) })
    }.joined(separator: "\n")
  }

  /// `srun WORDS`.
  static func srun(
    _ words: String..., environment: [String: String] = [:], directory: String? = nil,
    input: String? = nil, limit: Int = 40
  ) throws -> Outcome {
    try run(
      ["srun"] + words, environment: environment, directory: directory, input: input, limit: limit)
  }

  /// A program that runs while the test does something else.
  static func start(_ words: [String], environment: [String: String] = [:]) throws -> Running {
    let (words, caller) = inRoot(["/usr/bin/timeout", "-k", "2", "60"] + words, .user)
    return try Running(words, as: caller, environment: variables(environment), directory: shared)
  }

  /// A batch job, from its submission to its end.
  struct Batch {
    /// Of sbatch when it refused, else of the job: what its script returned, or 128 and the signal.
    let code: Int32
    let out: String
    let err: String
    let state: String
  }

  /// Submits a script and waits for the end of the job: `sbatch --wait` looks every two seconds only.
  static func sbatch(
    _ options: [String], script: String, environment: [String: String] = [:], limit: Double = 40
  ) throws -> Batch {
    try withFolder { folder in
      try Installed.write(Data(("#!/bin/sh\n" + script).utf8), to: folder + "/script")
      let submitted = try run(
        ["sbatch", "--parsable", "-o", folder + "/out", "-e", folder + "/err"] + options + [
          folder + "/script"
        ],
        environment: environment, directory: folder)
      guard submitted.code == 0 else {
        return Batch(code: submitted.code, out: submitted.out, err: submitted.err, state: "REFUSED")
      }
      let job = submitted.line
      var fields: [String: String] = [:]
      let isOver = wait(seconds: limit) {
        fields = (try? Self.job(job)) ?? [:]
        return !["PENDING", "CONFIGURING", "RUNNING", "COMPLETING", "SUSPENDED", nil].contains(
          fields["JobState"])
      }
      if !isOver { _ = try run(["scancel", job]) }
      let codes = (fields["ExitCode"] ?? "0:0").split(separator: ":").compactMap { Int32($0) }
      func text(_ name: String) -> String {
        (try? String(contentsOfFile: folder + "/" + name, encoding: .utf8)) ?? ""
      }
      return Batch(
        code: codes.count == 2 && codes[1] != 0 ? 128 + codes[1] : codes.first ?? -1, out: text("out"),
        err: submitted.err + text("err"), state: fields["JobState"] ?? "?")
    }
  }

  /// What scontrol says of a job.
  static func job(_ number: String) throws -> [String: String] {
    let line = try run(["scontrol", "-o", "show", "job", number], as: .root).line
    return Dictionary(
      line.split(separator: " ").map { $0.split(separator: "=", maxSplits: 1).map(String.init) }
        .filter { $0.count == 2 }.map { ($0[0], $0[1]) }, uniquingKeysWith: { first, _ in first })
  }

  /// The jobs that are not over, the newest last.
  static func jobs() throws -> [String] {
    try run(["squeue", "-h", "-o", "%A"], as: .root).out.split(separator: "\n").map(String.init).sorted {
      (Int($0) ?? 0) < (Int($1) ?? 0)
    }
  }

  static func wait(seconds: Double, until isSo: () throws -> Bool) rethrows -> Bool {
    let end = Date().addingTimeInterval(seconds)
    while Date() < end {
      if try isSo() { return true }
      usleep(30_000)
    }
    return try isSo()
  }

  /// Runs a command as root in the namespaces of a node.
  @discardableResult
  static func on(_ node: String, _ words: String...) throws -> Outcome {
    try Installed.execute(
      [Installed.checkout + "/scripts/test-cluster", "on", folder ?? "", node] + words, as: .root)
  }

  /// Ends the cluster and starts it with other options of scripts/test-cluster; `restore` belongs before it.
  static func restart(_ options: [String]) throws {
    let isAsEver = told("CLUSTER_LEG") == "linuxproc" && told("CLUSTER_SETTINGS") == ""
    if isAsEver, options.isEmpty || options == ["--leg", "linuxproc"] { return }
    let outcome = try Installed.execute(
      [Installed.checkout + "/scripts/test-cluster", "restart", folder ?? ""] + options, as: .root)
    try #require(outcome.code == 0, "\(outcome.err)")
  }

  /// The cluster as it was for the first test.
  static func restore() {
    do { try restart([]) } catch { Issue.record("the cluster does not start again: \(error)") }
  }

  // MARK: The site's line

  /// The plugin's line with words added or, where the key is there, replaced, while `body` runs.
  static func withSite<T>(_ words: [String], _ body: () throws -> T) throws -> T {
    let path = place("plugstack.conf")
    let line = try String(contentsOfFile: path, encoding: .utf8)
    func key(_ word: Substring) -> Substring { word.split(separator: "=")[0] }
    let kept = line.split(whereSeparator: \.isWhitespace).filter { word in
      !words.contains { key(Substring($0)) == key(word) }
    }
    try plugstack(kept.joined(separator: " ") + " " + words.joined(separator: " ") + "\n")
    defer { try? plugstack(line) }
    return try body()
  }

  /// Replaces plugstack.conf, whole at every moment.
  static func plugstack(_ text: String) throws {
    try Installed.write(Data(text.utf8), to: place("plugstack.conf.new"))
    guard rename(place("plugstack.conf.new"), place("plugstack.conf")) == 0 else {
      throw POSIXError(.EIO)
    }
  }

  // MARK: Files

  /// A folder on all nodes, the user's own, removed with `body`.
  static func withFolder<T>(_ body: (String) throws -> T) throws -> T {
    let folder = shared + "/" + UUID().uuidString.prefix(8)
    _ = try Installed.execute(
      ["/usr/bin/install", "-d", "-m", "0755", "-o", "apus-test", "-g", "apus-test", folder], as: .root)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    return try body(folder)
  }

  /// The copies of images in a node's cache, of all users.
  static func copies(on node: String) -> [String] {
    let cache = place("nodes/\(node)/cache")
    let files = FileManager.default.enumerator(atPath: cache)?.compactMap { $0 as? String } ?? []
    return files.filter { $0.hasSuffix(".sif") }.map { cache + "/" + $0 }.sorted()
  }

  /// How many copies each node has.
  static func copyCounts() -> [Int] { nodes.map { copies(on: $0).count } }

  static func emptyCaches() throws {
    for node in nodes {
      let cache = place("nodes/\(node)/cache")
      for name in try FileManager.default.contentsOfDirectory(atPath: cache) {
        try FileManager.default.removeItem(atPath: cache + "/" + name)
      }
    }
  }

  // MARK: What must be so between tests

  /// `NODE NUMBER COMMAND` of what runs on nodes besides slurmd and `SharedFiles`: steps, their programs, helpers, servers of images.
  static func processes() throws -> [String] {
    try Installed.execute(
      [Installed.checkout + "/scripts/test-cluster", "processes", folder ?? ""], as: .root
    ).out.split(separator: "\n").map(String.init).filter {
      let words = $0.split(separator: " ")
      return !(words.count > 2 && words[2].hasSuffix("slurmd")) && !$0.contains("/shared-fs.py ")
    }
  }

  /// `NUMBER COMMAND` of one node.
  static func processes(on node: String) throws -> [String] {
    try processes().filter { $0.hasPrefix(node + " ") }.map { String($0.dropFirst(node.count + 1)) }
  }

  /// No job left, every node idle, nothing that a step left: within the seconds that the kernel and Slurm need for it.
  static func expectQuiet(
    seconds: Double = 5, sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    var found = ""
    let isQuiet = try wait(seconds: seconds) {
      let jobs = try self.jobs()
      let states = try run(["sinfo", "-h", "-N", "-o", "%N:%T"], as: .root).out.split(separator: "\n")
      let left = try processes()
      found = (jobs.map { "job " + $0 } + states.filter { !$0.hasSuffix(":idle") }.map(String.init) + left)
        .joined(separator: "\n")
      return found.isEmpty
    }
    #expect(isQuiet, "\(found)", sourceLocation: sourceLocation)
    if !isQuiet {
      // The next test shall have a cluster.
      _ = try run(["scancel", "-u", "apus-test"], as: .root)
      _ = try run(["scontrol", "update", "NodeName=n[1-4]", "State=RESUME"], as: .root)
    }
  }
}

/// A folder of images as nodes see it through a file system of its own (Tests/Support/cluster/shared-fs.py): as slow as
/// the test wants it, with a log of what was read. Where it is not mounted, the path shows the same files at once.
final class SharedFiles {
  let folder: String
  private var servers: [String: Running] = [:]

  /// Mounted for the nodes named until the value goes.
  init(in folder: String, nodes: [String] = Cluster.nodes, bytesPerSecond: Int = 0) throws {
    self.folder = folder
    for name in ["source", "files"] {
      try FileManager.default.createDirectory(
        atPath: folder + "/" + name, withIntermediateDirectories: true,
        attributes: [.posixPermissions: 0o755])
    }
    for node in nodes {
      let server = try Running(
        [
          Installed.checkout + "/scripts/test-cluster", "on", Cluster.place(""), node, "/usr/bin/python3",
          "-B",
          Installed.checkout + "/Tests/Support/cluster/shared-fs.py", folder + "/source", folder + "/files",
          folder + "/\(node).log", "\(bytesPerSecond)",
        ], as: .root)
      try #require(server.line() == "ready")
      servers[node] = server
    }
  }

  /// Ends the file systems; a program that still has one of their files is told of an error.
  func unmount() throws {
    for server in servers.values { _ = try server.finish() }
    servers = [:]
  }

  /// Puts a file there, and says its path for the nodes.
  func add(_ file: String, as name: String) throws -> String {
    let source = folder + "/source/" + name
    try FileManager.default.copyItem(atPath: file, toPath: source)
    // Beneath the mounts, so that the submitting host has it, too.
    try FileManager.default.linkItem(atPath: source, toPath: folder + "/files/" + name)
    chmod(source, 0o644)
    return folder + "/files/" + name
  }

  private func lines(_ node: String) -> [[Substring]] {
    let text = (try? String(contentsOfFile: folder + "/\(node).log", encoding: .utf8)) ?? ""
    return text.split(separator: "\n").map { $0.split(separator: " ") }
  }

  /// Bytes of data that a node has read so far.
  func bytesRead(on node: String) -> Int {
    lines(node).filter { $0[0] == "READ" }.compactMap { $0.last.flatMap { Int($0) } }.reduce(0, +)
  }

  func opens(on node: String) -> Int { lines(node).count { $0[0] == "OPEN" } }
}
