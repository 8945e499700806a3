import Foundation
import Testing

/// The cache through its commands, and what images do when there is no room for them.
@Suite(.enabled(if: Registry.isTested, "its images are made by scripts/test"))
struct CacheCommandTests {
  static func withCache<T>(_ body: (_ cache: String, _ folder: String) throws -> T) throws -> T {
    try Installed.withFolder { folder in try body(folder + "/cache", folder) }
  }

  static func apus(_ words: [String], _ cache: String, as caller: Caller = .user) throws -> Outcome {
    try Installed.execute(
      [Installed.apus] + words, as: caller,
      environment: ["APUS_CACHEDIR": cache, "APUS_MOUNT_LINGER": "0", "APUS_NO_HTTPS": "1"])
  }

  static var tiny: String { "docker://\(Registry.plain)/images/tiny" }

  /// How many entries of each type `cache list` tells of.
  static func counts(_ cache: String, as caller: Caller = .user) throws -> [String: Int] {
    let list = try apus(["cache", "list", "--json"], cache, as: caller)
    let json = try #require(try JSONSerialization.jsonObject(with: Data(list.out.utf8)) as? [String: Any])
    let types = try #require(json["types"] as? [[String: Any]])
    return Dictionary(
      uniqueKeysWithValues: types.compactMap { type in
        (type["type"] as? String).flatMap { name in (type["count"] as? Int).map { (name, $0) } }
      }.filter { $0.1 > 0 })
  }

  /// Files of the cache by folder, whatever the commands tell.
  static func files(_ cache: String) throws -> [String] {
    try FileManager.default.subpathsOfDirectory(atPath: cache).filter { path in
      var isFolder: ObjCBool = false
      return FileManager.default.fileExists(atPath: cache + "/" + path, isDirectory: &isFolder)
        && !isFolder.boolValue
    }
  }

