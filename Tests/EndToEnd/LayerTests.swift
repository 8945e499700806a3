import Foundation
import Testing

/// What one thing of a listing must be: words that its line has, the path first. `!PATH`: nothing has that path.
struct ListedFact: ExpressibleByStringLiteral, Sendable {
  let words: [String]
  init(stringLiteral text: String) { words = text.split(separator: " ").map(String.init) }

  func holds(in lines: [[String]]) -> Bool {
    if words[0].hasPrefix("!") { return !lines.contains { $0[0] == words[0].dropFirst() } }
    return lines.contains { line in line[0] == words[0] && words.dropFirst().allSatisfy(line.contains) }
  }
}

/// A folder's objects as Tests/Support/list-tree.py tells them.
enum Listing {
  static func lines(_ folder: String, without: String = "none") throws -> [[String]] {
    let outcome = try Installed.execute(
      [
        "/usr/bin/python3", "-B", Installed.checkout + "/Tests/Support/list-tree.py", "--without", without,
        folder,
      ], as: .root)
    #expect(outcome.code == 0, "\(outcome.err)")
    return outcome.out.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
  }

  /// What every image is given, unless it has it: not what its layers say.
  static func isGiven(_ path: String) -> Bool {
    path == ".singularity.d" || path.hasPrefix(".singularity.d/")
      || [
        ".exec", ".run", ".shell", ".test", "singularity", "environment", "dev", "proc", "sys", "home", "etc",
        "root", "tmp", "var", "var/tmp", "etc/hosts", "etc/resolv.conf",
      ].contains(path)
  }
}

/// Layers with one odd or hostile thing each (Tests/Support/registry/edge-layers.py): the result is the one that is
/// written here, the same for an ordinary user as for root, and nothing of the host is touched.
@Suite(.enabled(if: Registry.isTested, "its images are made by scripts/test"))
struct LayerTests {
  enum Result: Sendable {
    /// One failure whose text has these words.
    case refused([String])
    case made([ListedFact], warning: String? = nil)

    static func refused(_ words: String...) -> Result { .refused(words) }
    static func made(_ facts: ListedFact...) -> Result { .made(facts) }
  }

  struct Row: Sendable, CustomTestStringConvertible {
    let image: String
    let result: Result
    init(_ image: String, _ result: Result) { (self.image, self.result) = (image, result) }
    var testDescription: String { image }
  }

  static var images: String { Installed.folder("APUS_OCI_IMAGES") + "/edge" }
  /// What the images aim at.
  static var host: String { Installed.folder("APUS_OCI_IMAGES") + "/edge-host" }
  /// The same below the root of an image.
  static var inside: String { String(host.dropFirst()) }

  static let links = [
    // The links are the image's own: they lead to a folder of that name in the image.
    Row(
      "etc-link",
      .made([
        .init(stringLiteral: "\(inside)/passwd file =upper%0A"), .init(stringLiteral: "\(inside)/hosts file"),
        "!etc/passwd",
      ])),
    Row(
      "etc-link-up",
      .made([
        .init(stringLiteral: "\(inside)/passwd file =upper%0A"),
        .init(stringLiteral: "\(inside)/resolv.conf file"),
      ])),
    Row("etc-link-one-layer", .made([.init(stringLiteral: "\(inside)/passwd file =upper%0A")])),
    Row("up-link", .made([.init(stringLiteral: "\(inside)/new file =in%20the%20layer%0A"), "up link"])),
    Row("up-link-one-layer", .made([.init(stringLiteral: "\(inside)/new file"), "up link"])),
    // Without a folder where they lead there is no place for what every image is given.
    Row("etc-link-alone", .refused("/etc", "a link that leads to none")),
    Row("tmp-link", .refused("/var", "a link that leads to none")),
    Row("own-link", .refused("/.singularity.d", "a link that leads to none")),
    Row("own-env-link", .refused("/.singularity.d/env", "a link that leads to none")),
    Row("etc-file", .refused("/etc", "is no directory")),
    Row("own-file", .refused("/.singularity.d", "is no directory")),
    // What stands in the place of a file is replaced, never written through.
    Row(
      "hosts-link", .made([.init(stringLiteral: "etc/hosts link \(host)/sentinel"), "etc/resolv.conf link"])),
    Row(
      "own-script-link",
      .made([
        .init(stringLiteral: "singularity link \(host)/sentinel"), ".singularity.d/runscript file",
        ".singularity.d/labels.json file",
      ])),
    Row("final-link", .made("file file =a%20file%20now%0A")),
    Row("clamped-names", .made(["evil =1", "abs/x =2", "b =3", .init(stringLiteral: "\(inside)/evil =4")])),
    Row("link-loop", .refused("/one/file", "too many links")),
  ]

