import Foundation
import Testing

/// Bytes read through the image server, also those it gives to the kernel unasked, are the bytes of the image.
@Suite(.serialized) struct ReadingTests {
  /// A script for a shell in which `root` is a root directory of the image: in order, by eight readers, and at random.
  /// Prints a hash of every file.
  private static func script(_ root: String) -> String {
    """
    cd \(root)/usr || exit 1
    find . -type f -size -100k -print0 | sort -z >/tmp/names.$$ &&
    xargs -0 -n 20 -P 8 cat </tmp/names.$$ >/dev/null && rm -f /tmp/names.$$
    for file in bin/perl lib/x86_64-linux-gnu/libc.so.6; do
      for number in 40 3 77 12 9 200 41 78 13 10; do dd if=$file bs=5000 skip=$number count=1 2>/dev/null | sha256sum; done
    done
    find . -type f -print0 | sort -z | xargs -0 sha256sum
    """
  }

  @Test func `files read in order, at once and at random have their own bytes`() throws {
    try Installed.withFolder { folder in
      let image = Installed.image("debian.sif")
      let unpacked = try Installed.run("build", "--sandbox", folder + "/root", image)
      #expect(unpacked.code == 0, "\(unpacked.err)")
      let expected = try Installed.execute(["/bin/bash", "-c", Self.script(folder + "/root")], as: .user)
      // A server of its own: nothing is in the page cache yet.
      let outcome = try Installed.run("exec", "--no-shared-mount", image, "/bin/bash", "-c", Self.script(""))
      #expect(outcome.code == 0, "\(outcome.err)")
      #expect(expected.out.count > 10_000)
      #expect(outcome.out == expected.out)
      _ = try Installed.execute(["/bin/chmod", "-R", "u+rwX", folder + "/root"], as: .user)
    }
  }
}
