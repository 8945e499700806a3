import Foundation
import Testing

/// `--diagnose`: the program runs as it would, and at the end it is said what it was refused.
@Suite struct DiagnoseTests {
  static let image = Installed.image("tiny.sif")

  /// The options of the last line.
  static func advice(_ outcome: Outcome) -> [String] {
    let mark = "INFO:    diagnosis: add to the command: "
    guard let line = outcome.err.split(separator: "\n").last, line.hasPrefix(mark) else { return [] }
    return line.dropFirst(mark.count).split(separator: " ").map(String.init)
  }

  @Test(arguments: Caller.allCases)
  func `what a program was refused is told with the options that help, and they help`(caller: Caller) throws {
    try Installed.withFolder { folder in
      let hidden = "/srv/apus-test-diagnose-" + UUID().uuidString.prefix(8)
      try FileManager.default.createDirectory(atPath: hidden, withIntermediateDirectories: false)
      defer { try? FileManager.default.removeItem(atPath: hidden) }
      try Installed.write(Data("found".utf8), to: hidden + "/file")
      chmod(hidden, 0o755)
      let words = [Self.image, "sh", "-c", "cat \(hidden)/file && (echo x > /mnt/new) && ls /mnt"]
      let refused = try Installed.execute([Installed.apus, "exec", "--diagnose"] + words, as: caller)
      #expect(refused.code != 0)
      #expect(refused.err.contains("did not find \(hidden)/file, which the host has"), "\(refused.err)")
      var options = Self.advice(refused)
      #expect(options.contains("--bind"), "\(refused.err)")
      // The write comes once the file is found.
      let second = try Installed.execute(
        [Installed.apus, "exec", "--diagnose"] + options + words, as: caller)
      #expect(second.err.contains("could not write /mnt/new"), "\(second.err)")
      options += Self.advice(second)
      #expect(options.contains("--writable-tmpfs"))
      let helped = try Installed.execute([Installed.apus, "--quiet", "exec"] + options + words, as: caller)
      #expect(helped.code == 0 && helped.out.hasPrefix("found"), "\(helped.err)")
    }
  }

  @Test func `a program that nothing is refused ends as it would, in one line`() throws {
    let outcome = try Installed.run(
      "exec", "--diagnose", Self.image, "sh", "-c", "cat; sh -c 'exit 2'; exit $(($? + 3))", input: "words")
    #expect(outcome.code == 5 && outcome.out == "words")
    #expect(
      outcome.err == "INFO:    diagnosis: nothing the program was refused has to do with its container\n")
    let killed = try Installed.run(
      "exec", "--diagnose", "--pid", Self.image, "sh", "-c",
      "kill -KILL $$ ; sleep 9 & kill -TERM $!; wait $!; exit $?")
    #expect(killed.code == 143 || killed.code == 137, "\(killed.code)")
    let first = try Installed.run("exec", "--diagnose", "--pid", Self.image, "sh", "-c", "echo $$; exit 4")
    #expect(first.code == 4 && first.line != "1", "process 1 is the init, as without")
    let bare = try Installed.run(
      "exec", "--diagnose", "--pid", "--no-init", Self.image, "sh", "-c", "echo $$; exit 4")
    #expect(bare.code == 4 && bare.line == "1")
  }

  @Test func `packages of the home directory that stand in front are told`() throws {
    let folder = Installed.home + "/.local/lib/python3.9/site-packages"
    _ = try Installed.execute(["/bin/mkdir", "-p", folder], as: .user)
    defer { try? FileManager.default.removeItem(atPath: Installed.home + "/.local") }
    _ = try Installed.execute(["/bin/sh", "-c", "echo 1 > \(folder)/module.py"], as: .user)
    let outcome = try Installed.run("exec", "--diagnose", Self.image, "cat", folder + "/module.py")
    #expect(outcome.out == "1\n" && Self.advice(outcome) == ["--no-home"], "\(outcome.err)")
  }

  @Test func `a program that does not start is a fault as ever`() throws {
    let outcome = try Installed.run("exec", "--diagnose", Self.image, "no-such-program")
    #expect(outcome.code == 127 && outcome.err.contains("FATAL:   cannot run no-such-program"))
  }
}
