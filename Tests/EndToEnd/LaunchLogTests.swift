import Foundation
import Testing

/// `log launches`: one record a launch, which nobody waits for.
@Suite struct LaunchLogTests {
  static let image = Installed.image("tiny.sif")

  /// Runs `script` with a socket of the test's own in the place of a logger; prints what that got, a record a line.
  static func withLogger(_ log: String, at path: String, _ script: String) throws -> Outcome {
    try Installed.withFolder { folder in
      try Installed.write(Data("log launches = \(log)\n".utf8), to: folder + "/apus.conf")
      let program = """
        import os, socket, subprocess, sys
        path = "\(path)"
        os.makedirs(os.path.dirname(path), exist_ok=True)
        s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.bind(path); os.chmod(path, 0o666); s.setblocking(False)
        print(subprocess.run(["sh", "-c", sys.argv[1]]).returncode)
        try:
          while True: print(repr(s.recv(65536).decode()))
        except BlockingIOError: pass
        """
      // /dev with a log of its own: a tmpfs over /run, and for /dev/log a copy of the host's directory.
      let prepare =
        path.hasPrefix("/run")
        ? "mount -t tmpfs none /run"
        : "mkdir \(folder)/dev && mount --rbind /dev \(folder)/dev && mount -t tmpfs none /dev"
          + " && for f in null zero full random urandom tty fuse loop-control; do [ -e \(folder)/dev/$f ] && touch /dev/$f"
          + " && mount --bind \(folder)/dev/$f /dev/$f; done; ln -s /proc/self/fd /dev/fd; mkdir /dev/shm"
      return try Installed.execute(
        [
          "/usr/bin/unshare", "-m", "-n", "sh", "-c",
          "echo 5 >/proc/sys/net/unix/max_dgram_qlen; " + prepare + "; exec python3 -c '\(program)' \"$1\"",
          "sh",
          script.replacingOccurrences(of: "LAUNCH", with: "\(Installed.apus) --config \(folder)/apus.conf"),
        ], as: .root, environment: ["SLURM_JOB_ID": "4711"])
    }
  }

  static let asUser = "setpriv --reuid apus-test --regid apus-test --init-groups"

  @Test func `syslog gets one record with user, job, image, identifier and command`() throws {
    let outcome = try Self.withLogger(
      "syslog", at: "/dev/log", "\(Self.asUser) LAUNCH exec \(Self.image) sh -c 'exit 5'")
    let lines = outcome.line.split(separator: "\n").map(String.init)
    #expect(lines.count == 2 && lines[0] == "5", "\(outcome.out) \(outcome.err)")
    guard lines.count == 2 else { return }
    #expect(lines[1].hasPrefix("'<14>") && lines[1].contains(": launch user=apus-test uid="), "\(lines[1])")
    #expect(lines[1].contains("job=4711 image=\(Self.image) content="), "\(lines[1])")
    #expect(lines[1].contains(#"command="sh -c exit 5""#), "\(lines[1])")
  }

  @Test func `the journal gets fields`() throws {
    let outcome = try Self.withLogger(
      "journald", at: "/run/systemd/journal/socket",
      "\(Self.asUser) LAUNCH exec \(Self.image) echo 'a\nAPUS_UID=0'")
    #expect(outcome.out.contains(#"\nAPUS_USER=apus-test\n"#), "\(outcome.out) \(outcome.err)")
    #expect(outcome.out.contains(#"APUS_COMMAND=echo a\\x0aAPUS_UID=0\n"#), "\(outcome.out)")
    #expect(outcome.out.contains(#"\nAPUS_JOB=4711\n"#), "\(outcome.out)")
  }

  @Test func `a logger that is full delays nothing, and one that is not there is no failure`() throws {
    let outcome = try Self.withLogger(
      "journald", at: "/run/systemd/journal/socket",
      """
      i=0; while [ $i -lt 40 ]; do LAUNCH exec \(Self.image) true || exit 9; i=$((i+1)); done
      rm /run/systemd/journal/socket; LAUNCH exec \(Self.image) true
      """)
    let lines = outcome.line.split(separator: "\n")
    // The socket holds some of the forty.
    #expect(lines.first == "0" && (2...20).contains(lines.count), "\(outcome.out) \(outcome.err)")
  }

  @Test func `without the setting nobody is told`() throws {
    let outcome = try Self.withLogger(
      "off", at: "/run/systemd/journal/socket",
      "LAUNCH exec \(Self.image) true; LAUNCH exec \(Self.image) true")
    #expect(outcome.line == "0", "\(outcome.out) \(outcome.err)")
  }
}
