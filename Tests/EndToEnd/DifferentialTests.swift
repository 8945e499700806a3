import Foundation
import Testing

/// Random images of layers (Tests/Support/registry/random-layers.py), unpacked by umoci and through our conversion: the
/// trees are the same, with owners, modes, times, attributes, devices and the groups of hard links.
///
/// Deviations, which the images leave out: directories that no entry makes (umoci gives them mode 0775 and the time of
/// the day), global extended headers (umoci refuses them), owners beyond 4294967294 (umoci makes them root), and
/// attributes that we drop (`LayerTests`).
@Suite(
  .enabled(
    if: Registry.isTested
      && FileManager.default.isExecutableFile(atPath: "/usr/bin/umoci"), "needs umoci"))
struct DifferentialTests {
  static let perBatch = 10
  static var batches: Range<Int> {
    0..<(ProcessInfo.processInfo.environment["APUS_NIGHTLY"] == nil ? 60 : 500) / perBatch
  }

  @Test(arguments: batches)
  func `random layers become the tree that umoci makes of them`(batch: Int) throws {
    try Installed.withFolder { folder in
      let first = batch * Self.perBatch
      let layout = folder + "/layout"
      let made = try Installed.execute(
        [
          "/usr/bin/python3", "-B", Installed.checkout + "/Tests/Support/registry/random-layers.py", layout,
          String(first), String(Self.perBatch),
        ], as: .root)
      try #require(made.code == 0, "\(made.err)")
      for name in ["theirs", "ours"] {
        try FileManager.default.createDirectory(
          atPath: folder + "/" + name, withIntermediateDirectories: false)
      }
      for seed in first..<first + Self.perBatch {
        let theirs = try Installed.execute(
          ["/usr/bin/umoci", "raw", "unpack", "--image", "\(layout):\(seed)", "\(folder)/theirs/\(seed)"],
          as: .root)
        try #require(theirs.code == 0, "\(theirs.err)")
        // Both ways of putting an image together, and both forms of layers, take turns.
        let options = seed / 2 % 2 == 0 ? [] : ["--disable-cache"]
        let sif = "\(folder)/\(seed).sif"
        let ours = try Installed.execute(
          [Installed.apus, "build"] + options + [sif, "oci:\(layout):\(seed)"], as: .user,
          environment: ["APUS_CACHEDIR": folder + "/cache"])
        #expect(ours.code == 0, "\(seed): \(ours.err)")
        let unpacked = try Installed.run("build", "--sandbox", "\(folder)/ours/\(seed)", sif, as: .root)
        #expect(unpacked.code == 0, "\(seed): \(unpacked.err)")
      }
      let theirs = try Listing.lines(folder + "/theirs")
      let names = Set(theirs.map { $0[0] })
      let ours = try Listing.lines(folder + "/ours").filter { line in
        let path = line[0].split(separator: "/", maxSplits: 1)
        return names.contains(line[0]) || path.count < 2 || !Listing.isGiven(String(path[1]))
      }
      #expect(theirs.count > Self.perBatch * 5)
      // The folders of the numbers themselves are roots, which no entry describes.
      let described = { (lines: [[String]]) in
        Set(lines.filter { $0[0].contains("/") }.map { $0.joined(separator: " ") })
      }
      let (wanted, found) = (described(theirs), described(ours))
      #expect(wanted.subtracting(found).sorted() == [], "umoci alone")
      #expect(found.subtracting(wanted).sorted() == [], "apus alone")
    }
  }
}
