import Foundation
import Testing

/// `docker://`: what is pulled, under which name, and what a registry is asked for it.
@Suite(.enabled(if: Registry.isTested, "its images are made by scripts/test")) struct PullTests {
  /// Says of the merged layers what only all of them together can say.
  static let look =
    "cat /opt/version /data/kept /data/replaced/inside; ls /data/removed 2>/dev/null || echo gone"
  static let seen = "second\nkept\nnow in a folder\ngone\n"

  @Test(arguments: [
    "images/gzip", "images/zstd", "images/plain", "images/members", "images/skippable", "images/schema2",
    "images/mislabelled", "copied/gzip", "copied/plain", "copied/schema2",
  ])
  func `layers packed in any way, of both kinds of manifest, make the same root`(image: String) throws {
    try RegistryCaller.with { us in
      let outcome = try us.apus("exec", "docker://\(Registry.plain)/\(image)", "sh", "-c", Self.look)
      #expect(outcome.code == 0, "\(outcome.err)")
      #expect(outcome.out == Self.seen)
      #expect(us.cached("partial") == [])
    }
  }

  @Test(arguments: Caller.allCases)
  func `run, exec, shell, test and inspect take an image from a registry`(caller: Caller) throws {
    try RegistryCaller.with(caller) { us in
      let image = "docker://\(Registry.plain)/images/shell-form"
      #expect(try us.apus("run", image).out.hasPrefix("by default\n"))
      #expect(try us.apus("run", image, "/bin/echo", "words").line == "words")
      #expect(try us.apus("exec", image, "/bin/sh", "-c", "exit 7").code == 7)
      #expect(try us.apus("shell", image, input: "echo in the shell\n").out.contains("in the shell"))
      #expect(try us.apus("test", image).code == 0)
      let labels = try us.apus("inspect", image)
      #expect(try labels.out.contains(Registry.digest("shell-form")), "\(labels.err)")
    }
  }

  /// LAYOUT PLATFORM DIGEST TEXT, the last with spaces.
  static let choices: [(layout: String, platform: String, text: String)] = {
    guard Registry.isTested,
      let text = try? String(
        contentsOfFile: Installed.folder("APUS_OCI_IMAGES") + "/choices", encoding: .utf8)
    else { return [] }
    return text.split(separator: "\n").map { line in
      let words = line.split(separator: " ", maxSplits: 3).map(String.init)
      return (words[0], words[1], words[3])
    }.filter { $0.layout != "flat-platforms" }
  }()

  @Test(arguments: choices)
  func `of an index comes what was asked for, also from one within one`(
    layout: String, platform: String, text: String
  ) throws {
    try RegistryCaller.with { us in
      let parts = platform.split(separator: "/").map(String.init)
      let words =
        parts.count > 2 ? ["--arch", parts[1], "--arch-variant", parts[2]] : ["--platform", platform]
      let outcome = try us.execute(
        [Installed.apus, "pull", "--sandbox"] + words + [
          "root", "docker://\(Registry.plain)/images/\(layout)",
        ])
      #expect(outcome.code == 0, "\(outcome.err)")
      #expect(us.text("root/which") == text + "\n")
    }
  }

  @Test(arguments: [
    ("platforms", "linux/arm", "linux/arm/v7"), ("platforms", "linux/arm/v8", "linux/arm/v7"),
    ("platforms", "linux/aarch64", "linux/arm64/v8"), ("platforms", "linux/x86_64", "linux/amd64/v1"),
    ("platforms", "linux/amd64/v2", "linux/amd64/v2"), ("no-variants", "linux/arm/v6", "linux/arm"),
    ("no-variants", "linux/arm64/v8", "linux/arm64"), ("no-variants", "linux/amd64/v4", "linux/amd64"),
    ("list", "linux/armhf", "linux/arm/v7"),
  ])
  func `what an index has not itself is replaced by what runs there`(
    layout: String, asked: String, found: String
  ) throws {
    try RegistryCaller.with { us in
      let outcome = try us.apus(
        "pull", "--sandbox", "--platform", asked, "root", "docker://\(Registry.plain)/images/\(layout)")
      #expect(outcome.code == 0, "\(outcome.err)")
      #expect(us.text("root/which") == "\(layout) \(found)\n")
    }
  }

  @Test(arguments: [
    ("only-s390x", "linux/s390x"), ("only-attestation", "linux/amd64"), ("too-deep-index", "index"),
    ("few-diff-ids", "layers"), ("wrong-diff-id", "sha256:"), ("swapped-layers", "sha256:"),
    ("no-layers", "oras://"), ("not-layers", "oras://"),
  ])
  func `an image that is none for this host is refused by its name`(layout: String, said: String) throws {
    try RegistryCaller.with { us in
      let outcome = try us.pull("\(Registry.plain)/images/\(layout)")
      #expect(outcome.code == 255)
      #expect(outcome.err.contains("FATAL:"))
      #expect(outcome.err.contains(said), "\(outcome.err)")
      #expect(us.text("pulled.sif") == nil)
      #expect(us.cached("images") == [])
    }
  }

  @Test func `an image that stands alone must be for the architecture that is wanted`() throws {
    try RegistryCaller.with { us in
      let image = "\(Registry.plain)/images/tiny"
      for source in ["docker://" + image, "oci:" + Registry.layout("tiny")] {
        let refused = try us.apus("pull", "--arch", "s390x", "pulled.sif", source)
        #expect(refused.code == 255, "\(refused.err)")
        for part in ["it has nothing for linux/s390x", "it has: linux/", "--arch"] {
          #expect(refused.err.contains(part), "\(refused.err)")
        }
        #expect(us.text("pulled.sif") == nil)
        let meant = try us.apus("pull", "pulled.sif", source)
        #expect(meant.code == 0, "\(meant.err)")
        try FileManager.default.removeItem(atPath: us.path("pulled.sif"))
      }
    }
  }

  @Test(arguments: ["docker://", "oci:"])
  func `progress is lines without a terminal, bars on one, objects for programs, and nothing with --quiet`(
    scheme: String
  ) throws {
    let source =
      scheme == "oci:" ? "oci:" + Registry.layout("gzip") : "docker://\(Registry.plain)/images/gzip"
    func command(_ us: RegistryCaller, _ words: String...) throws -> Outcome {
      _ = try us.apus("cache", "clean", "--force")
      return try us.execute([Installed.apus] + words + ["pull", "-F", "out.sif", source])
    }
    try RegistryCaller.with { us in
      let lines = try command(us)
      #expect(lines.code == 0 && lines.out == "" && !lines.err.contains("\u{1B}"), "\(lines.err)")
      #expect(lines.err.split(separator: "\n").allSatisfy { $0.hasPrefix("INFO:    ") }, "\(lines.err)")
      #expect(lines.err.contains("3 layers, "), "\(lines.err)")
      let quiet = try command(us, "--quiet")
      #expect(quiet.code == 0 && quiet.out + quiet.err == "", "\(quiet.err)")
      _ = try us.apus("cache", "clean", "--force")
      let json = try us.apus("pull", "-F", "--progress=json", "out.sif", source)
      let objects = try json.err.split(separator: "\n").map {
        try #require(Peers.object(String($0)) as? [String: Any], "\($0)")
      }
      #expect(objects.count { $0["event"] as? String == "layer" } == 3, "\(json.err)")
      #expect(objects.count { $0["event"] as? String == "done" } == 3, "\(json.err)")
      #expect(objects.last?["event"] as? String == "image" && objects.last?["path"] as? String == "out.sif")
      let refused = try us.apus("pull", "--progress=json", "out.sif", source)
      #expect(refused.code == 255 && refused.err.hasPrefix("FATAL:   "), "\(refused.err)")
      _ = try us.apus("cache", "clean", "--force")
      let bars = try LoginTests.atTerminal(us, [], "pull", "-F", "out.sif", source)
      #expect(bars.code == 0 && bars.out.contains("B/s"), "\(bars.out)")
      let screen = bars.out.components(separatedBy: "\u{1B}[J").last ?? ""
      #expect(screen.contains("3 layers, ") && !screen.contains("=="), "\(bars.out)")
    }
  }

  @Test(arguments: ["oci", "schema2"])
  func `a foreign layer comes from the place that the manifest names`(kind: String) throws {
    try RegistryCaller.with { us in
      let authority = ["SSL_CERT_FILE": Registry.certificate("ca.crt")]
      let outcome = try us.pull("\(Registry.plain)/foreign/\(kind)", environment: authority)
      #expect(outcome.code == 0, "\(outcome.err)")
      #expect(try us.apus("exec", "pulled.sif", "sh", "-c", Self.look).out == Self.seen)
      let distrusting = try us.execute([
        Installed.apus, "pull", "--disable-cache", "other.sif", "docker://\(Registry.plain)/foreign/\(kind)",
      ])
      #expect(distrusting.code == 255)
      #expect(distrusting.err.contains(Registry.tls), "\(distrusting.err)")
    }
  }

  @Test func `the file is named after the image, and goes where --dir says`() throws {
    try RegistryCaller.with { us in
      let image = "docker://\(Registry.plain)/images/tiny"
      let digest = try Registry.digest("tiny")
      let digits = digest.dropFirst("sha256:".count).prefix(12)
      for (words, file) in [
        ([image], "tiny_latest.sif"), (["own.sif", image], "own.sif"),
        ([image + "@" + digest], "tiny_sha256-\(digits).sif"),
        ([image + ":latest@" + digest, "--dir", us.folder], "tiny_latest.sif"),
        (["--name", "named.sif", image], "named.sif"), (["--sandbox", image], "tiny_latest/bin/busybox"),
        (["--dir", us.folder, "there.sif", image], "there.sif"),
      ] {
        try? FileManager.default.removeItem(atPath: us.path(file))
        let outcome = try us.execute([Installed.apus, "pull"] + words)
        #expect(outcome.code == 0, "\(words): \(outcome.err)")
        #expect(FileManager.default.fileExists(atPath: us.path(file)), "\(words)")
      }
    }
  }

  @Test func `what exists is replaced with --force only, and shares nothing with the cache`() throws {
    try RegistryCaller.with { us in
      try us.write("", to: "tiny_latest.sif", content: "precious")
      let image = "docker://\(Registry.plain)/images/tiny"
      let refused = try us.apus("pull", image)
      #expect(refused.code == 255)
      #expect(refused.err.contains("tiny_latest.sif: it exists already"), "\(refused.err)")
      #expect(us.text("tiny_latest.sif") == "precious")
      #expect(try us.apus("pull", "-F", image).code == 0)
      let attributes = try FileManager.default.attributesOfItem(atPath: us.path("tiny_latest.sif"))
      #expect(attributes[.referenceCount] as? Int == 1)
      try us.write("", to: "tiny_latest.sif", content: "changed")
      #expect(try us.pull("\(Registry.plain)/images/tiny", "--offline", to: "again.sif").code == 0)
      #expect(try us.apus("exec", "again.sif", "true").code == 0)
      let folder = try us.apus("pull", "--sandbox", "config", image)
      #expect(folder.code == 0, "\(folder.err)")
      #expect(try us.apus("pull", "--sandbox", "config", image).code == 255)
    }
  }

  @Test func `--disable-cache keeps nothing`() throws {
    try RegistryCaller.with { us in
      let image = "docker://\(Registry.plain)/images/gzip"
      let run = try us.apus("exec", "--disable-cache", image, "sh", "-c", Self.look)
      #expect(run.out == Self.seen, "\(run.err)")
      #expect(try us.apus("pull", "--disable-cache", "one.sif", image).code == 0)
      #expect(!FileManager.default.fileExists(atPath: us.cache))
      // The same bytes as by way of the cache.
      #expect(try us.apus("pull", "two.sif", image).code == 0)
      #expect(try us.bytes("one.sif") == us.bytes("two.sif"))
    }
  }

  /// METHOD and what was asked for: a tag or `blob`, `manifest` for one by digest.
  static func kinds(_ requests: [ProxyRequest]) -> [String] {
    requests.map { request in
      let last = request.path.split(separator: "/").last.map(String.init) ?? ""
      let name =
        request.path.contains("/blobs/") ? "blob" : last.hasPrefix("sha256:") ? "manifest" : last
      return request.method + " " + name
    }
  }

  @Test func `a second run asks once what the tag points to, or not at all`() throws {
    try RegistryCaller.with { us in
      try Registry.withFaults("[]") { scope in
        let image = "docker://\(Registry.proxy)/\(scope)/images/gzip"
        func asked(_ words: [String]) throws -> [String] {
          let before = try Registry.requests(in: scope).count
          let outcome = try us.execute([Installed.apus] + words)
          #expect(outcome.code == 0, "\(words): \(outcome.err)")
          return Self.kinds(Array(try Registry.requests(in: scope).dropFirst(before)))
        }
        let first = try asked(["exec", image, "true"])
        #expect(first.sorted() == ["GET blob", "GET blob", "GET blob", "GET blob", "GET latest"])
        #expect(try asked(["exec", image, "true"]) == [], "within tag ttl")
        #expect(try asked(["--config", us.alwaysAsks, "exec", image, "true"]) == ["HEAD latest"])
        #expect(try asked(["--config", us.alwaysAsks, "exec", "--offline", image, "true"]) == [])
        #expect(try asked(["pull", "out.sif", image]) == ["HEAD latest"])
        #expect(try asked(["pull", "--offline", "offline.sif", image]) == [])
        let digest = image + "@" + (try Registry.digest("gzip"))
        #expect(try asked(["exec", digest, "true"]).count <= 1)
        #expect(try asked(["--config", us.alwaysAsks, "exec", digest, "true"]) == [])
        #expect(try asked(["pull", "digest.sif", digest]) == [])
      }
    }
  }

  @Test(arguments: Caller.allCases)
  func `what is cached runs in an empty network namespace`(caller: Caller) throws {
    try RegistryCaller.with(caller) { us in
      let tag = "docker://\(Registry.plain)/images/gzip"
      let digest = tag + "@" + (try Registry.digest("gzip"))
      for image in [tag, digest] { #expect(try us.apus("exec", image, "true").code == 0) }
      // Root makes the namespace: with one of users around it nobody would be an ordinary user.
      let become = ["/usr/bin/setpriv", "--reuid", "apus-test", "--regid", "apus-test", "--init-groups"]
      let alone = ["/usr/bin/unshare", "-n"] + (caller == .user ? become : [])
      let there = RegistryCaller(folder: us.folder, caller: .root)
      for words in [["--offline", tag], [digest], [tag]] {
        let outcome = try there.execute(alone + [Installed.apus, "exec"] + words + ["cat", "/opt/version"])
        #expect(outcome.line == "second", "\(words): \(outcome.err)")
      }
      let missing = try there.execute(
        alone + [Installed.apus, "exec", "--offline", "docker://\(Registry.plain)/images/zstd", "true"])
      #expect(missing.code == 255)
      #expect(missing.err.contains("offline"), "\(missing.err)")
    }
  }

  @Test func `tags are listed`() throws {
    try RegistryCaller.with { us in
      for name in ["\(Registry.plain)/images/tags", "docker://\(Registry.plain)/images/tags"] {
        let outcome = try us.apus("registry", "tags", name)
        #expect(outcome.out.split(separator: "\n").sorted() == ["1.0", "2.0", "latest"], "\(outcome.err)")
      }
      let json = try us.apus("registry", "tags", "--json", "\(Registry.plain)/images/tags")
      let list = try JSONSerialization.jsonObject(with: Data(json.out.utf8)) as? [String]
      #expect(list?.sorted() == ["1.0", "2.0", "latest"])
      let missing = try us.apus("registry", "tags", "\(Registry.plain)/no/such")
      #expect(missing.code == 255)
      #expect(missing.err.contains("\(Registry.plain)/no/such") && missing.err.contains("404"))
    }
  }

  @Test func `what a registry does not have is named, with what to try`() throws {
    try RegistryCaller.with { us in
      let outcome = try us.pull("\(Registry.plain)/images/gzip:no-such-tag")
      #expect(outcome.code == 255)
      for part in [
        Registry.plain, "images/gzip:no-such-tag", "404", "MANIFEST_UNKNOWN", "apus registry tags",
      ] {
        #expect(outcome.err.contains(part), "\(outcome.err)")
      }
    }
  }
}
