import Foundation
import Testing

/// Archives and layouts in every form that other programs write: the right image is made of them, or they are refused
/// with the names that can be chosen.
@Suite(.enabled(if: Registry.isTested, "its images are made by scripts/test"))
struct ArchiveTests {
  /// What `build` makes of a source, with a cache of its own, and the bytes of the image.
  static func build(
    _ source: String, _ folder: String, as caller: Caller = .user, options: [String] = [],
    variables: [String: String] = [:]
  ) throws -> (outcome: Outcome, image: Data?) {
    let out = folder + "/out-" + UUID().uuidString + ".sif"
    let outcome = try Installed.execute(
      [Installed.apus, "build"] + options + [out, source], as: caller,
      environment: ["APUS_CACHEDIR": folder + "/cache"].merging(variables) { $1 }, directory: folder)
    let image = FileManager.default.contents(atPath: out)
    try? FileManager.default.removeItem(atPath: out)
    #expect((outcome.code == 0) == (image != nil), "\(outcome.err)")
    return (outcome, image)
  }

  /// The bytes of the image that must be made of a source.
  static func image(_ source: String, _ folder: String) throws -> Data {
    let made = try build(source, folder)
    return try #require(made.image, "\(source): \(made.outcome.err)")
  }

  @Test(arguments: [
    "docker.tar", "docker.tar.gz", "docker.tgz", "docker.tar.zst", "docker.tar.xz", "docker-25.tar",
    "docker-25.tar.gz", "docker-25-gzip.tar", "docker-repeated.tar", "docker:with:colons.tar",
    "skopeo-docker.tar", "buildah-docker.tar",
  ])
  func `a docker archive of any form gives an image that runs`(name: String) throws {
    let path = Registry.archive(name)
    guard FileManager.default.fileExists(atPath: path) else {
      // Programs of Debian that not every machine of the tests has.
      #expect(["skopeo-docker.tar", "buildah-docker.tar"].contains(name))
      return
    }
    try Installed.withFolder { folder in
      let outcome = try Installed.run(
        "exec", "--no-home", "docker-archive:" + path, "/bin/sh", "-c",
        "cat /opt/version; cat /data/three; :",
        environment: ["APUS_CACHEDIR": folder + "/cache", "APUS_MOUNT_LINGER": "0"])
      #expect(outcome.code == 0, "\(outcome.err)")
      switch name {
      case "docker-repeated.tar": #expect(outcome.out == "second\nlinked\n")
      case "docker:with:colons.tar", "buildah-docker.tar": #expect(outcome.out == "")
      default: #expect(outcome.out == "second\nlinked\n")
      }
    }
  }

  @Test func `how an archive is compressed makes no difference, nor which program wrote it`() throws {
    try Installed.withFolder { folder in
      let docker = try Self.image("docker-archive:" + Registry.archive("docker.tar"), folder)
      for name in ["docker.tar.gz", "docker.tgz", "docker.tar.zst", "docker.tar.xz"] {
        #expect(try Self.image("docker-archive:" + Registry.archive(name), folder) == docker, "\(name)")
      }
      let layout = try Self.image("oci:" + Registry.layout("gzip"), folder)
      for name in [
        "oci.tar", "oci.tar.gz", "oci.tgz", "oci.tar.zst", "oci.tar.xz", "oci-dots.tar", "oci-duplicate.tar",
      ] {
        #expect(try Self.image("oci-archive:" + Registry.archive(name), folder) == layout, "\(name)")
      }
      // What is a layout and a docker archive at once has the layout's digests, by either name.
      #expect(try Self.image("docker-archive:" + Registry.archive("docker-25-gzip.tar"), folder) == layout)
      #expect(try Self.image("oci-archive:" + Registry.archive("docker-25-gzip.tar"), folder) == layout)
      let plain = try Self.image("oci:" + Registry.layout("plain"), folder)
      #expect(try Self.image("docker-archive:" + Registry.archive("docker-25.tar"), folder) == plain)
      #expect(try Self.image("docker-archive:" + Registry.archive("docker-25.tar.gz"), folder) == plain)
    }
  }

  @Test(arguments: [
    ("docker-archive:", "docker-two.tar:one:latest", "one"), ("docker-archive:", "docker-two.tar:one", "one"),
    ("docker-archive:", "docker-two.tar:docker.io/library/one:latest", "one"),
    ("docker-archive:", "docker-two.tar:@0", "one"), ("docker-archive:", "docker-two.tar:@1", "two"),
    ("docker-archive:", "docker-two.tar:two:alias", "two"),
    ("docker-archive:", "docker-two.tar:example.org:5000/team/two:2.0", "two"),
    ("docker-archive:", "docker-two-untagged.tar:@1", "two"),
    ("oci-archive:", "oci-tags.tar:latest", "latest"), ("oci-archive:", "oci-tags.tar:1.0", "1.0"),
    (
      "oci-archive:", "oci-tags.tar:registry.example:5000/team/name:2.0",
      "registry.example:5000/team/name:2.0"
    ),
    ("oci:", "tags:1.0", "1.0"), ("oci:", "tags:latest", "latest"),
    ("oci:", "tags:registry.example:5000/team/name:2.0", "registry.example:5000/team/name:2.0"),
  ])
  func `one image of several is chosen by its name or its number`(form: String, place: String, text: String)
    throws
  {
    let folder = form == "oci:" ? Registry.layout("") : Registry.archive("")
    try Installed.withFolder { own in
      let outcome = try Installed.run(
        "exec", form + folder + place, "/bin/cat", "/which",
        environment: ["APUS_CACHEDIR": own + "/cache", "APUS_MOUNT_LINGER": "0"])
      #expect(outcome.line == text, "\(outcome.err)")
    }
  }