  @Test func `list tells what there is, of which type, and what leads to it`() throws {
    try Self.withCache { cache, _ in
      #expect(try Self.apus(["exec", Self.tiny, "true"], cache).code == 0)
      let counts = try Self.counts(cache)
      #expect(
        counts["image"] == 1 && counts["segment"] == 1 && counts["tag"] == 1 && counts["manifest"] != nil)
      #expect(counts["partial"] == nil, "a download that is done left its parts")
      let plain = try Self.apus(["cache", "list"], cache)
      #expect(plain.out.hasPrefix("There are 1 container file(s) using "), "\(plain.out)")
      let table = try Self.apus(["cache", "list", "-v"], cache)
      #expect(table.out.contains("NAME") && table.out.contains(Self.tiny), "\(table.out)")
      let images = try Self.apus(["cache", "list", "-v", "--type", "image"], cache)
      #expect(!images.out.contains("segment ") && images.out.contains("image "), "\(images.out)")
      let wrong = try Self.apus(["cache", "list", "--type", "thing"], cache)
      #expect(wrong.code == 1 && wrong.err.contains("image, segment, manifest"), "\(wrong.err)")
    }
  }

  @Test func `an empty cache is listed and cleaned like any other`() throws {
    try Self.withCache { cache, _ in
      #expect(try Self.counts(cache) == [:])
      #expect(try Self.apus(["cache", "list"], cache).out.hasPrefix("There are 0 container file(s)"))
      let clean = try Self.apus(["cache", "clean", "--force"], cache)
      #expect(clean.code == 0 && clean.err.contains("No cached files"), "\(clean.err)")
    }
  }

  @Test func `clean asks, pretends, and removes by type and by age`() throws {
    try Self.withCache { cache, _ in
      #expect(try Self.apus(["exec", Self.tiny, "true"], cache).code == 0)
      let all = try Self.counts(cache)
      let unasked = try Self.apus(["cache", "clean"], cache)
      #expect(unasked.code == 255 && unasked.err.contains("--force"), "\(unasked.err)")
      let dry = try Self.apus(["cache", "clean", "--dry-run", "--json"], cache)
      let told = try JSONSerialization.jsonObject(with: Data(dry.out.utf8)) as? [String: Any]
      #expect(told?["dryRun"] as? Bool == true)
      #expect((told?["removed"] as? [Any])?.count == all.values.reduce(0, +))
      #expect(try Self.counts(cache) == all)
      // By age: nothing is old, then the segment is.
      #expect(try Self.apus(["cache", "clean", "--force", "--days", "3"], cache).code == 0)
      #expect(try Self.counts(cache) == all)
      for name in try FileManager.default.contentsOfDirectory(atPath: cache + "/segments") {
        _ = try Installed.execute(
          ["/usr/bin/touch", "-d", "5 days ago", cache + "/segments/" + name], as: .root)
      }
      #expect(try Self.apus(["cache", "clean", "--force", "--days", "7"], cache).code == 0)
      #expect(try Self.counts(cache) == all)
      #expect(try Self.apus(["cache", "clean", "--force", "--days", "3"], cache).code == 0)
      #expect(try Self.counts(cache) == all.filter { $0.key != "segment" })
      // By type.
      #expect(try Self.apus(["cache", "clean", "--force", "--type", "manifest,tag"], cache).code == 0)
      #expect(try Self.counts(cache) == ["image": 1])
      #expect(try Self.apus(["cache", "clean", "--force", "--type", "image"], cache).code == 0)
      #expect(try Self.counts(cache) == [:])
      #expect(try Self.apus(["cache", "clean", "--force", "--days", "many"], cache).code == 1)
    }
  }

  @Test func `clean leaves nothing but empty folders`() throws {
    try Self.withCache { cache, _ in
      #expect(try Self.apus(["exec", Self.tiny, "true"], cache).code == 0)
      var left: [String] = []
      // The server of the image leaves a moment after its last program.
      for _ in 0..<60 {
        #expect(try Self.apus(["cache", "clean", "--force"], cache).code == 0)
        left = try Self.files(cache).filter { !$0.hasPrefix("locks/") && $0 != "CACHEDIR.TAG" }
        if left == [] { break }
        usleep(100_000)
      }
      #expect(left == [], "\(left)")
    }
  }

  @Test(arguments: [[], ["--no-shared-mount"]] as [[String]])
  func `an image that a program runs from survives clean, and goes afterwards`(options: [String]) throws {
    try Self.withCache { cache, _ in
      let running = try Running(
        [Installed.apus, "exec"] + options + [
          Self.tiny, "/bin/sh", "-c", "echo up; read x; exec ls /bin/busybox",
        ],
        environment: ["APUS_CACHEDIR": cache, "APUS_MOUNT_LINGER": "0", "APUS_NO_HTTPS": "1"])
      try #require(running.line() == "up")
      let clean = try Self.apus(["cache", "clean", "--force"], cache)
      #expect(clean.code == 0 && clean.err.contains("in use"), "\(clean.err)")
      #expect(try Self.counts(cache) == ["image": 1])
      running.say("go on")
      let outcome = try running.finish()
      #expect(outcome.code == 0 && outcome.out == "/bin/busybox\n", "\(outcome.err)")
      var left = [String: Int]()
      for _ in 0..<60 {
        #expect(try Self.apus(["cache", "clean", "--force"], cache).code == 0)
        left = try Self.counts(cache)
        if left == [:] { break }
        usleep(100_000)
      }
      #expect(left == [:])
    }
  }

  @Test func `above its limit the cache loses what was not used for the longest time`() throws {
    try Self.withCache { cache, folder in
      let settings = folder + "/apus.conf"
      // The layers of `large` and the image of them take 32 MB together, one of the small ones 2 MB.
      try Installed.write(Data("cache max size = 32\n".utf8), to: settings)
      for name in ["tiny", "top-one"] {
        let out = try Self.apus(["exec", "oci:" + Registry.layout(name), "true"], cache)
        #expect(out.code == 0, "\(out.err)")
      }
      // The first of them was used last.
      for place in ["images", "segments"] {
        for name in try FileManager.default.contentsOfDirectory(atPath: "\(cache)/\(place)") {
          _ = try Installed.execute(
            ["/usr/bin/touch", "-d", "9 days ago", "\(cache)/\(place)/\(name)"], as: .root)
        }
      }
      let images = try FileManager.default.contentsOfDirectory(atPath: cache + "/images")
      #expect(images.count == 2)
      let again = try Self.apus(["exec", "oci:" + Registry.layout("tiny"), "true"], cache)
      #expect(again.code == 0, "\(again.err)")
      let used = images.filter { name in
        let facts = try? FileManager.default.attributesOfItem(atPath: "\(cache)/images/\(name)")
        return (facts?[.modificationDate] as? Date).map { $0.timeIntervalSinceNow > -3600 } ?? false
      }
      try #require(used.count == 1)
      let large = try Self.apus(
        ["--config", settings, "exec", "oci:" + Registry.layout("large"), "true"], cache)
      #expect(large.code == 0, "\(large.err)")
      let sizes = try Self.files(cache).map { path in
        try FileManager.default.attributesOfItem(atPath: cache + "/" + path)[.size] as? Int ?? 0
      }
      #expect(sizes.reduce(0, +) <= 32 << 20, "\(sizes)")
      let left = try FileManager.default.contentsOfDirectory(atPath: cache + "/images")
      #expect(left.contains(used[0]) && left.count == 2, "\(images) \(left)")
    }
  }

  @Test func `an exported store serves another user without any network`() throws {
    try Self.withCache { cache, folder in
      #expect(try Self.apus(["exec", Self.tiny, "true"], cache, as: .root).code == 0)
      let store = folder + "/store"
      let exported = try Self.apus(["cache", "export", store, Self.tiny], cache, as: .root)
      #expect(exported.code == 0 && exported.err.contains("exported"), "\(exported.err)")
      let before = try Listing.lines(store)
      let settings = folder + "/apus.conf"
      try Installed.write(Data("image store = /nonexistent,\(store)\n".utf8), to: settings)
      let own = folder + "/own"
      let refused = try Self.apus(["exec", "--offline", Self.tiny, "true"], own)
      #expect(refused.code == 255 && refused.err.contains("--offline"), "\(refused.err)")
      let words = ["--config", settings, "exec", "--offline", Self.tiny, "cat", "/etc/group"]
      let outcome = try Self.apus(words, own)
      #expect(outcome.code == 0 && outcome.out.contains("worker"), "\(outcome.err)")
      // Root alone can enter a network namespace without a user namespace around it.
      let alone = try Installed.execute(
        ["/usr/bin/unshare", "-n", Installed.apus] + words, as: .root,
        environment: ["APUS_CACHEDIR": folder + "/roots", "APUS_MOUNT_LINGER": "0"])
      #expect(alone.code == 0 && alone.out.contains("worker"), "\(alone.err)")
      #expect(try Listing.lines(store) == before, "the store was written to")
      #expect(try Self.counts(own)["image"] == nil, "what a store has is not copied")
    }
  }

  @Test func `a layer of a store is used as it is, and not if one byte of it has changed`() throws {
    try Self.withCache { cache, folder in
      let image = "docker://\(Registry.plain)/images/gzip"
      let words = ["pull", "-F", folder + "/out.sif", image]
      #expect(try Self.apus(words, cache).code == 0)
      let expected = try Data(contentsOf: URL(fileURLWithPath: folder + "/out.sif"))
      let store = folder + "/store"
      _ = try Installed.execute(["/usr/bin/cp", "-R", cache, store], as: .root)
      _ = try Installed.execute(["/usr/bin/chmod", "-R", "a+rX", store], as: .root)
      // Only its layers: the image is made anew.
      for kind in ["images", "tags", "manifests", "locks"] {
        _ = try Installed.execute(["/usr/bin/rm", "-rf", store + "/" + kind], as: .root)
      }
      let settings = folder + "/apus.conf"
      try Installed.write(Data("image store = \(store)\n".utf8), to: settings)
      func pull(_ own: String) throws -> Outcome {
        try Self.apus(["--config", settings] + words, folder + "/" + own)
      }
      let whole = try pull("one")
      #expect(whole.code == 0 && !whole.err.contains("WARNING"), "\(whole.err)")
      #expect(try Data(contentsOf: URL(fileURLWithPath: folder + "/out.sif")) == expected)
      #expect(try Self.counts(folder + "/one")["segment"] == nil, "what a store has is not made again")
      for name in try FileManager.default.contentsOfDirectory(atPath: store + "/segments") {
        let path = store + "/segments/" + name
        var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        bytes[40] ^= 1
        try bytes.write(to: URL(fileURLWithPath: path))
        chmod(path, 0o644)
      }
      let changed = try pull("two")
      #expect(changed.code == 0, "\(changed.err)")
      #expect(changed.err.contains("its data are not what was written; it is made anew"), "\(changed.err)")
      #expect(try Data(contentsOf: URL(fileURLWithPath: folder + "/out.sif")) == expected)
      #expect((try Self.counts(folder + "/two")["segment"] ?? 0) > 0)
      // Those are found before the store's.
      _ = try Installed.execute(
        ["/usr/bin/rm", "-rf", folder + "/two/images", folder + "/two/tags"], as: .root)
      let again = try pull("two")
      #expect(again.code == 0 && !again.err.contains("WARNING"), "\(again.err)")
    }
  }

  @Test func `an exported store is imported, verified, and a damaged one refused`() throws {
    try Self.withCache { cache, folder in
      #expect(try Self.apus(["exec", Self.tiny, "true"], cache).code == 0)
      let store = folder + "/store"
      #expect(try Self.apus(["cache", "export", store], cache).code == 0)
      let twice = try Self.apus(["cache", "export", store], cache)
      #expect(twice.code == 0 && twice.err.contains("3 were there already"), "\(twice.err)")
      let other = folder + "/other"
      let imported = try Self.apus(["cache", "import", store], other)
      #expect(imported.code == 0, "\(imported.err)")
      #expect(try Self.apus(["exec", "--offline", Self.tiny, "true"], other).code == 0)
      let unknown = try Self.apus(["cache", "export", store, "docker://example.org/none"], cache)
      #expect(unknown.code == 255 && unknown.err.contains("example.org/none"), "\(unknown.err)")
      // One byte of the image.
      let images = store + "/images/"
      let image = images + (try #require(try FileManager.default.contentsOfDirectory(atPath: images).first))
      chmod(image, 0o644)
      var bytes = try Data(contentsOf: URL(fileURLWithPath: image))
      bytes[bytes.count / 2] ^= 1
      try bytes.write(to: URL(fileURLWithPath: image))
      let third = folder + "/third"
      let refused = try Self.apus(["cache", "import", store], third)
      #expect(refused.code == 255, "\(refused.err)")
      #expect(try Self.counts(third)["image"] == nil)
      #expect(try Self.apus(["cache", "import", folder + "/nothing"], third).code == 255)
    }
  }

  // MARK: no room

  /// Where the room ends.
  enum Place: String, CaseIterable, Sendable {
    case segment, image, output, directOutput, decompressedArchive, unnamedSegment
  }

  /// A small file system in memory, gone with the body.
  static func withRoom<T>(_ kibibytes: Int, in folder: String, _ body: (_ place: String) throws -> T) throws
    -> T
  {
    let place = folder + "/room"
    try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: false)
    let mounted = try Installed.execute(
      ["/usr/bin/mount", "-t", "tmpfs", "-o", "size=\(kibibytes)k,mode=0777", "room", place], as: .root)
    try #require(mounted.code == 0, "\(mounted.err)")
    defer {
      // The server of an image in it leaves a moment after its last program.
      for _ in 0..<60 where (try? Installed.execute(["/usr/bin/umount", place], as: .root))?.code != 0 {
        usleep(100_000)
      }
    }
    return try body(place)
  }

  @Test(arguments: Place.allCases)
  func `a full file system is one failure that names the path, and the next try works when there is room`(
    place: Place
  ) throws {
    try Installed.withFolder { folder in
      // 15 MB that do not compress: enough for the layers and not for the image made of them, or for neither.
      try Self.withRoom(place == .image ? 20 << 10 : 2 << 10, in: folder) { room in
        let out = [.output, .directOutput].contains(place) ? room + "/out.sif" : folder + "/out.sif"
        let cache = [.segment, .image].contains(place) ? room + "/cache" : folder + "/cache"
        // What is built goes to its file; what is run goes into the cache.
        var words = place == .image ? ["exec"] : ["build"]
        var source = "oci:" + Registry.layout("large")
        switch place {
        case .directOutput: words.append("--disable-cache")
        case .decompressedArchive:
          words += ["--tmpdir", room]
          source = "docker-archive:" + Registry.archive("docker.tar.gz")
        case .unnamedSegment:
          words += ["--disable-cache", "--no-https", "--tmpdir", room]
          source = "docker://\(Registry.plain)/images/large"
        default: break
        }
        words += place == .image ? [source, "true"] : [out, source]
        let outcome = try Self.apus(words, cache)
        #expect(outcome.code == 255, "\(outcome.err)")
        #expect(
          outcome.err.split(separator: "\n").count { $0.hasPrefix("FATAL:   ") } == 1
            && outcome.err.lowercased().contains("no space left") && outcome.err.contains(room),
          "\(outcome.err)")
        let told = try Regex(
          ": (about|at least) [0-9.]+ (bytes|[KM]iB) are needed there, [0-9.]+ (bytes|[KM]iB) are free\n")
        #expect(outcome.err.contains(told), "\(outcome.err)")
        let remedy =
          switch place {
          case .segment, .image: "APUS_CACHEDIR"
          case .decompressedArchive, .unnamedSegment: "--tmpdir"
          case .output, .directOutput: "name another place"
          }
        #expect(outcome.err.contains(remedy), "\(outcome.err)")
        #expect(!FileManager.default.fileExists(atPath: out))
        let half = try Self.files(room).filter { path in
          // Whole objects, notes about locks, and parts of a download that go on from there.
          path != "cache/CACHEDIR.TAG"
            && !["cache/segments/", "cache/locks/", "cache/manifests/", "cache/partial/"].contains {
              path.hasPrefix($0)
            }
        }
        #expect(half == [])
        if cache.hasPrefix(room) {
          #expect(try Self.counts(cache)["image"] == nil)
          #expect(try Self.counts(cache)["segment"] == (place == .image ? 3 : nil) || place == .segment)
        }
        let larger = try Installed.execute(
          ["/usr/bin/mount", "-o", "remount,size=64m", room], as: .root)
        try #require(larger.code == 0, "\(larger.err)")
        let next = try Self.apus(words, cache)
        #expect(next.code == 0, "\(next.err)")
        if place != .image { #expect(try Self.apus(["exec", out, "true"], cache).code == 0) }
      }
    }
  }

  @Test(arguments: ["pwrite64", "fsync", "linkat", "renameat", "renameat2", "copy_file_range", "mkdirat"])
  func `a full disk at any call of a conversion is one clear failure, and the next one works`(call: String)
    throws
  {
    try Self.withCache { cache, folder in
      let out = folder + "/out.sif"
      let words = [
        "/usr/bin/env", "APUS_CACHEDIR=" + cache, Installed.apus, "build", "-F", "--threads", "2", out,
        "oci:" + Registry.layout("gzip"),
      ]
      func prepare() throws {
        _ = try Installed.execute(["/usr/bin/rm", "-rf", cache, out], as: .root)
      }
      try prepare()
      let counts = try FaultTests.counts([call], words, as: .user, folder)
      for number in FaultTests.places(counts[call] ?? 0) {
        try prepare()
        let outcome = try FaultTests.inject("\(call):error=ENOSPC:when=\(number)+", words, as: .user)
        // Threads share the calls anew each time, and what only marks time may fail.
        if outcome.code != 0 {
          #expect(outcome.code == 255, "\(call) \(number): \(outcome.err)")
          #expect(
            outcome.err.split(separator: "\n").count { $0.hasPrefix("FATAL:   ") } == 1
              && outcome.err.lowercased().contains("no space"), "\(call) \(number): \(outcome.err)")
          #expect(!FileManager.default.fileExists(atPath: out), "\(call) \(number)")
        }
        let next = try Installed.execute(words, as: .user)
        #expect(next.code == 0, "\(call) \(number): \(next.err)")
        let names = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
        #expect(names == ["cache", "out.sif"], "\(call) \(number) left \(names)")
      }
    }
  }
}
