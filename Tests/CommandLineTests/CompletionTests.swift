import Foundation
import Testing

@testable import CommandLine

/// The scripts are run by the shell they are for.
@Suite struct CompletionTests {
  /// What bash would offer. `words` stand before the cursor, as bash splits them; the last one is being completed.
  static func offered(_ words: [String]) throws -> [String] {
    let script = try #require(Completion.script(for: "bash"))
    let quoted = words.map { "'" + $0 + "'" }.joined(separator: " ")
    let body =
      script + "\ncd /usr/share; COMP_WORDS=(apus \(quoted)); COMP_CWORD=\(words.count); _apus\n"
      + "[ ${#COMPREPLY[@]} = 0 ] || printf '%s\\n' \"${COMPREPLY[@]}\"\n"
    let bash = Process()
    bash.executableURL = URL(fileURLWithPath: "/bin/bash")
    bash.arguments = ["--norc", "-c", body]
    let out = Pipe()
    bash.standardOutput = out
    bash.standardError = out
    try bash.run()
    let text = String(decoding: out.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    bash.waitUntilExit()
    return text.split(separator: "\n").map(String.init)
  }

  @Test(
    arguments: [
      (["ex"], ["exec", "explain"]), (["--deb"], ["--debug"]), (["-q", "insp"], ["inspect"]),
      (["--config", "exec", "mou"], ["mounts"]), (["--config", "=", "x", "mou"], ["mounts"]),
      (["exec", "--writ"], ["--writable", "--writable-tmpfs"]),
      (["exec", "--bind", "/a", ":", "/b", "--no-h"], ["--no-home", "--no-https"]),
      (["exec", "-B", "/a", "--cleane"], ["--cleanenv"]),
      (["explain", ""], ["exec", "run", "shell", "test"]),
      (["explain", "shell", "--she"], ["--shell"]), (["sif", ""], ["header", "list", "info", "dump"]),
      (["sif", "list", "--js"], ["--json"]), (["completion", ""], ["bash", "zsh", "fish"]),
      (["help", "b"], ["build"]), (["help", "sif", ""], ["header", "list", "info", "dump"]),
      (["help", "exec", ""], []), (["doctor", ""], []), (["nonsense", ""], []),
      // Behind the image the words are the program's, and may be files.
      (["exec", "x.sif", "--bi"], []), (["exec", "x.sif", "zoneinf"], ["zoneinfo"]),
      (["inspect", "x.sif", "--runs"], ["--runscript"]), (["run", "zoneinf"], ["zoneinfo"]),
      (["exec", "--home", "=", "zoneinf"], ["zoneinfo"]), (["exec", "--hostname", ""], []),
      (["exec", "--", "--bi"], []),
    ] as [([String], [String])])
  func `bash is offered what can come next, and nothing else`(words: [String], expected: [String]) throws {
    #expect(try Self.offered(words) == expected)
  }

  @Test func `bash is offered the commands, first and behind help`() throws {
    let commands = try Self.offered([""])
    #expect(commands.contains("build") && commands.contains("sif") && !commands.contains("man"))
    #expect(commands.allSatisfy { $0.allSatisfy { $0.isLetter || $0 == "-" } })
    #expect(try Self.offered(["help", ""]) == commands)
  }

  @Test(arguments: ["bash", "zsh", "fish"])
  func `each script knows each command and option`(shell: String) throws {
    let script = try #require(Completion.script(for: shell))
    for command in Commands.all where !command.isHidden {
      #expect(script.contains(command.name))
      for option in command.options where !option.isHidden { #expect(script.contains(option.name)) }
    }
  }

  @Test func `other shells have no script`() { #expect(Completion.script(for: "csh") == nil) }
}
