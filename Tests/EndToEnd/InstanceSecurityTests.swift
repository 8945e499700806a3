import Foundation
import Testing

/// What instances keep from others, and others from them.
extension InstanceTests {
  /// Types a letter into the terminal it has, if it has one.
  static let typist = """
    #include <stdio.h>
    #include <fcntl.h>
    #include <errno.h>
    #include <sys/ioctl.h>
    int main(void) {
      int terminal = open("/dev/tty", O_RDWR);
      if (ioctl(0, TIOCSTI, "x") == 0 || ioctl(terminal, TIOCSTI, "x") == 0) puts("typed");
      else puts(terminal >= 0 && errno == EPERM ? "forbidden" : "refused");
    }
    """

  @Test func `an instance has no terminal to type into, not that of who started it either`() throws {
    try Installed.withFolder { tools in
      try Installed.write(Data(Self.typist.utf8), to: tools + "/type.c")
      let compiled = try SecurityTests.shell("cc -static -O1 -o \(tools)/type \(tools)/type.c")
      try #require(compiled.code == 0, "\(compiled.err)")
      let change = """
        cp \(tools)/type bin/type; mkdir .singularity.d
        printf '#!/bin/sh\\nexec /bin/type\\n' >.singularity.d/startscript; chmod 0755 .singularity.d/startscript
        """
      try SecurityTests.withSandbox(change) { folder in
        let environment = ["APUS_CONFIGDIR": tools + "/logs"]
        let start = "\(Installed.apus) instance start \(folder)/root typing; sleep 0.5"
        let outcome = try Installed.execute(
          ["/usr/bin/script", "-qec", start, "/dev/null"], as: .user, environment: environment)
        defer {
          _ = try? Installed.execute(
            [Installed.apus, "instance", "stop", "typing"], as: .user, environment: environment)
        }
        #expect(outcome.out.contains("started successfully"), "\(outcome.out)")
        let log = try SecurityTests.shell("cat \(tools)/logs/instances/logs/*/*/typing.out")
        #expect(log.line == "refused", "\(log.out) \(log.err)")
      }
    }
  }

  /// EIO is the answer of kernels on which nobody can type any more.
  @Test func `who is contained, or enters an instance, cannot type into the caller's terminal`() throws {
    try Installed.withFolder { folder in
      try Installed.write(Data(Self.typist.utf8), to: folder + "/type.c")
      let compiled = try SecurityTests.shell("cc -static -O1 -o \(folder)/type \(folder)/type.c")
      try #require(compiled.code == 0, "\(compiled.err)")
      let environment = ["APUS_CONFIGDIR": folder + "/logs"]
      func type(_ words: String) throws -> String {
        let command = "\(Installed.apus) exec \(words) \(folder)/type"
        return try Installed.execute(
          ["/usr/bin/script", "-qec", command, "/dev/null"], as: .user, environment: environment
        ).out
      }
      let image = Self.image
      for options in ["--contain", "--containall", "--compat", "--compat --no-pid"] {
        let out = try type("\(options) --bind \(folder) \(image)")
        #expect(out.contains("forbidden"), "\(options): \(out)")
      }
      let started = try Installed.run(
        "instance", "start", "--bind", folder, image, "typed-into", environment: environment)
      #expect(started.code == 0, "\(started.err)")
      defer { _ = try? Installed.run("instance", "stop", "typed-into", environment: environment) }
      let out = try type("instance://typed-into")
      #expect(out.contains("forbidden"), "\(out)")
      #expect(try !type("--bind \(folder) \(image)").contains("forbidden"))
    }
  }

  @Test func `a record that names somebody else's process is not entered`() throws {
    try Installed.withFolder { folder in
      let environment = ["APUS_CONFIGDIR": folder + "/logs"]
      func apus(_ words: String...) throws -> Outcome {
        try Installed.execute([Installed.apus] + words, as: .user, environment: environment)
      }
      try #require(apus("instance", "start", SecurityTests.image, "forged").code == 0)
      let state = "/tmp/apus-\(SecurityTests.uid)/instances/forged/state"
      let kept = try String(contentsOfFile: state, encoding: .utf8)
      defer {
        try? kept.write(toFile: state, atomically: false, encoding: .utf8)
        _ = try? apus("instance", "stop", "--force", "forged")
      }
      // The number of process 1, and of one that was given the number later: its start time is another.
      let pid = try #require(
        kept.split(whereSeparator: { !$0.isNumber }).first {
          Int($0).map { $0 > 1 && kill(pid_t($0), 0) == 0 } ?? false
        })
      for other in ["1", "\(getpid())"] {
        let forged = kept.replacingOccurrences(of: String(pid), with: other)
        try forged.write(toFile: state, atomically: false, encoding: .utf8)
        let outcome = try apus("exec", "instance://forged", "true")
        #expect(outcome.code == 255, "\(other): \(outcome.err)")
      }
    }
  }
}