  static let hardLinks = [
    Row("hard-shadow", .refused("/hard", "hard link to /etc/shadow", "not in the image")),
    Row("hard-up", .refused("/hard", "hard link to /etc/hostname")),
    Row("hard-through-link", .refused("/hard", "hard link to /s/hostname")),
    Row("hard-host", .refused("/hard", "/sentinel, which is not in the image")),
    Row("hard-folder", .refused("/hard", "hard link to /folder, a directory")),
    Row("hard-itself", .made("file file =still%20here%0A")),
    Row("hard-forward", .made("hard file hard =later%0A", "later file hard =later%0A")),
    Row("hard-size", .made("hard file file =content%0A", "after file =after%0A")),
    Row("hard-link", .made("hard link hard nowhere", "link link hard nowhere")),
    Row("hard-kept", .made("one file =new%0A", "two file =old%0A")),
  ]

  static let whiteouts = [
    Row("wh-empty", .refused("/d/.wh.", "invalid whiteout")),
    Row("wh-dot", .refused("/d/.wh..", "invalid whiteout")),
    Row("wh-dots", .refused("/d/.wh...", "invalid whiteout")),
    Row("wh-folder", .refused("/d/.wh.x/y", "whiteout is used as a directory")),
    Row("wh-harmless", .made("first/kept =kept%0A", "!first/gone", "!first/.wh.gone", "!.wh.absent")),
    Row("wh-lowest", .made("kept file", "d/kept file", "!missing")),
    Row("wh-through-link", .made("alias link real", "real folder", "!real/gone")),
    Row("wh-same-before", .made("name =new%0A")),
    Row("wh-same-after", .made("name =new%0A")),
    Row("wh-aufs", .made("kept file", "!.wh..wh.plnk", "!.wh..wh.aufs", "!.wh..wh.orph")),
    Row("wh-opaque", .made("d/before file", "d/behind file", "!d/old")),
  ]

  static let names = [
    Row("twice", .made("name file =last%0A")),
    Row("under-file", .made("name folder", "name/below =below%0A")),
    Row("over-link", .made("name folder", "name/new file", "real/kept file", "!real/new")),
    Row("over-folder", .made("name file =a%20file%0A", "!name/one")),
    Row("root-link", .refused("would replace the root directory")),
    Row("root-file", .refused("would replace the root directory")),
    Row("name-empty", .refused("its name is empty")),
    Row("root-closed", .made([". folder 0700 12 34", "name file"], warning: "root directory is not open")),
    Row("name-255", .made([.init(stringLiteral: String(repeating: "n", count: 255) + " =long%0A")])),
    Row("name-256", .refused("more than 255 bytes")),
    Row("path-40000", .refused("more than 32768 bytes")),
    Row("depth-1100", .refused("more than 1024 directories")),
    Row(
      "odd-names",
      .made(
        "caf%E9 =1", "new%0Aline =2", "tab%09bed =3", "back%5Cslash =4", "-rf =5", "%1B%5B31mred =6")),
  ]

