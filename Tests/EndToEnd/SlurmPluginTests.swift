import Foundation
import Testing

/// The plugin's file and its sources. No Slurm is needed.
@Suite(.enabled(if: !Installed.isOldKernel)) struct SlurmPluginTests {
  @Test func `the shim fits the header that this Slurm brings`() throws {
    let header = "/usr/include/slurm/spank.h"
    try #require(
      FileManager.default.fileExists(atPath: header), "libslurm-dev is missing: scripts/setup test")
    let outcome = try Installed.execute(
      [
        "/bin/sh", "-c",
        "exec cc -fsyntax-only -std=gnu17 -D_GNU_SOURCE -DAPUS_WITH_SLURM_HEADERS -DAPUS_HELPER='\"/a\"' "
          + "-Wall -Wextra -Werror \(Installed.checkout)/Sources/SpankPlugin/*.c",
      ], as: .root)
    #expect(outcome.code == 0, "\(outcome.err)")
  }

  @Test func `the plugin needs no symbol of a glibc newer than 2 28, and no library but that`() throws {
    let plugin = Installed.folder("APUS_TREE") + "/lib/apus/spank_apus.so"
    let symbols = try Installed.execute(["/usr/bin/objdump", "-T", plugin], as: .root).out
    let versions = symbols.split(separator: "\n").flatMap {
      $0.components(separatedBy: "GLIBC_2.").dropFirst()
    }
    .compactMap { Int($0.prefix { $0.isNumber }) }
    #expect(!versions.isEmpty && versions.allSatisfy { $0 <= 28 }, "\(versions)")
    let needed = try Installed.execute(["/usr/bin/readelf", "-d", plugin], as: .root).out
      .split(separator: "\n").filter { $0.contains("(NEEDED)") }
    #expect(needed.count == 1 && needed.allSatisfy { $0.contains("[libc.so.6]") }, "\(needed)")
  }
}
