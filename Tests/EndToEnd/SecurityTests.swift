import Foundation
import Testing

/// What keeps a container's program, a hostile image and other users from what is not theirs.
@Suite struct SecurityTests {
  static let image = Installed.image("tiny.sif")
  static let people = Installed.image("people.sif")

  /// Runs a script as root that may prepare what another user then does.
  static func shell(_ script: String, as caller: Caller = .root) throws -> Outcome {
    try Installed.execute(["/bin/sh", "-c", script], as: caller)
  }

  static var uid: UInt32 { getpwnam("apus-test").pointee.pw_uid }

  /// A sandbox: the tiny image, changed by lines of a root shell that begin in it.
  static func withSandbox<T>(_ change: String, _ body: (String) throws -> T) throws -> T {
    try Installed.withFolder { folder in
      let made = try shell(
        "cp -a \(Installed.image("tiny")) \(folder)/root && cd \(folder)/root && \(change)")
      try #require(made.code == 0, "\(made.err)")
      return try body(folder)
    }
  }

  /// A SIF of such a sandbox.
  static func withImage<T>(_ change: String, _ body: (String) throws -> T) throws -> T {
    try withSandbox(change) { folder in
      let built = try Installed.run("--quiet", "build", folder + "/own.sif", folder + "/root", as: .root)
      try #require(built.code == 0, "\(built.err)")
      chmod(folder + "/own.sif", 0o644)
      return try body(folder + "/own.sif")
    }
  }

  // MARK: What the program has

