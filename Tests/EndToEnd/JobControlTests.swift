import Foundation
import Testing

/// Signals and terminals: a program in a container is to its shell what it is without one (Tests/Support/job-control.py is that
/// shell, with a terminal of its own).
@Suite struct JobControlTests {
  /// Ways to start a program that put other processes of ours between it and the shell.
  static let options = [[], ["--pid"], ["--compat"], ["--pid", "--no-init"], ["--no-shared-mount"]]

  static let scenarios = [
    "interrupt", "interrupt caught", "interrupt ignored", "interrupt counted", "quit", "stop and fg",
    "stop ignored", "stop twice, in the background between", "window", "hang-up", "hang-up caught",
    "reading in the background", "writing in the background", "end by a signal to the group",
    "end by a signal to the job", "user signal caught", "stopped and continued by signals",
    "a shell with jobs of its own",
  ]

  /// The shell's account of the job. Its text is handed over: the user need not be able to read the checkout.
  private static func play(_ words: [String], as caller: Caller = .user) throws -> Outcome {
    let program = try String(
      contentsOfFile: Installed.checkout + "/Tests/Support/job-control.py", encoding: .utf8)
    return try Installed.execute(["/usr/bin/python3", "-B", "-c", program] + words, as: caller)
  }

  @Test(arguments: scenarios)
  func `what a shell sees of a job in a container is what it sees of the same job without`(scenario: String)
    throws
  {
    let without = try Self.play([scenario, "/bin/busybox"])
    #expect(without.code == 0 && !without.out.contains("TIMEOUT"), "\(without.out)\(without.err)")
    for options in Self.options {
      let inside = try Self.play(
        [scenario, Installed.apus, "exec"] + options + [Installed.image("tiny.sif"), "busybox"])
      #expect(inside.out == without.out, "\(options): \(inside.out)\(inside.err)")
    }
  }

  @Test func `root's jobs are no different`() throws {
    for scenario in ["interrupt", "stop and fg", "end by a signal to the job"] {
      let without = try Self.play([scenario, "/bin/busybox"], as: .root)
      for options in [[], ["--pid"], ["--compat"]] {
        let inside = try Self.play(
          [scenario, Installed.apus, "exec"] + options + [Installed.image("tiny.sif"), "busybox"], as: .root)
        #expect(inside.out == without.out, "\(options): \(inside.out)\(inside.err)")
      }
    }
  }

  @Test func `every scenario is played`() throws {
    #expect(try Self.play(["--list"]).line.split(separator: "\n").map(String.init) == Self.scenarios)
  }

  /// Lines of a shell in which `RUN` stands for the program in a container, or for the program alone.
  static let lines: [(line: String, why: String)] = [
    ("RUN sh -c 'kill -TERM $$'; echo $?", "ended by a signal"),
    ("RUN sh -c 'kill -KILL $$'; echo $?", "ended by the one that nobody can catch"),
    ("RUN sh -c 'ulimit -c 0; kill -SEGV $$'; echo $?", "a crash"),
    ("RUN sh -c 'ulimit -c 0; kill -ABRT $$'; echo $?", "an abort"),
    ("RUN sh -c 'kill -USR1 $$'; echo $?", "a signal of users"),
    ("RUN sh -c 'exit 130'; echo $?", "a code that looks like a signal"),
    ("RUN yes | head -n 1; echo ${PIPESTATUS[0]}", "a reader that leaves"),
    ("RUN cat </etc/hostname", "input from a file"),
    ("RUN cat <&-; echo $?", "no input"), ("RUN sh -c 'echo out' >&-; echo $?", "no output"),
    ("RUN sh -c 'echo out; echo err >&2' 2>&-; echo $?", "no errors"),
    ("RUN sh -c 'echo out' <&- >&- 2>&-; echo $?", "nothing at all"),
    ("RUN sh -c 'ls /proc/self/fd | wc -l' <&- 2>&-", "what is closed stays closed"),
    ("timeout 0.5 RUN sleep 20; echo $?", "a time limit"),
    ("timeout -s KILL 0.5 RUN sleep 20; echo $?", "one that kills"),
    ("timeout -s INT 0.5 RUN sleep 20; echo $?", "one that interrupts"),
    ("timeout --foreground 0.5 RUN sleep 20; echo $?", "one that sends to the program alone"),
    ("nohup RUN sh -c 'kill -HUP $$; echo stays' 2>&1; echo $?", "no end at a hang-up"),
    ("trap '' PIPE; RUN sh -c 'kill -PIPE $$; echo stays'", "a signal that is ignored stays ignored"),
    ("RUN sh -c 'read a; read b; echo $b' <<END\n1\n2\nEND", "input that others read on"),
    ("printf 'a\\nb\\n' | { RUN sh -c 'read x; echo $x'; cat; } | wc -l", "a pipe as input"),
    ("umask 027; RUN sh -c umask", "a mask"), ("RUN sh -c 'exit 3' & wait $!; echo $?", "in the background"),
    ("for i in 1 2 3; do RUN true || break; done; echo $i", "a loop"),
    ("RUN sh -c 'sleep 0.3; echo late' | cat", "output that comes late"),
  ]