  static let numbers = [
    Row("times", .made("negative 0 file", "late 4294967295", "fraction 1700000000")),
    Row("owners", .made("half 2147483653", "most 4294967294")),
    Row("owner-minus-one", .refused("/name", "beyond 4294967294")),
    Row("owner-2-33", .refused("/name", "beyond 4294967294")),
    Row("owner-negative", .refused("/name", "beyond 4294967294")),
    Row("owners-70000", .refused("different owners and groups")),
    Row("size-negative", .refused("/name", "its size is negative or beyond")),
    Row("size-2-62", .refused("/name", "its size is negative or beyond")),
    Row("bad-checksum", .refused("checksum of its header")),
    Row("cut-header", .refused("ends inside it")),
    Row("cut-body", .refused("/name", "ends inside it")),
    Row("pax-length", .refused("extended header is malformed")),
    Row("pax-short", .refused("extended header is malformed")),
    Row("pax-nul", .refused("its path holds a NUL")),
    Row("pax-large", .refused("more than 1048576 bytes of extended headers")),
    Row("pax-global", .made("name =kept%0A")),
    Row("pax-global-path", .refused("a header for all entries sets \"path\"")),
  ]

  static let forms = [
    Row("no-end", .made("name =kept%0A")), Row("no-padding", .made("name =kept%0A")),
    Row("junk-behind", .made("name =kept%0A")),
    Row("empty-layers", .made("name =kept%0A")),
    Row(
      "old-forms",
      .made([
        "v7 =1", "contiguous =2", "base256 =3 1700000000",
        .init(stringLiteral: String(repeating: "l", count: 150) + " =4"),
        .init(stringLiteral: "link link " + String(repeating: "t", count: 150)),
      ])),
    Row("type-Z", .refused("its type \"Z\" is unknown")),
    Row("type-8", .refused("its type \"8\" is unknown")),
    Row("type-D", .refused("only has a meaning in backups")),
    Row("type-M", .refused("only has a meaning in backups")),
    Row("type-V", .refused("only has a meaning in backups")),
    Row("type-N", .refused("only has a meaning in backups")),
    Row("gzip-member", .made("name =kept%0A")), Row("gzip-junk", .made("name =kept%0A")),
    Row("zeros", .made(["zeros file 300000000"], warning: "1000 times")),
    Row(
      "attributes",
      .made(
        ["kept user.kept=610062", "bare file -", "dropped user.other=78"],
        warning: "/bare: attribute noprefix is left out")),
    Row("modes", .made("setuid 4755 5 6", "setgid 2755", "sticky 1777", "closed 0000", "closed/inside 0000")),
    Row(
      "nodes",
      .made(
        ["char char 1:3 0666", "block block 7:0 0660", "pipe pipe 0600", "!none"],
        warning: "/none is left out")),
  ]

