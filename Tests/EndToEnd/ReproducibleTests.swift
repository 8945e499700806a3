import Foundation
import Testing

/// The same image gives the same bytes, whatever differs around it.
@Suite(.enabled(if: Registry.isTested, "its images are made by scripts/test"))
struct ReproducibleTests {
  static let fakeTime = "/usr/bin/faketime"

  enum Difference: String, CaseIterable, Sendable {
    case oneThread, twoThreads, eightThreads, littleMemory, withoutCache, withoutCacheOneThread, warmCache,
      segmentsOnly, root, otherDirectory, otherTimesOfFiles, otherZone, archive, compressedArchive, xzArchive,
      ofSIF, sandboxName
  }

  static func build(_ difference: Difference, _ folder: String) throws -> Data {
    var source = "oci:" + Registry.layout("gzip")
    var caller = Caller.user
    var options: [String] = []
    var variables: [String: String] = [:]
    switch difference {
    case .oneThread: options = ["--threads", "1"]
    case .twoThreads: options = ["--threads", "2"]
    case .eightThreads: options = ["--threads", "8"]
    case .littleMemory: options = ["--mem", "4M"]
    case .withoutCache: options = ["--disable-cache"]
    case .withoutCacheOneThread: options = ["--disable-cache", "--threads", "1"]
    case .warmCache: _ = try ArchiveTests.image(source, folder)
    case .segmentsOnly:
      _ = try ArchiveTests.image(source, folder)
      let clean = try Installed.run(
        "cache", "clean", "--force", "--type", "image", environment: ["APUS_CACHEDIR": folder + "/cache"])
      #expect(clean.code == 0, "\(clean.err)")
    case .root: caller = .root
    case .otherDirectory, .otherTimesOfFiles:
      let copy = folder + "/another place"
      _ = try Installed.execute(["/usr/bin/cp", "-r", Registry.layout("gzip"), copy], as: .user)
      if difference == .otherTimesOfFiles {
        _ = try Installed.execute(
          ["/usr/bin/find", copy, "-exec", "/usr/bin/touch", "-d", "2001-02-03", "{}", "+"], as: .user)
      }
      source = "oci:" + copy
    case .otherZone: variables = ["TZ": "Asia/Tokyo", "LC_ALL": "C", "LANG": "de_DE"]
    case .archive: source = "oci-archive:" + Registry.archive("oci.tar")
    case .compressedArchive: source = "oci-archive:" + Registry.archive("oci.tar.zst")
    case .xzArchive: source = "oci-archive:" + Registry.archive("oci.tar.xz")
    case .sandboxName: source += ":latest"
    case .ofSIF:
      let first = folder + "/first.sif"
      try ArchiveTests.image(source, folder).write(to: URL(fileURLWithPath: first))
      chmod(first, 0o644)
      source = first
    }
    let made = try ArchiveTests.build(source, folder, as: caller, options: options, variables: variables)
    return try #require(made.image, "\(difference): \(made.outcome.err)")
  }

  @Test(arguments: Difference.allCases)
  func `threads, cache, source, caller and place change no byte of an image`(difference: Difference) throws {
    try Installed.withFolder { folder in
      let plain = try ArchiveTests.build(
        "oci:" + Registry.layout("gzip"), folder, variables: ["APUS_CACHEDIR": folder + "/cache-of-its-own"])
      #expect(try Self.build(difference, folder) == plain.image, "\(plain.outcome.err)")
    }
  }

  @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: fakeTime), "needs faketime"))
  func `an image made on another day has the same bytes`() throws {
    try Installed.withFolder { folder in
      var images: [Data] = []
      for day in ["2015-03-04 05:06:07", "2037-08-09 10:11:12"] {
        let out = "\(folder)/\(images.count).sif"
        let outcome = try Installed.execute(
          [
            Self.fakeTime, "-f", "@" + day, Installed.apus, "build", "--disable-cache", out,
            "oci:" + Registry.layout("gzip"),
          ], as: .user)
        #expect(outcome.code == 0, "\(outcome.err)")
        images.append(try Data(contentsOf: URL(fileURLWithPath: out)))
      }
      #expect(images[0] == images[1])
      #expect(try ArchiveTests.image("oci:" + Registry.layout("gzip"), folder) == images[0])
    }
  }

  @Test func `a manifest's digest stands in the image, and the place it came from does not`() throws {
    try Installed.withFolder { folder in
      let image = try ArchiveTests.image("oci:" + Registry.layout("tiny"), folder)
      let sif = folder + "/image.sif"
      try Installed.write(image, to: sif)
      let labels = try Installed.run("inspect", "--labels", sif)
      #expect(labels.out.contains(try Registry.digest("tiny")), "\(labels.out) \(labels.err)")
      #expect(image.range(of: Data(Registry.layout("tiny").utf8)) == nil)
      #expect(image.range(of: Data(folder.utf8)) == nil)
    }
  }

  @Test func `SOURCE_DATE_EPOCH bounds the times of an image`() throws {
    try Installed.withFolder { folder in
      let source = "oci:" + Registry.layout("gzip")
      let early = try ArchiveTests.build(source, folder, variables: ["SOURCE_DATE_EPOCH": "1000000000"])
      let again = try ArchiveTests.build(
        source, folder, options: ["--disable-cache"], variables: ["SOURCE_DATE_EPOCH": "1000000000"])
      #expect(early.image != nil && early.image == again.image, "\(early.outcome.err)")
      #expect(try ArchiveTests.image(source, folder) != early.image)
      let sif = folder + "/early.sif"
      try Installed.write(try #require(early.image), to: sif)
      #expect(try Installed.run("build", "--sandbox", folder + "/root", sif, as: .root).code == 0)
      let times = try Listing.lines(folder + "/root").compactMap { Int($0[5]) }
      #expect(times.count > 50 && times.allSatisfy { $0 <= 1_000_000_000 })
      // What was older stays.
      #expect(times.contains(0))
    }
  }

  @Test(arguments: [[], ["--disable-cache"], ["--compressor", "zstd"], ["--compressor", "xz"]])
  func `nothing of a file that an upper layer removes is in the image`(options: [String]) throws {
    let secret = "secret-of-the-lower-layer-"
    try Installed.withFolder { folder in
      func blocks(_ layout: String, _ options: [String]) throws -> Outcome {
        let sif = folder + "/image.sif"
        let made = try Installed.execute(
          [Installed.apus, "build", "-F"] + options + [sif, "oci:" + layout], as: .user,
          environment: ["APUS_CACHEDIR": folder + "/cache"])
        #expect(made.code == 0, "\(made.err)")
        return try Installed.execute(
          ["/usr/bin/python3", "-B", Installed.checkout + "/Tests/Support/raw-blocks.py", sif, secret],
          as: .user)
      }
      let hidden = try blocks(Registry.layout("gzip"), options)
      #expect(hidden.code == 0 && hidden.out.hasSuffix("found 0 times\n"), "\(hidden.out) \(hidden.err)")
      // The same file where nothing removes it is found: the search can find.
      let shown = try blocks(Registry.layout("top-one"), options)
      #expect(shown.code == 0 && !shown.out.hasSuffix("found 0 times\n"), "\(shown.out) \(shown.err)")
    }
  }
}
