import Foundation
import Testing

/// Registries and what stands before them do wrong: what passes is waited for, what does not is one clear
/// error, and nothing wrong is kept.
@Suite(.enabled(if: Registry.isTested, "its images are made by scripts/test")) struct FaultyRegistryTests {
  /// Of `images/large`: 12 MB that do not compress.
  static func large() throws -> (digest: String, size: Int) { try Registry.layers("large")[1] }

  /// Rules in which LARGE stands for that layer and SIZE for its size.
  static func rules(_ text: String) throws -> String {
    let large = try large()
    return text.replacingOccurrences(of: "LARGE", with: large.digest)
      .replacingOccurrences(of: "SIZE", with: "\(large.size)")
      .replacingOccurrences(of: "ELSEWHERE", with: Registry.proxyOther)
  }

  /// Pulls an image under rules and says what happened, and what was asked about the large layer.
  static func pull(
    _ us: RegistryCaller, _ image: String, _ text: String, _ words: [String] = []
  ) throws -> (outcome: Outcome, requests: [ProxyRequest], seconds: Double) {
    try Registry.withFaults(rules(text)) { scope in
      let start = Date()
      let outcome = try us.execute(
        [Installed.apus, "pull", "-F"] + words + [
          "out.sif", "docker://\(Registry.proxy)/\(scope)/images/\(image)",
        ])
      return (outcome, try Registry.requests(in: scope), Date().timeIntervalSince(start))
    }
  }

  /// What was kept of something that failed: at most what is still to be verified.
  static func expectNothingKept(_ us: RegistryCaller) {
    #expect(us.cached("images") == [])
    #expect(us.text("out.sif") == nil)
    let names = (try? FileManager.default.contentsOfDirectory(atPath: us.folder)) ?? []
    #expect(names.filter { $0.contains("out.sif") } == [])
  }

  @Test(
    arguments: [
      (
        "cut once", #"{"scope": "SCOPE", "path": "LARGE", "cut": 5000000, "times": 1}"#,
        [nil, "bytes=5000000-"]
      ),
      (
        "ended in order", #"{"scope": "SCOPE", "path": "LARGE", "cut": 5000000, "how": "close", "times": 1}"#,
        [nil, "bytes=5000000-"]
      ),
      (
        "cut every 3 MB", #"{"scope": "SCOPE", "path": "LARGE", "cut": 3000000}"#,
        [nil, "bytes=3000000-", "bytes=6000000-", "bytes=9000000-", "bytes=12000000-"]
      ),
      (
        "ranges ignored",
        #"""
        [{"scope": "SCOPE", "path": "LARGE", "cut": 5000000, "times": 1},
         {"scope": "SCOPE", "path": "LARGE", "ignore_range": true}]
        """#, [nil, "bytes=5000000-"]
      ),
      (
        "416",
        #"""
        [{"scope": "SCOPE", "path": "LARGE", "range": true, "status": 416, "times": 1},
         {"scope": "SCOPE", "path": "LARGE", "cut": 5000000, "times": 1}]
        """#, [nil, "bytes=5000000-", nil]
      ),
    ] as [(String, String, [String?])])
  func `a transfer that breaks goes on where it broke`(what: String, rules: String, ranges: [String?]) throws
  {
    try RegistryCaller.with { us in
      let (outcome, requests, _) = try Self.pull(us, "large", rules)
      #expect(outcome.code == 0, "\(outcome.err)")
      let large = try Self.large()
      let asked = requests.filter { $0.path.contains(large.digest) }.map(\.range)
      // What was on its way is lost with a reset: how much got through before one differs.
      #expect(asked.count >= ranges.count, "\(what)")
      #expect(asked.count { $0 == nil } == ranges.count { $0 == nil }, "\(what)")
      let offsets = asked.compactMap { $0?.dropFirst("bytes=".count).dropLast() }.compactMap { Int($0) }
      #expect(offsets == offsets.sorted() && offsets.allSatisfy { $0 > 0 }, "\(what)")
      if what.contains("in order") { #expect(asked == ranges) }
      #expect(us.cached("partial") == [])
    }
  }

  @Test func `a wrong Content-Range is asked about again, and is then an error`() throws {
    try RegistryCaller.with { us in
      let (outcome, requests, _) = try Self.pull(
        us, "large",
        #"""
        [{"scope": "SCOPE", "path": "LARGE", "cut": 5000000, "times": 1},
         {"scope": "SCOPE", "path": "LARGE", "range": true, "content_range": "bytes 7-12000000/SIZE"}]
        """#)
      #expect(outcome.code == 255)
      #expect(outcome.err.contains("it sends bytes 7 to 12000000"), "\(outcome.err)")
      #expect(requests.filter { $0.range != nil }.count > 1)
      Self.expectNothingKept(us)
      #expect(try us.pull("\(Registry.plain)/images/large").code == 0)
    }
  }

  @Test(arguments: [
    (
      #"{"scope": "SCOPE", "path": "/manifests/", "status": 429, "headers": {"Retry-After": "2"}, "times": 1}"#,
      2.0
    ),
    (#"{"scope": "SCOPE", "path": "/manifests/", "status": 429, "retry_date": 3, "times": 1}"#, 2.0),
    (#"{"scope": "SCOPE", "path": "/manifests/", "status": 429, "times": 1}"#, 0.0),
    (
      #"{"scope": "SCOPE", "path": "/blobs/", "status": 429, "headers": {"Retry-After": "2"}, "times": 1}"#,
      2.0
    ),
    (#"{"scope": "SCOPE", "path": "/manifests/", "status": 503, "times": 2}"#, 0.0),
  ])
  func `a registry that asks for patience is waited for`(rules: String, seconds: Double) throws {
    try RegistryCaller.with { us in
      let (outcome, _, took) = try Self.pull(us, "tiny", rules)
      #expect(outcome.code == 0, "\(outcome.err)")
      #expect(took >= seconds)
    }
  }

  @Test func `a wait of ten minutes is an error that tells the time`() throws {
    try RegistryCaller.with { us in
      let (outcome, requests, took) = try Self.pull(
        us, "tiny",
        #"{"scope": "SCOPE", "path": "/manifests/", "status": 429, "headers": {"Retry-After": "600"}}"#)
      #expect(outcome.code == 255)
      #expect(took < 60)
      #expect(requests.count == 1)
      for part in [Registry.proxy, "429", "600 s", "mirror"] {
        #expect(outcome.err.contains(part), "\(outcome.err)")
      }
    }
  }

  @Test func `a registry that always fails is given up after six requests`() throws {
    try RegistryCaller.with { us in
      let (outcome, requests, _) = try Self.pull(
        us, "tiny", #"{"scope": "SCOPE", "path": "/manifests/", "status": 500}"#)
      #expect(outcome.code == 255)
      #expect(outcome.err.contains(Registry.proxy) && outcome.err.contains("500"), "\(outcome.err)")
      #expect(outcome.err.contains("try again later"))
      #expect(requests.map(\.status) == [500, 500, 500, 500, 500, 500])
      Self.expectNothingKept(us)
    }
  }

  @Test(arguments: [
    ("a wrong byte", "tiny", #"{"scope": "SCOPE", "path": "/blobs/", "skip": 1, "corrupt": 500000}"#),
    (
      "a wrong byte at the end", "tiny",
      #"{"scope": "SCOPE", "path": "/blobs/", "skip": 1, "corrupt": 1032626}"#
    ),
    (
      "a wrong byte that does not compress", "plain",
      #"{"scope": "SCOPE", "path": "/blobs/", "corrupt": 1000}"#
    ),
    ("too short", "tiny", #"{"scope": "SCOPE", "path": "/blobs/", "short": 100}"#),
    ("too long", "tiny", #"{"scope": "SCOPE", "path": "/blobs/", "long": 100}"#),
    ("too long, by surprise", "tiny", #"{"scope": "SCOPE", "path": "/blobs/", "long": 100, "untold": true}"#),
    ("a wrong byte in the manifest", "tiny", #"{"scope": "SCOPE", "path": "/manifests/", "corrupt": 5}"#),
    (
      "a wrong byte in a manifest of an index", "list",
      #"{"scope": "SCOPE", "path": "/manifests/sha256", "corrupt": 30}"#
    ),
    (
      "another manifest", "list",
      #"{"scope": "SCOPE", "path": "/manifests/sha256", "body": {"canned": "no-layers"}}"#
    ),
  ])
  func `what is not what its digest says is refused, and nothing of it stays in the way`(
    what: String, image: String, rules: String
  ) throws {
    try RegistryCaller.with { us in
      let (outcome, _, _) = try Self.pull(us, image, rules)
      #expect(outcome.code == 255, "\(what)")
      #expect(
        outcome.err.contains("FATAL:")
          && (outcome.err.contains("sha256:") || outcome.err.contains("digest")),
        "\(outcome.err)")
      Self.expectNothingKept(us)
      #expect(us.cached("segments") == [])
      // The next one starts from what is right.
      let again = try us.pull("\(Registry.plain)/images/\(image)")
      #expect(again.code == 0, "\(what): \(again.err)")
      #expect(us.cached("partial") == [])
    }
  }

  @Test(arguments: [
    ("schema1", "schema 1 images are not supported"), ("no-layers", "is it a SIF artifact? use oras://"),
  ])
  func `what is no image of today says so`(canned: String, said: String) throws {
    try RegistryCaller.with { us in
      let (outcome, _, _) = try Self.pull(
        us, "tiny",
        #"{"scope": "SCOPE", "path": "/manifests/", "body": {"canned": "CANNED"}}"#
          .replacingOccurrences(of: "CANNED", with: canned))
      #expect(outcome.code == 255)
      #expect(outcome.err.contains(said), "\(outcome.err)")
      Self.expectNothingKept(us)
    }
  }

  @Test(arguments: Caller.allCases)
  func `a download that was killed goes on where it was, and leaves nothing`(caller: Caller) throws {
    try RegistryCaller.with(caller) { us in
      let slow = #"{"scope": "SCOPE", "path": "LARGE", "slow": 2000000, "times": 1}"#
      try Registry.withFaults(Self.rules(slow)) { scope in
        let image = "docker://\(Registry.proxy)/\(scope)/images/large"
        let running = try us.start("pull", "out.sif", image)
        let large = try Self.large()
        let partial = us.cache + "/partial/" + large.digest.dropFirst("sha256:".count)
        var got = 0
        for _ in 0..<200 where got < 2_000_000 {
          usleep(50_000)
          let facts = try? FileManager.default.attributesOfItem(atPath: partial)
          got = facts?[.size] as? Int ?? 0
        }
        #expect(got >= 2_000_000 && got < large.size)
        kill(running.pid, SIGKILL)
        #expect(try running.finish().code == 128 + SIGKILL)
        let again = try us.apus("pull", "out.sif", image)
        #expect(again.code == 0, "\(again.err)")
        let ranges = try Registry.requests(in: scope).filter { $0.path.contains(large.digest) }
          .compactMap { $0.range?.dropFirst("bytes=".count).dropLast() }.compactMap { Int($0) }
        #expect(ranges.count == 1)
        #expect(ranges.allSatisfy { $0 >= 2_000_000 })
        try Self.expectCleanable(us)
        #expect(try us.apus("exec", "out.sif", "ls", "/bulk").out == "1\n2\n")
      }
    }
  }

  /// Cleaning leaves what marks the folder, and nothing lies beside the output.
  static func expectCleanable(_ us: RegistryCaller) throws {
    let clean = try us.apus("cache", "clean", "--force")
    #expect(clean.code == 0, "\(clean.err)")
    let left = FileManager.default.enumerator(atPath: us.cache)?.compactMap { $0 as? String } ?? []
    var files: [String] = []
    for path in left {
      var isFolder: ObjCBool = false
      _ = FileManager.default.fileExists(atPath: us.cache + "/" + path, isDirectory: &isFolder)
      if !isFolder.boolValue { files.append(path) }
    }
    #expect(files == ["CACHEDIR.TAG"])
    let names = try FileManager.default.contentsOfDirectory(atPath: us.folder)
    #expect(names.filter { $0.hasPrefix(".") || $0.contains("apus-") } == [])
  }

  @Test(arguments: [5, 20, 60, 120, 250, 400])
  func `killed at any moment, the next one makes the image`(milliseconds: UInt32) throws {
    try RegistryCaller.with { us in
      let image = "docker://\(Registry.plain)/images/gzip"
      let running = try us.start("pull", "out.sif", image)
      usleep(milliseconds * 1000)
      kill(running.pid, SIGKILL)
      _ = try running.finish()
      let again = try us.apus("pull", "--force", "out.sif", image)
      #expect(again.code == 0, "\(again.err)")
      #expect(try us.apus("exec", "out.sif", "sh", "-c", PullTests.look).out == PullTests.seen)
      try Self.expectCleanable(us)
    }
  }

  @Test func `what a registry wants people to read is told once`() throws {
    try RegistryCaller.with { us in
      let (outcome, _, _) = try Self.pull(
        us, "tiny", #"{"scope": "SCOPE", "set": {"Warning": "299 - \"this image is going away\""}}"#)
      #expect(outcome.code == 0, "\(outcome.err)")
      let lines = outcome.err.split(separator: "\n").filter { $0.contains("going away") }
      #expect(lines == ["WARNING: \(Registry.proxy) says: this image is going away"])
    }
  }

  @Test
  func `what is to be said of an image is said again to who gets it from the cache, and not to each launch`()
    throws
  {
    try RegistryCaller.with { us in
      let repository = "said-\(UUID().uuidString.lowercased())/image"
      try Registry.push("../edge/attributes", to: repository + ":latest")
      func warnings(_ outcome: Outcome) -> [String] {
        outcome.err.split(separator: "\n").filter { $0.hasPrefix("WARNING: ") }.map {
          String($0.dropFirst(9))
        }
      }
      let rule = #"{"scope": "SCOPE", "times": 1, "set": {"Warning": "299 - \"this image is going away\""}}"#
      let text = "this image is going away"
      try Registry.withFaults(rule) { scope in
        let image = "\(Registry.proxy)/\(scope)/\(repository)"
        let first = try us.pull(image)
        #expect(first.code == 0, "\(first.err)")
        let said = warnings(first)
        #expect(said.count == 2 && said.contains("\(Registry.proxy) says: \(text)"), "\(said)")
        #expect(said.contains { $0.contains("/bare: attribute noprefix is left out") }, "\(said)")
        // The tag has not changed: one question, and the registry says nothing any more.
        let second = try us.pull(image)
        #expect(second.code == 0 && warnings(second).sorted() == said.sorted(), "\(second.err)")
        // Made anew of the layers that are kept.
        _ = try us.apus("cache", "clean", "--force", "--type", "image")
        let third = try us.pull(image)
        #expect(third.code == 0 && third.err.contains("from the cache"), "\(third.err)")
        #expect(warnings(third).count { $0.contains("noprefix") } == 1, "\(third.err)")
        // The image has no program: what counts is what was said before that.
        let launch = try us.apus("exec", "docker://" + image, "true")
        #expect(warnings(launch) == [], "\(launch.err)")
        let verbose = try us.apus("--verbose", "exec", "docker://" + image, "true")
        // The registry was asked for the manifest again, and no longer said anything.
        for text in warnings(third) { #expect(verbose.err.contains("VERBOSE: " + text), "\(verbose.err)") }
      }
      // From the layer that is kept, whatever it was got from.
      let built = try us.apus("build", "built.sif", "oci:\(LayerTests.images)/attributes")
      #expect(warnings(built).count { $0.contains("/bare: attribute noprefix") } == 1, "\(built.err)")
      #expect(built.err.contains("from the cache"), "\(built.err)")
    }
  }
}