  @Test(arguments: links + hardLinks + whiteouts + names + numbers + forms)
  func `a layer of any kind has the result written here, as user and root, and the host is untouched`(
    row: Row
  ) throws {
    let before = try Listing.lines(Self.host)
    let above = try Listing.lines(Self.images, without: "times").count
    try Installed.withFolder { folder in
      var made: [Data] = []
      for caller in Caller.allCases {
        let out = "\(folder)/\(caller).sif"
        let outcome = try Installed.run(
          "build", out, "oci:\(Self.images)/\(row.image)", as: caller,
          environment: ["APUS_CACHEDIR": "\(folder)/cache-\(caller)"], directory: Self.host)
        switch row.result {
        case .refused(let words):
          #expect(outcome.code == 255, "\(outcome.err)")
          #expect(outcome.err.split(separator: "\n").count { $0.hasPrefix("FATAL:   ") } == 1)
          for word in words { #expect(outcome.err.contains(word), "\(word): \(outcome.err)") }
          #expect(!FileManager.default.fileExists(atPath: out))
        case .made(_, let warning):
          #expect(outcome.code == 0, "\(outcome.err)")
          if let warning {
            #expect(outcome.err.contains("WARNING: ") && outcome.err.contains(warning), "\(outcome.err)")
          }
          made.append(try Data(contentsOf: URL(fileURLWithPath: out)))
        }
      }
      #expect(try Listing.lines(Self.host) == before)
      #expect(try Listing.lines(Self.images, without: "times").count == above)
      guard case .made(let facts, _) = row.result else { return }
      try #require(made.count == 2)
      #expect(made[0] == made[1], "user and root made different images")
      let sandbox = try Installed.run("build", "--sandbox", folder + "/root", folder + "/root.sif", as: .root)
      #expect(sandbox.code == 0, "\(sandbox.err)")
      let lines = try Listing.lines(folder + "/root")
      for fact in facts {
        #expect(fact.holds(in: lines), "\(fact.words) in \(lines.filter { !Listing.isGiven($0[0]) })")
      }
    }
  }

  @Test func `a path of 6,000 bytes is stored whole`() throws {
    try Installed.withFolder { folder in
      let out = folder + "/deep.sif"
      let made = try Installed.run(
        "build", out, "oci:\(Self.images)/path-6060", environment: ["APUS_CACHEDIR": folder + "/cache"])
      #expect(made.code == 0, "\(made.err)")
      let listed = try Unpacked.unsquashfs(["-l"], out, as: .user)
      let longest = listed.out.split(separator: "\n").filter { $0.hasSuffix("/file") }.map(\.utf8.count)
      #expect(longest == ["squashfs-root".utf8.count + 60 * 101 + "/file".utf8.count])
    }
  }

  @Test(arguments: [
    ("wrong-diff-id", "wants sha256:"), ("swapped-layers", "wants sha256:"),
    ("few-diff-ids", "its manifest has 3 layers and its configuration 1"),
    ("no-layers", "it has no layers"), ("not-layers", "application/vnd.example.thing"),
    ("short-layer", "and should have"), ("long-layer", "and should have"), ("corrupt-blob", "sha256:"),
    ("lying-kind", "its \"manifests\" is no list"),
    ("too-deep-index", "more than three deep"), ("only-attestation", "nothing for linux/"),
    ("only-s390x", "it has: linux/s390x"),
  ])
  func `an image whose parts do not fit together is refused, with the cache and without`(
    layout: String, words: String
  ) throws {
    try Installed.withFolder { folder in
      for options in [[], ["--disable-cache"]] {
        let out = folder + "/out.sif"
        let outcome = try Installed.execute(
          [Installed.apus, "build"] + options + [out, "oci:" + Registry.layout(layout)], as: .user,
          environment: ["APUS_CACHEDIR": folder + "/cache"])
        #expect(outcome.code == 255 && outcome.err.contains(words), "\(outcome.code) \(outcome.err)")
        #expect(outcome.err.split(separator: "\n").count { $0.hasPrefix("FATAL:   ") } == 1)
        #expect(!FileManager.default.fileExists(atPath: out))
      }
      // Nothing that was not verified is kept.
      let list = try Installed.run(
        "cache", "list", "--json", environment: ["APUS_CACHEDIR": folder + "/cache"])
      let images = try #require(JSONSerialization.jsonObject(with: Data(list.out.utf8)) as? [String: Any])
      let types = images["types"] as? [[String: Any]] ?? []
      #expect(types.first { $0["type"] as? String == "image" }?["count"] as? Int == 0, "\(list.out)")
    }
  }
}

/// What other programs make of our images.
enum Unpacked {
  /// Where the file system lies in a SIF.
  static func offset(of sif: String) throws -> Int {
    let data = try Data(contentsOf: URL(fileURLWithPath: sif), options: .alwaysMapped)
    return try #require(data.range(of: Data("hsqs".utf8))).lowerBound
  }

  static func unsquashfs(_ options: [String], _ sif: String, as caller: Caller) throws -> Outcome {
    try Installed.execute(
      ["/usr/bin/unsquashfs", "-q", "-n", "-o", String(try offset(of: sif))] + options + [sif], as: caller)
  }
}