  @Test func `an image of a layout is chosen by its digest`() throws {
    try Installed.withFolder { folder in
      let whole = try Self.image("oci:" + Registry.layout("tiny"), folder)
      let digest = try Registry.digest("tiny")
      #expect(try Self.image("oci:\(Registry.layout("tiny"))@\(digest)", folder) == whole)
      #expect(try Self.image("oci:" + Registry.layout("no-name"), folder) == whole)
      #expect(try Self.image("oci:\(Registry.layout("no-name"))@\(digest)", folder) == whole)
      let other = "@sha256:" + String(repeating: "0", count: 64)
      let refused = try Self.build("oci:\(Registry.layout("tiny"))\(other)", folder).outcome
      #expect(refused.code == 255 && refused.err.contains("none called \(other)"), "\(refused.err)")
    }
  }

  @Test func `a path with colons is a file before it is a file and a name`() throws {
    try Installed.withFolder { folder in
      let path = Registry.archive("docker:with:colons.tar")
      let whole = try Self.image("docker-archive:" + path, folder)
      #expect(try Self.image("docker-archive:\(path):tiny:latest", folder) == whole)
      // Relative, as most people write it.
      try FileManager.default.copyItem(atPath: path, toPath: folder + "/a:b.tar")
      #expect(try Self.image("docker-archive:a:b.tar", folder) == whole)
      #expect(try Self.image("docker-archive:a:b.tar:tiny", folder) == whole)
    }
  }

  @Test(arguments: [
    (
      "docker-archive:", "docker-two.tar",
      ["more than one", "one:latest, example.org:5000/team/two:2.0, two:alias"]
    ),
    ("docker-archive:", "docker-two-untagged.tar", ["more than one", "@0, @1"]),
    ("docker-archive:", "docker-two.tar:three", ["none called three", "one:latest"]),
    ("docker-archive:", "docker-two.tar:@2", ["none called @2"]),
    ("docker-archive:", "docker:with:colons.tar:none", ["none called none", "tiny:latest"]),
    ("oci-archive:", "oci-tags.tar", ["more than one", "latest, 1.0, registry.example:5000/team/name:2.0"]),
    ("oci-archive:", "oci-tags.tar:3", ["none called 3"]),
    ("docker-archive:", "docker-link-outside.tar", ["it lacks the layer"]),
    ("docker-archive:", "docker-missing-layer.tar", ["it lacks the layer"]),
    ("docker-archive:", "docker-wrong-diff-id.tar", ["decompressed it is sha256:", "wants sha256:"]),
    ("docker-archive:", "docker-swapped.tar", ["decompressed it is sha256:", "wants sha256:"]),
    ("oci-archive:", "oci-wrong-diff-id.tar", ["decompressed it is sha256:", "wants sha256:"]),
    ("oci-archive:", "oci-corrupt-last.tar", ["sha256:"]),
    ("oci-archive:", "oci-truncated.tar", ["ends inside it"]),
    ("oci-archive:", "docker.tar", ["no oci-layout"]),
    ("docker-archive:", "nothing.tar", ["No such file"]),
    ("docker-archive:", "", ["directory"]), ("docker-archive:", "../digests", ["cannot read images"]),
  ])
  func `an archive that holds no single whole image is refused, and says what it has`(
    form: String, name: String, words: [String]
  ) throws {
    try Installed.withFolder { folder in
      for options in [[], ["--disable-cache"]] {
        let outcome = try Self.build(form + Registry.archive(name), folder, options: options).outcome
        #expect(outcome.code == 255)
        #expect(outcome.err.split(separator: "\n").count { $0.hasPrefix("FATAL:   ") } == 1, "\(outcome.err)")
        for word in words {
          #expect(outcome.err.lowercased().contains(word.lowercased()), "\(word): \(outcome.err)")
        }
      }
    }
  }

  @Test func `a compressed archive leaves nothing where it was decompressed`() throws {
    try Installed.withFolder { folder in
      let scratch = folder + "/scratch"
      try FileManager.default.createDirectory(
        atPath: scratch, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o777])
      chmod(scratch, 0o777)
      let made = try Self.build(
        "docker-archive:" + Registry.archive("docker.tar.gz"), folder, options: ["--tmpdir", scratch])
      #expect(made.image != nil, "\(made.outcome.err)")
      #expect(try FileManager.default.contentsOfDirectory(atPath: scratch) == [])
    }
  }

  @Test(arguments: ["gzip", "zstd", "plain", "members", "skippable", "schema2", "mislabelled"])
  func `a layer packed in any way has the same contents`(layout: String) throws {
    try Installed.withFolder { folder in
      // Manifests differ, and with them the digest in the labels; the tree is one.
      var trees: [[[String]]] = []
      for name in ["gzip", layout] {
        let out = "\(folder)/\(name).sif"
        let made = try Installed.run(
          "build", "-F", out, "oci:" + Registry.layout(name),
          environment: ["APUS_CACHEDIR": "\(folder)/cache-\(trees.count)"])
        #expect(made.code == 0, "\(made.err)")
        let root = "\(folder)/root-\(trees.count)"
        #expect(try Installed.run("build", "--sandbox", root, out, as: .root).code == 0)
        trees.append(try Listing.lines(root).filter { !$0[0].hasPrefix(".singularity.d") })
      }
      #expect(trees[0].count > 80 && trees[0] == trees[1])
    }
  }
}
