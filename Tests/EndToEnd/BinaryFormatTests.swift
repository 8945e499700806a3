import Foundation
import Testing

/// Root's containers register emulators on the host, as `docker run --privileged multiarch/qemu-user-static` does.
@Suite(.serialized) struct BinaryFormatTests {
  static let image = Installed.image("tiny.sif")
  static let folder = "/proc/sys/fs/binfmt_misc"
  /// Of a magic number that no file has, by an interpreter that stays open (F).
  static let name = "apus-test-" + UUID().uuidString.prefix(8)
  static let line = ":\(name):M::\\x7fAPUSTEST\\x00::/bin/busybox:F"

  /// The host with binfmt_misc mounted, for this test alone where it was not.
  static func onHost(_ script: String) throws -> Outcome {
    try Installed.execute(
      [
        "/usr/bin/unshare", "-m", "sh", "-c",
        """
        [ -e \(folder)/register ] || mount -t binfmt_misc binfmt_misc \(folder) || { echo NOT RUN: no binfmt_misc; exit 99; }
        \(script)
        [ ! -e \(folder)/\(name) ] || echo -1 >\(folder)/\(name)
        """,
      ], as: .root)
  }

  @Test(arguments: [[], ["--pid"]]) func `root registers a format on the host, and takes it back`(
    options: [String]
  ) throws {
    let apus = ([Installed.apus, "exec"] + options + [Self.image]).joined(separator: " ")
    let outcome = try Self.onHost(
      """
      \(apus) sh -c 'printf "%s" "$1" >\(Self.folder)/register' sh '\(Self.line)'; echo $?
      grep -c enabled \(Self.folder)/\(Self.name)
      \(apus) sh -c 'echo -1 >\(Self.folder)/\(Self.name)'; echo $?
      ls \(Self.folder)/\(Self.name) 2>/dev/null
      """)
    #expect(outcome.line == "0\n1\n0", "\(outcome.out) \(outcome.err)")
  }

  @Test func `contained, or an ordinary user, nobody registers anything`() throws {
    let become = "setpriv --reuid apus-test --regid apus-test --init-groups"
    for command in [
      "\(become) \(Installed.apus) exec", "\(become) \(Installed.apus) exec --fakeroot",
      "\(Installed.apus) exec --containall",
    ] {
      let outcome = try Self.onHost(
        """
        \(command) \(Self.image) sh -c 'printf "%s" "$1" >\(Self.folder)/register' sh '\(Self.line)' && echo registered
        ls \(Self.folder)/\(Self.name)
        """)
      #expect(outcome.out.isEmpty, "\(command): \(outcome.out) \(outcome.err)")
    }
  }
}