  /// Signals that a program sends to itself, by a system call or by writing where nobody reads: the kernel spares process 1.
  static let toItself: Set = [
    "ended by a signal", "ended by the one that nobody can catch", "a crash", "an abort", "a signal of users",
    "a reader that leaves",
  ]

  @Test(arguments: lines)
  func `a line of a shell does the same with a program in a container`(line: String, why: String) throws {
    func run(_ prefix: String) throws -> Outcome {
      let text = line.replacingOccurrences(of: "RUN", with: prefix)
      return try Installed.execute(["/bin/bash", "-c", text], as: .user, input: "")
    }
    let without = try run("/bin/busybox")
    for options in Self.options {
      // A mask of its own is what --compat has.
      if options == ["--compat"], why == "a mask" { continue }
      let isFirst = options == ["--compat"] || options.contains("--no-init")
      if isFirst, Self.toItself.contains(why) { continue }
      let words = [Installed.apus, "exec"] + options + [Installed.image("tiny.sif"), "busybox"]
      let inside = try run(words.joined(separator: " "))
      #expect(
        inside.out == without.out && inside.code == without.code, "\(options): \(inside.out)\(inside.err)")
      #expect(!inside.err.contains("apus:") && !inside.err.contains("FATAL"), "\(options): \(inside.err)")
    }
  }

  /// A checkpointer stops a program and lets it go on, in a job that no shell controls.
  @Test(arguments: options) func `a program that was stopped and goes on ends, and so does its launcher`(
    options: [String]
  ) throws {
    let mark = "28.\(UInt32.random(in: 1...999_999))"
    let script = """
      import os, subprocess, sys, time
      job = subprocess.Popen(sys.argv[1:], start_new_session=True)
      def find():
          return subprocess.run(["pgrep", "-fx", "(busybox )?sleep \(mark)"], capture_output=True, text=True).stdout.split()
      while not find(): time.sleep(0.05)
      program = int(find()[-1])
      os.kill(program, 19); time.sleep(0.3); os.kill(program, 18); time.sleep(0.3); os.kill(program, 9)
      print(job.wait(timeout=20))
      """
    let outcome = try Installed.execute(
      ["/usr/bin/python3", "-c", script, Installed.apus, "exec"] + options + [
        Installed.image("tiny.sif"), "busybox", "sleep", mark,
      ], as: .user)
    #expect(outcome.line == "-9", "\(outcome)")
  }

  @Test func `a timer that was set before the launch ends the program`() throws {
    for options in Self.options {
      let outcome = try Installed.execute(
        [
          "/usr/bin/python3", "-c",
          "import os, signal, sys; signal.alarm(1); os.execv(sys.argv[1], sys.argv[1:])",
          Installed.apus, "exec",
        ] + options + [Installed.image("tiny.sif"), "busybox", "sleep", "30"], as: .user)
      #expect(outcome.code == 142, "\(options): \(outcome)")
    }
  }

  @Test(arguments: options)
  func `a program that a time limit ends is gone, and so is what it started`(options: [String]) throws {
    let mark = "29.\(UInt32.random(in: 1...999_999))"
    let words = [Installed.apus, "exec"] + options + [Installed.image("tiny.sif")]
    let outcome = try Installed.execute(
      ["/usr/bin/timeout", "0.5"] + words + ["sh", "-c", "sleep \(mark) & sleep \(mark)"], as: .user)
    #expect(outcome.code == 124, "\(outcome.err)")
    #expect(
      SharedMountTests.wait(seconds: 5) {
        (try? Installed.execute(["/usr/bin/pgrep", "-f", "sleep \(mark)"], as: .root).code) == 1
      })
  }

  @Test func `a loop of a shell ends when its container is interrupted`() throws {
    for options in Self.options {
      let words = ([Installed.apus, "exec"] + options + [Installed.image("tiny.sif")]).joined(separator: " ")
      let script = """
        set -m
        bash -c 'for i in 1 2 3; do echo $i; \(words) sleep 20; done' &
        sleep 1; kill -INT -- -$!; wait $!; echo $?
        """
      let outcome = try Installed.execute(["/bin/bash", "-c", script], as: .user)
      #expect(outcome.line == "1\n130", "\(options): \(outcome.out)\(outcome.err)")
    }
  }
}
