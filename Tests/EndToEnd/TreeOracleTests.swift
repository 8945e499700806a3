import Foundation
import Testing

/// Our images through the programs that others wrote for the format: all see one tree.
@Suite(.enabled(if: Registry.isTested, "its images are made by scripts/test"))
struct TreeOracleTests {
  enum Reader: String, CaseIterable, Sendable {
    case kernel, squashfuse, unsquashfs, newerSquashfuse, newerUnsquashfs
  }

  static func exists(_ command: String) -> Bool { FileManager.default.isExecutableFile(atPath: command) }

  /// The programs of the peers are newer than Debian's.
  static var peers: String { ProcessInfo.processInfo.environment["APUS_PEERS"] ?? "" }

  static func program(_ reader: Reader) -> String {
    switch reader {
    case .kernel: "/usr/bin/mount"
    case .squashfuse: "/usr/bin/squashfuse"
    case .unsquashfs: "/usr/bin/unsquashfs"
    case .newerSquashfuse: peers + "/squashfuse"
    case .newerUnsquashfs: peers + "/unsquashfs"
    }
  }

  /// What a reader finds in a SIF.
  static func lines(_ sif: String, _ reader: Reader, _ folder: String, without: String) throws -> [[String]] {
    let offset = try Unpacked.offset(of: sif)
    let place = folder + "/" + reader.rawValue
    let words: [String]
    switch reader {
    case .kernel: words = ["-t", "squashfs", "-o", "ro,loop,offset=\(offset)", sif, place]
    case .squashfuse, .newerSquashfuse: words = ["-o", "offset=\(offset)", sif, place]
    case .unsquashfs, .newerUnsquashfs: words = ["-q", "-n", "-o", String(offset), "-d", place, sif]
    }
    let isMounted = ![.unsquashfs, .newerUnsquashfs].contains(reader)
    if isMounted {
      try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: false)
    }
    let outcome = try Installed.execute([program(reader)] + words, as: .root)
    #expect(outcome.code == 0, "\(reader): \(outcome.out) \(outcome.err)")
    defer {
      if isMounted { _ = try? Installed.execute(["/usr/bin/umount", place], as: .root) }
    }
    return try Listing.lines(place, without: without)
  }

  @Test(arguments: ["gzip", "umoci", "repeated", "pax-sparse", "gnu-sparse"], ["gzip", "zstd"])
  func `the kernel, squashfuse and unsquashfs find the same tree in an image of layers`(
    layout: String, compressor: String
  ) throws {
    try #require(FileManager.default.fileExists(atPath: Registry.layout(layout)))
    try Installed.withFolder { folder in
      let sif = folder + "/image.sif"
      let made = try Installed.run(
        "build", "--compressor", compressor, sif, "oci:" + Registry.layout(layout),
        environment: ["APUS_CACHEDIR": folder + "/cache"])
      #expect(made.code == 0, "\(made.err)")
      let unpacked = try Installed.run("build", "--sandbox", folder + "/ours", sif, as: .root)
      #expect(unpacked.code == 0, "\(unpacked.err)")
      let ours = try Listing.lines(folder + "/ours")
      #expect(ours.count > 40)
      // squashfuse numbers names, not files: there a hard link is a file of its own. And it shows attributes of the
      // name space "security" as "trusted" (0.1).
      let alone = try Listing.lines(folder + "/ours", without: "links,attributes")
      // Newer versions come with the peers; these are what scripts/setup installs.
      for reader in [Reader.kernel, .squashfuse, .unsquashfs] { #expect(Self.exists(Self.program(reader))) }
      for reader in Reader.allCases where Self.exists(Self.program(reader)) {
        let isByName = [.squashfuse, .newerSquashfuse].contains(reader)
        let found = try Self.lines(sif, reader, folder, without: isByName ? "links,attributes" : "none")
        let wanted = Set((isByName ? alone : ours).map { $0.joined(separator: " ") })
        let seen = Set(found.map { $0.joined(separator: " ") })
        #expect(wanted.subtracting(seen).sorted() == [], "\(reader) misses")
        #expect(seen.subtracting(wanted).sorted() == [], "\(reader) alone")
      }
    }
  }

  /// What a program in a container finds: what the container itself brings is left out, and so are owners, who are
  /// nobody in a user's container.
  static let walk = """
    cd / && find data opaque real alias absolute modes/setuid modes/shared names deep times opt sparse xattrs \
    -exec stat -c '%n %F %a %Y %h' {} + && find data opaque real opt deep sparse -type f -exec sha256sum {} +
    """

  @Test(.enabled(if: Peers.arePresent), arguments: ["gzip", "zstd"])
  func `a program sees the same files under Apptainer as under Apus`(layout: String) throws {
    try Installed.withFolder { folder in
      let sif = folder + "/image.sif"
      let made = try Installed.run(
        "build", sif, "oci:" + Registry.layout(layout), environment: ["APUS_CACHEDIR": folder + "/cache"])
      #expect(made.code == 0, "\(made.err)")
      let both = try Peers.both(["exec", sif, "/bin/sh", "-c", Self.walk], ["APUS_MOUNT_LINGER": "0"])
      #expect(both.ours.code == 0 && both.theirs.code == 0, "\(both.ours.err) \(both.theirs.err)")
      #expect(both.ours.out.split(separator: "\n").count > 50)
      #expect(both.ours.out == both.theirs.out)
    }
  }
}