  @Test(arguments: Caller.allCases) func `no inheritable or ambient capability, and no new privileges`(
    caller: Caller
  ) throws {
    var all = [[], ["--fakeroot"], ["--pid"]]
    if caller == .root { all += [["--drop-caps", "net_raw"], ["--no-privs", "--add-caps", "kill"]] }
    for options in all {
      let outcome = try Installed.execute(
        [Installed.apus, "--quiet", "exec"] + options + [
          Self.image, "grep", "-E", "^(Cap(Inh|Amb)|NoNewPrivs)", "/proc/self/status",
        ], as: caller)
      #expect(
        outcome.line == "CapInh:\t0000000000000000\nCapAmb:\t0000000000000000\nNoNewPrivs:\t1",
        "\(options): \(outcome.out) \(outcome.err)")
    }
  }

  @Test(arguments: Caller.allCases)
  func `of many descriptors the caller's reach the program, and none of ours`(caller: Caller)
    throws
  {
    // bash: others take one digit.
    func numbers(_ program: String) throws -> Set<Int> {
      let open = "for n in $(seq 10 59); do eval \"exec $n</dev/null\"; done; exec \(program) /proc/self/fd"
      let outcome = try Installed.execute(["/bin/bash", "-c", open], as: caller)
      return Set(outcome.line.split(separator: "\n").compactMap { Int($0) })
    }
    let inside = try numbers("\(Installed.apus) exec \(Self.image) ls")
    #expect(try inside == numbers("/bin/ls"))
    #expect(inside.isSuperset(of: 10...59))
  }

  @Test(arguments: Caller.allCases) func `a program cannot write to ours, not even to the file it became`(
    caller: Caller
  ) throws {
    let before = try #require(FileManager.default.contents(atPath: Installed.apus))
    for options in [[], ["--pid"], ["--fakeroot"]] {
      let outcome = try Installed.execute(
        [Installed.apus, "--quiet", "exec"] + options + [
          "--bind", "\(Installed.apus):/opt/not-executable", Self.image, "sh", "-c",
          "for f in /proc/1/exe /proc/self/exe /proc/$PPID/exe; do (: >>$f) 2>&1 && echo wrote $f; done; true",
        ], as: caller)
      let said = outcome.out + outcome.err
      #expect(!said.contains("wrote") || caller == .root, "\(said)")
    }
    #expect(FileManager.default.contents(atPath: Installed.apus) == before)
  }

  @Test func `nodes cannot be made, nor devices of the image opened`() throws {
    for options in [[], ["--fakeroot"]] {
      let outcome = try Installed.execute(
        [Installed.apus, "--quiet", "exec", "--writable-tmpfs"] + options + [
          Self.image, "sh", "-c", "/bin/busybox mknod /tmp/apus-node c 1 3; cat /opt/null; true",
        ], as: .user)
      #expect(outcome.err.contains("Operation not permitted"), "\(outcome.err)")
      #expect(outcome.err.contains("/opt/null': Permission denied"), "\(outcome.err)")
    }
  }

  /// Says who it is, and what it may do. Not of busybox: that gives up what it was raised to.
  static let who = """
    #include <stdio.h>
    #include <string.h>
    #include <unistd.h>
    int main(void) {
      char line[256];
      FILE *file = fopen("/proc/self/status", "r");
      printf("%d ", geteuid());
      while (file && fgets(line, 256, file)) if (!strncmp(line, "CapEff", 6)) fputs(line, stdout);
    }
    """

  @Test func `set-user-id programs and file capabilities of an image give nothing`() throws {
    try Installed.withFolder { tools in
      try Installed.write(Data(Self.who.utf8), to: tools + "/who.c")
      let compiled = try Self.shell("cc -static -O1 -o \(tools)/who \(tools)/who.c")
      try #require(compiled.code == 0, "\(compiled.err)")
      let change = """
        for name in raised capable; do cp \(tools)/who bin/$name; done; chmod 4755 bin/raised
        setcap cap_net_raw+ep bin/capable
        """
      try Self.withSandbox(change) { folder in
        let image = folder + "/own.sif"
        #expect(try Installed.run("--quiet", "build", image, folder + "/root", as: .root).code == 0)
        chmod(image, 0o644)
        for form in [image, folder + "/root"] {
          let outcome = try Installed.run("exec", form, "sh", "-c", "raised; capable")
          let line = "\(Self.uid) CapEff:\t0000000000000000"
          #expect(outcome.line == line + "\n" + line, "\(form): \(outcome.out) \(outcome.err)")
        }
      }
    }
  }

  @Test(arguments: 3...12) func `a bundle's directory through a descriptor is refused, or none of the host's`(
    number: Int
  ) throws {
    try OCITests.withPlace { folder, environment in
      let bundle = try OCITests.bundle(
        """
        {"ociVersion": "1.0.2", "root": {"path": "\(Self.image)"},
         "process": {"args": ["sh", "-c", "ls -d /boot ../boot 2>&1; pwd"], "cwd": "/proc/self/fd/\(number)"}}
        """, in: folder)
      let outcome = try OCITests.oci(["run", "--bundle", bundle, "--id", "x"], environment)
      #expect(
        outcome.code == 255 || (outcome.line.hasSuffix("/") && !outcome.out.contains("\n../boot\n")),
        "\(outcome.out)")
    }
  }

  // MARK: Images that mislead

  @Test(
    arguments: [
      ("rmdir proc && ln -s /tmp proc", "procfs elsewhere"), ("rmdir proc && touch proc", "a file"),
      ("rmdir proc", "none"),
    ] as [(String, String)])
  func `an image whose proc is none is refused or gets its own, and nothing is written elsewhere`(
    change: String, what: String
  ) throws {
    let before = try FileManager.default.contentsOfDirectory(atPath: "/tmp").filter {
      $0.allSatisfy(\.isNumber)
    }
    try Self.withImage(change) { image in
      for caller in Caller.allCases {
        let outcome = try Installed.run(
          "exec", image, "sh", "-c", "test -e /proc/self/status && echo there", as: caller)
        #expect(
          outcome.code == 0 ? outcome.line == "there" : outcome.code == 255 || outcome.code == 1,
          "\(what) \(outcome.err)")
        let marked = try Installed.execute(
          [Installed.apus, "exec", "--security", "apparmor:x", image, "true"], as: caller)
        #expect(marked.code == 255 || FileManager.default.fileExists(atPath: "/sys/module/apparmor"))
      }
    }
    let after = try FileManager.default.contentsOfDirectory(atPath: "/tmp").filter {
      $0.allSatisfy(\.isNumber)
    }
    #expect(after == before)
  }

  @Test(arguments: Caller.allCases)
  func `an image whose directories are links to the host's puts nothing there`(caller: Caller)
    throws
  {
    func listing() throws -> [String] {
      try ["/etc", "/boot", "/"].flatMap { folder in
        try FileManager.default.contentsOfDirectory(atPath: folder).filter {
          !$0.contains("apus") && !$0.hasPrefix("tty")
        }
        .map { folder + "/" + $0 }
      }.sorted()
    }
    let before = try listing()
    for change in [
      "rm -rf dev && ln -s /etc dev", "rm etc/passwd && ln -s / etc/passwd",
      "rm etc/resolv.conf && ln -s ../../../etc/shadow etc/resolv.conf",
      "rm -rf home && ln -s /proc/self/root/tmp home",
      "rm -rf mnt/empty && ln -s ../../.. mnt/empty", "rm -rf tmp && ln -s /proc/self/root/boot tmp",
    ] {
      try Self.withImage(change) { image in
        for options in [[], ["--contain"], ["--writable-tmpfs"]] {
          let outcome = try Installed.execute(
            [Installed.apus, "--quiet", "exec"] + options + [
              "--bind", "/usr/share:/mnt/empty/planted", image, "sh", "-c",
              "touch /tmp/x 2>/dev/null; rm -f /tmp/x 2>/dev/null; /bin/busybox rm -f /tmp/x; true",
            ],
            as: caller)
          #expect([0, 1, 126, 127, 255].contains(outcome.code), "\(change) \(options) \(outcome.err)")
        }
      }
    }
    #expect(try listing() == before)
  }

  @Test func `a bind target that is swapped while containers start leads nowhere else`() throws {
    let mark = "/boot/apus-planted"
    let launches = ProcessInfo.processInfo.environment["APUS_NIGHTLY"] == nil ? 200 : 10_000
    try Self.withSandbox("mkdir opt/swap opt/other && chown -R apus-test: .") { folder in
      let script = """
        cd \(folder)/root/opt
        (while :; do mv swap aside; ln -s ../../../../../../boot swap; rm swap; mv aside swap; done) & racer=$!
        for i in $(seq \(launches)); do
          \(Installed.apus) --quiet exec --writable --no-home --bind \(folder):/opt/swap \(folder)/root \
            sh -c 'cat /proc/self/mountinfo' 2>/dev/null | grep -c ' /boot ' && echo outside
        done
        kill $racer
        """
      let outcome = try Installed.execute(["/bin/bash", "-c", script], as: .user, directory: "/")
      #expect(!outcome.out.contains("outside"), "\(outcome.out)")
      #expect(!FileManager.default.fileExists(atPath: mark))
      let mounts = try String(contentsOfFile: "/proc/self/mountinfo", encoding: .utf8)
      #expect(!mounts.contains(" /boot "))
    }
  }

  @Test func `modules of an image's C library are not opened by us`() throws {
    try Self.withImage(
      """
      mkdir -p lib/x86_64-linux-gnu usr/lib/locale usr/lib/x86_64-linux-gnu/gconv && for f in lib/libnss_files.so.2 \
      lib/libnss_evil.so.2 lib/x86_64-linux-gnu/libnss_evil.so.2 usr/lib/locale/locale-archive \
      usr/lib/x86_64-linux-gnu/gconv/gconv-modules; do cp bin/busybox $f; done && printf 'passwd: evil\\n' > etc/nsswitch.conf
      """
    ) { image in
      try Installed.withFolder { folder in
        let trace = folder + "/trace"
        let outcome = try Installed.execute(
          [
            "/usr/bin/strace", "-o", trace, "-e", "trace=%file", Installed.apus, "exec", image,
            "true",
          ],
          as: .user, environment: ["LANG": "de_DE.UTF-8", "GCONV_PATH": "/usr/lib/x86_64-linux-gnu/gconv"])
        #expect(outcome.code == 0, "\(outcome.err)")
        let calls = try String(contentsOfFile: trace, encoding: .utf8)
        let opened = calls.split(separator: "\n").filter { $0.contains("open") }
        for name in ["libnss", "nsswitch", "locale", "gconv"] {
          #expect(!opened.contains { $0.contains(name) }, "\(name)")
        }
        #expect(calls.contains("/bin/true"))
      }
    }
  }

  // MARK: Other users

  @Test func `what the caller may not read is no more readable for a bind`() throws {
    let outcome = try Installed.run(
      "exec", "--bind", "/etc/shadow:/mnt/empty/shadow", Self.image, "cat", "/mnt/empty/shadow")
    #expect(
      outcome.code != 0 && outcome.out.isEmpty && outcome.err.contains("ermission denied"), "\(outcome.err)")
    let hidden = try Self.withSandbox("true") { folder -> Outcome in
      _ = try Self.shell("mkdir -m 0700 \(folder)/closed && touch \(folder)/closed/x")
      return try Installed.run("exec", "--bind", "\(folder)/closed/x:/mnt", Self.image, "true")
    }
    #expect(hidden.code == 255 && hidden.err.contains("closed/x"), "\(hidden.err)")
    #expect(hidden.err.contains("cannot be reached: Permission denied"), "\(hidden.err)")
  }

  @Test func `nobody else can look into the runtime directory, or talk to its servers`() throws {
    try Installed.withRuntimeDirectory { runtime in
      let image = Self.image
      let program = try Running(
        [Installed.apus, "exec", image, "sh", "-c", "echo here; read word"],
        environment: ["XDG_RUNTIME_DIR": runtime])
      #expect(program.line() == "here")
      let listed = try Self.shell("find \(runtime)/apus -printf '%m %y %p\\n'")
      let lines = listed.line.split(separator: "\n").map(String.init)
      #expect(lines.count >= 4, "\(listed.out)")
      for line in lines {
        if line.contains(" d ") { #expect(line.hasPrefix("700 "), "\(line)") }
        if line.contains(" s ") { #expect(line.hasPrefix("600 "), "\(line)") }
        if line.contains(" f ") { #expect(line.hasPrefix("600 "), "\(line)") }
      }
      let other = try Self.shell("setpriv --reuid 54326 --regid 54326 --clear-groups ls \(runtime)/apus")
      #expect(other.code != 0 && other.err.contains("Permission denied"), "\(other.err)")
      // Out of its directory, in a place that all can reach, the socket answers its owner alone.
      let socket = try #require(
        lines.first { $0.contains(" s ") }?.split(separator: " ").last.map(String.init))
      let ask = """
        import socket, sys
        plug = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        plug.settimeout(3)
        plug.connect(sys.argv[1])
        plug.send(b'J')
        try:
          print('answer', len(socket.recv_fds(plug, 100, 8)[0]))
        except ConnectionError:
          print('answer 0')
        """
      try Installed.withFolder { folder in
        try Installed.write(Data(ask.utf8), to: folder + "/ask.py")
        // Another name for the same socket, which everybody may connect to.
        _ = try Self.shell("ln \(socket) \(folder)/socket && chmod 0777 \(folder)/socket")
        func answer(_ uid: String) throws -> String {
          try Self.shell(
            "setpriv --reuid \(uid) --regid \(uid) --clear-groups python3 \(folder)/ask.py \(folder)/socket"
          ).line
        }
        #expect(try answer("54326") == "answer 0")
        #expect(try answer("\(Self.uid)") != "answer 0")
        // The mode goes back with the last name.
        _ = try Self.shell("chmod 0600 \(folder)/socket")
      }
      _ = try program.finish()
    }
  }

  @Test func `a squatted runtime path is refused, and nothing written through it`() throws {
    let path = "/tmp/apus-54327"
    defer { _ = try? Self.shell("rm -rf \(path)") }
    let before = try FileManager.default.contentsOfDirectory(atPath: "/root")
    // One after another: it is one path.
    for squat in ["mkdir -m 0755", "ln -s /root", "touch"] {
      _ = try Self.shell("rm -rf \(path); \(squat) \(path)")
      for words in ["exec \(Self.image) true", "instance start \(Self.image) squatted"] {
        let outcome = try Self.shell(
          "setpriv --reuid 54327 --regid 54327 --clear-groups \(Installed.apus) \(words)")
        #expect(outcome.code == 255 && outcome.err.contains(path), "\(squat): \(outcome.err)")
      }
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: "/root") == before)
  }

  @Test func `becoming another user is for root`() throws {
    let outcome = try Installed.run("exec", "--security", "uid:99", Self.image, "true")
    #expect(outcome.code == 255 && outcome.err.contains("requires root privileges"), "\(outcome.err)")
  }

  // MARK: Limits

  @Test(arguments: ["ulimit -n 16", "ulimit -n 5", "ulimit -u 1", "ulimit -v 200000"])
  func `a launch under a tight limit ends, with what happened`(
    limit: String
  ) throws {
    // bash: others know fewer limits.
    let outcome = try Installed.execute(
      [
        "/bin/bash", "-c", "\(limit); exec \(Installed.apus) exec --no-shared-mount \(Self.image) true",
      ], as: .user)
    #expect([0, 255].contains(outcome.code), "\(outcome.code) \(outcome.err)")
    if outcome.code == 255 { #expect(outcome.err.contains("FATAL:"), "\(outcome.err)") }
  }
}
