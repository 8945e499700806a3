import Foundation
import Testing

/// `oras://`: SIFs in registries, as Apptainer keeps them there.
@Suite(.enabled(if: Registry.isTested, "its images are made by scripts/test")) struct ArtifactTests {
  /// A SIF of the caller's, pulled once.
  static func image(_ us: RegistryCaller) throws -> String {
    let outcome = try us.pull("\(Registry.plain)/images/tiny", to: "image.sif")
    #expect(outcome.code == 0, "\(outcome.err)")
    return "image.sif"
  }

  static func name() -> String { "artifact-\(UUID().uuidString.lowercased())/image:1.0" }

  @Test(arguments: Caller.allCases)
  func `what is pushed comes back byte for byte and runs`(caller: Caller) throws {
    try RegistryCaller.with(caller) { us in
      let file = try Self.image(us)
      let place = "oras://\(Registry.plain)/\(Self.name())"
      let pushed = try us.apus("push", file, place)
      #expect(pushed.code == 0, "\(pushed.err)")
      #expect(pushed.line.hasPrefix("sha256:") && pushed.line.count == 71)
      #expect(pushed.err.contains("no signature"))
      #expect(try us.apus("push", "-U", file, place).err.contains("no signature") == false)
      let pulled = try us.pull(place, to: "back.sif")
      #expect(pulled.code == 0, "\(pulled.err)")
      #expect(try us.bytes("back.sif") == us.bytes(file))
      #expect(try us.pull(place, "--disable-cache", to: "uncached.sif").code == 0)
      #expect(try us.bytes("uncached.sif") == us.bytes(file))
      #expect(try us.apus("exec", place, "echo", "from the registry").line == "from the registry")
      #expect(us.cached("partial") == [])
    }
  }

  enum Telling: String, CaseIterable, Sendable { case lines, json, quiet, bars }

  @Test(arguments: Telling.allCases)
  func `a push tells how far it is in the form that is asked for`(telling: Telling) throws {
    try RegistryCaller.with { us in
      let file = try Self.image(us)
      let place = "oras://\(Registry.plain)/\(Self.name())"
      switch telling {
      case .lines:
        let outcome = try us.apus("push", "-U", file, place)
        #expect(
          outcome.err.contains("INFO:    Layer ") && outcome.err.contains(" sent in "), "\(outcome.err)")
        #expect(!outcome.err.contains("\u{1B}"))
        let again = try us.apus("push", "-U", file, place)
        #expect(!again.err.contains("Layer "), "\(again.err)")
      case .json:
        let outcome = try us.apus("push", "-U", "--progress=json", file, place)
        let events = try outcome.err.split(separator: "\n").map {
          try #require(try Peers.object(String($0)), "\($0)")["event"] as? String
        }
        #expect(events.first == "layer" && events.last == "done", "\(outcome.err)")
      case .quiet:
        let outcome = try us.apus("--quiet", "push", "-U", file, place)
        #expect(outcome.err == "" && outcome.line.hasPrefix("sha256:"), "\(outcome.err)")
      case .bars:
        let outcome = try LoginTests.atTerminal(us, [], "push", "-U", file, place)
        #expect(outcome.code == 0 && outcome.out.contains("B/s"), "\(outcome.out)")
        // What was drawn is taken back, and one line stays.
        let screen = outcome.out.components(separatedBy: "\u{1B}[J").last ?? ""
        #expect(screen.contains("sent in") && !screen.contains("=="), "\(outcome.out)")
      }
    }
  }

  @Test func `a second push asks for both blobs and sends the manifest`() throws {
    try RegistryCaller.with { us in
      let file = try Self.image(us)
      try Registry.withFaults("[]") { scope in
        let place = "oras://\(Registry.proxy)/\(scope)/artifact-\(scope)/image:1.0"
        let first = try us.apus("push", "-U", file, place)
        #expect(first.code == 0, "\(first.err)")
        let before = try Registry.requests(in: scope).count
        let second = try us.apus("push", "-U", file, place)
        #expect(second.code == 0, "\(second.err)")
        #expect(second.out == first.out)
        #expect(second.err.contains("had the image already"))
        let asked = try Registry.requests(in: scope).dropFirst(before).map(\.method)
        #expect(asked == ["HEAD", "HEAD", "PUT"])
      }
    }
  }

  @Test func `of SIFs for several machines comes the one that was asked for`() throws {
    try RegistryCaller.with { us in
      let repository = "artifact-\(UUID().uuidString.lowercased())/image"
      var entries: [[String: Any]] = []
      for (architecture, image) in [("amd64", "tiny"), ("arm64", "top-one")] {
        #expect(try us.pull("\(Registry.plain)/images/\(image)", to: architecture + ".sif").code == 0)
        let pushed = try us.apus(
          "push", "-U", architecture + ".sif", "oras://\(Registry.plain)/\(repository):\(architecture)")
        #expect(pushed.code == 0, "\(pushed.err)")
        entries.append([
          "mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": pushed.line,
          "size": try Self.manifestText("\(repository):\(architecture)").utf8.count,
          "platform": ["os": "linux", "architecture": architecture],
        ])
      }
      let kind = "application/vnd.oci.image.index.v1+json"
      let index = try JSONSerialization.data(
        withJSONObject: ["schemaVersion": 2, "mediaType": kind, "manifests": entries] as [String: Any])
      try us.write("", to: "index.json", content: String(decoding: index, as: UTF8.self))
      let order = "file=\(kind)=\(us.path("index.json"))=\(repository):all"
      let script = Installed.checkout + "/scripts/test-oci-images"
      #expect(try Installed.execute([script, "push-one", Registry.folder, order], as: .root).code == 0)
      for architecture in ["amd64", "arm64"] {
        let outcome = try us.pull(
          "oras://\(Registry.plain)/\(repository):all", "--arch", architecture, to: "pulled.sif")
        #expect(outcome.code == 0, "\(outcome.err)")
        #expect(try us.bytes("pulled.sif") == us.bytes(architecture + ".sif"))
      }
      let other = try us.pull("oras://\(Registry.plain)/\(repository):all", "--arch", "s390x")
      #expect(other.code == 255)
      #expect(other.err.contains("linux/arm64"), "\(other.err)")
    }
  }

  @Test func `an upload that fails on its way is begun anew`() throws {
    try RegistryCaller.with { us in
      let file = try Self.image(us)
      let rules = #"""
        [{"scope": "SCOPE", "method": "PUT", "path": "/blobs/uploads/", "status": 503, "times": 1},
         {"scope": "SCOPE", "method": "POST", "path": "/blobs/uploads/", "status": 500, "times": 1},
         {"scope": "SCOPE", "method": "PUT", "path": "/manifests/", "status": 502, "times": 1}]
        """#
      try Registry.withFaults(rules) { scope in
        let place = "artifact-\(scope)/image:1.0"
        let outcome = try us.apus("push", "-U", file, "oras://\(Registry.proxy)/\(scope)/\(place)")
        #expect(outcome.code == 0, "\(outcome.err)")
        #expect(try us.pull("oras://\(Registry.plain)/\(place)", to: "back.sif").code == 0)
        #expect(try us.bytes("back.sif") == us.bytes(file))
      }
    }
  }

  @Test func `a push without the right to is one clear error`() throws {
    try RegistryCaller.with { us in
      let file = try Self.image(us)
      let place = "oras://\(Registry.bearer)/\(Self.name())"
      let nobody = try us.apus("push", "-U", file, place)
      #expect(nobody.code == 255)
      #expect(nobody.err.contains("apus registry login \(Registry.bearer)"), "\(nobody.err)")
      let known = try us.apus(
        "push", "-U", "--username", Registry.user, "--password-stdin", file, place, input: Registry.password)
      #expect(known.code == 0, "\(known.err)")
    }
  }

  @Test func `an image and a SIF are told apart, and each error names the other scheme`() throws {
    try RegistryCaller.with { us in
      let place = "\(Registry.plain)/\(Self.name())"
      #expect(try us.apus("push", "-U", Self.image(us), "oras://" + place).code == 0)
      let asImage = try us.pull("docker://" + place)
      #expect(asImage.code == 255)
      #expect(asImage.err.contains("it is a SIF artifact") && asImage.err.contains("use oras://"))
      let asFile = try us.pull("oras://\(Registry.plain)/images/tiny")
      #expect(asFile.code == 255)
      #expect(asFile.err.contains("use docker:// instead of oras://"), "\(asFile.err)")
    }
  }

  @Test func `only a SIF is pushed, under oras:// only`() throws {
    try RegistryCaller.with { us in
      try us.write("", to: "text", content: "no image")
      for path in ["text", us.folder] {
        let text = try us.apus("push", path, "oras://\(Registry.plain)/\(Self.name())")
        #expect(text.code == 255)
        #expect(text.err.contains("FATAL:   cannot push \(path): it is no SIF"), "\(text.err)")
      }
      let scheme = try us.apus("push", Self.image(us), "docker://\(Registry.plain)/\(Self.name())")
      #expect(scheme.code != 0)
      #expect(scheme.err.contains("oras://HOST/NAME:TAG"))
    }
  }

  /// The manifest of an artifact in the plain registry.
  static func manifestText(_ name: String) throws -> String {
    let parts = name.split(separator: ":").map(String.init)
    let outcome = try Installed.execute(
      [
        "/usr/bin/curl", "-sSf", "-H", "Accept: application/vnd.oci.image.manifest.v1+json",
        "http://\(Registry.plain)/v2/\(parts[0])/manifests/\(parts[1])",
      ], as: .root)
    #expect(outcome.code == 0, "\(outcome.err)")
    return outcome.out
  }

  static func manifest(_ name: String) throws -> NSDictionary {
    try #require(try Peers.object(manifestText(name)))
  }

  @Test(.enabled(if: Peers.arePresent))
  func `Apptainer's push and ours differ in no key, and each pulls what the other pushed`() throws {
    try RegistryCaller.with { us in
      let file = us.path(try Self.image(us))
      let ours = Self.name()
      let theirs = Self.name()
      #expect(try us.apus("push", "-U", file, "oras://\(Registry.plain)/\(ours)").code == 0)
      let variables = ["APPTAINER_CACHEDIR": us.path("theirs")]
      let pushed = try Peers.apptainer(
        ["push", "--no-https", "-U", file, "oras://\(Registry.plain)/\(theirs)"], variables)
      #expect(pushed.code == 0, "\(pushed.err)")
      #expect(try Self.manifest(ours) == Self.manifest(theirs))
      let pulled = try Peers.apptainer(
        ["pull", "--no-https", us.path("by-apptainer.sif"), "oras://\(Registry.plain)/\(ours)"], variables)
      #expect(pulled.code == 0, "\(pulled.err)")
      #expect(try us.bytes("by-apptainer.sif") == us.bytes("image.sif"))
      let back = try us.pull("oras://\(Registry.plain)/\(theirs)", to: "by-us.sif")
      #expect(back.code == 0, "\(back.err)")
      #expect(try us.bytes("by-us.sif") == us.bytes("image.sif"))
    }
  }
}
