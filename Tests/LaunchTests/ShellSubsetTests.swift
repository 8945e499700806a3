import Foundation
import Glibc
import Testing

@testable import Launch

/// Scripts in the subset, each followed by the names whose values are compared. `X` is in the environment before, as is
/// `P` with the value `/p`.
private let inside: [(script: String, names: [String])] = [
  ("export A=1", ["A"]), ("A=1; export A", ["A"]), ("A=1\nB=2 C=3; export A B C D", ["A", "B", "C", "D"]),
  ("A=1", ["A"]), ("X=changed", ["X"]), ("unset X", ["X"]), ("export X; unset X; X=2", ["X"]),
  ("export A; A=2", ["A"]),
  ("export A=\"a b\" B='c d' C=e\\ f", ["A", "B", "C"]), ("export A=a'b c'\"d e\"f", ["A"]),
  ("export A='$X' B=\"$X\" C=$X D=${X} E=\"${X}y\" F=$Xy", ["A", "B", "C", "D", "E", "F"]),
  ("export A=\"\\$X \\\\ \\\" \\` \\n \\z\"", ["A"]), ("export A='\\$X \\\\ \" `'", ["A"]),
  ("export A=\"one\ntwo\n\"", ["A"]), ("export A=\"one\\\ntwo\"", ["A"]), ("export A=one\\\ntwo", ["A"]),
  ("export \\\n  A=1 \\\n  B=2\n", ["A", "B"]), ("# comment\n  # another\nexport A=1 # more\n", ["A"]),
  ("export A=a#b", ["A"]), ("export A=a=b", ["A"]), ("export A=", ["A"]), ("export A=''", ["A"]),
  ("export A=$", ["A"]),
  ("export A=\"5$\" B='$' C=\"$ x\" D=\"$.\"", ["A", "B", "C", "D"]), ("\texport\tA=1\t", ["A"]), ("", ["X"]),
  ("\n\n", ["X"]), ("export A=1 B=$A", ["A", "B"]),
  ("export A=\"${X:-none}\" B=\"${U:-none}\" C=\"${U-}\"", ["A", "B", "C"]),
  ("E=; export A=\"${E:-d}\" B=\"${E-d}\" C=\"${E:+s}\" D=\"${E+s}\"", ["A", "B", "C", "D"]),
  ("export A=\"${X:+yes}\" B=\"${U:+yes}\" C=\"${X+yes}\" D=\"${U+yes}\"", ["A", "B", "C", "D"]),
  ("export A=\"${A:-\"V\"}\"", ["A"]), ("export A=\"${A:-\"two words\"}\"", ["A"]),
  ("export X=\"${X:-\"V\"}\"", ["X"]),
  ("export A=\"${A:-\"a\\\\b\"}\"", ["A"]), ("export A=\"${A:-\"d\\$x\"}\"", ["A"]),
  ("export A=\"${A:-\"q\\\"q\"}\"", ["A"]),
  ("export A=\"${U:-${P:-deep}}\" B=\"${U:-${V:-deep}}\"", ["A", "B"]), ("export A=\"${U:-a\\}b}\"", ["A"]),
  ("export A=\"${U:-\\$x \\a}\"", ["A"]), ("A=${U:-a b}; export A", ["A"]), ("A=${U:-a\\b}; export A", ["A"]),
  ("export PATH=\"/opt/bin:$PATH\"", ["PATH"]), ("export LC_ALL=é A=\"日本\"", ["LC_ALL", "A"]),
  ("S='x  *'; A=$S; export A", ["A"]), ("export A=/usr/*/b? B=x[1]", ["A", "B"]), ("export A=a~b", ["A"]),
  ("if [ -z \"$X\" ]; then export A=1; else export A=2; fi", ["A"]),
  ("if [ -n \"$X\" ]\nthen\n A=1\nfi\nexport A", ["A"]),
  ("if [ \"$X\" = host ]; then A=1; elif [ -n \"$P\" ]; then A=2; fi; export A", ["A"]),
  ("if [ \"$X\" != host ]; then A=1; elif [ -n \"$P\" ]; then A=2; else A=3; fi; export A", ["A"]),
  ("if test -n \"${U:-}\"; then A=1; elif test ! -n \"$U\"; then A=2; else A=3; fi; export A", ["A"]),
  (
    "if [ -n \"$U\" ]; then if [ -n \"$X\" ]; then A=1; fi; else if [ -n \"$X\" ]; then A=2; fi; fi; export A",
    ["A"]
  ),
  ("[ -n \"$X\" ] && export A=1", ["A"]), ("[ -z \"$X\" ] && export A=1", ["A"]),
  ("[ -z \"$X\" ] || export A=1", ["A"]),
  ("[ -z \"$X\" ] && A=1 || A=2; export A", ["A"]), ("[ \"$X\" ] &&\n  export A=1", ["A"]),
  ("false || A=1; export A", ["A"]),
  ("true && A=1\n: ; export A", ["A"]),
  ("if [ -n \"$U\" ]; then nosuchcommand with words; fi; export A=1", ["A"]),
  ("[ -n \"$X\" ] || return\nexport A=1", ["A"]), ("[ -n \"$X\" ] && return\nexport A=1", ["A"]),
  ("export A=1\nreturn 0\nexport A=2", ["A"]), ("if [ -z \"$U\" ]; then return; fi; export A=1", ["A"]),
  ("export A=x'' B=''y", ["A", "B"]), ("A=1 B=$A; export A B", ["A", "B"]),
  ("unset -v X; export A=${X-gone}", ["A"]),
  (
    "if [ -z \"$LD_LIBRARY_PATH\" ]; then\n    LD_LIBRARY_PATH=/l\nelse\n    LD_LIBRARY_PATH=\"$LD_LIBRARY_PATH:/l\"\nfi\n"
      + "PS1=\"Prompt> \"\nexport LD_LIBRARY_PATH PS1", ["LD_LIBRARY_PATH", "PS1"]
  ),
]

/// Scripts outside it: each must be left to a shell, whole.
private let outside = [
  "export A=$(date)", "export A=`date`", "export A=\"$(date)\"", "export A=\"`date`\"", ". /other",
  "source /other",
  "module load x", "for a in b; do c; done", "while true; do x; done", "case a in b) c ;; esac",
  "f() { A=1; }",
  "export A=~/x", "A=(1 2)", "A+=b", "export A=$'x'", "export A=$\"x\"", "export A=${X#h}", "export A=${X%t}",
  "export A=${#X}",
  "export A=${X:=y}", "export A=${X?no}", "export A=$1", "export A=$?", "export A=$$", "export A=$((1+1))",
  "export A=\"$@\"",
  "[ -f /etc/passwd ] && A=1", "[ -d / ] || A=1", "[ 1 -eq 1 ] && A=1", "[ a -a b ] && A=1",
  "[ -z $U ] && A=1", "A=1 cmd",
  "cmd", "A=1 > /dev/null", "A=1 &", "A=1 | cat", "exit 0", "return 1", "set -e", "umask 022", "export -n A",
  "export 1A=2",
  "export A-B=1", "unset -f x", "alias a=b", "eval A=1", "export A='open", "export A=\"open",
  "export A=${open", "if [ -n a ]; then A=1",
  "fi", "then", "if [ -n a ]; A=1; fi", "export A=1 && ", "A=1 || ", "! true", "(A=1)", "{ A=1; }",
  "export A=a\\", "if true; then A=1; fi x",
]

@Suite struct ShellSubsetTests {
  static let before: [(name: String, value: String)] = [
    ("X", "host"), ("P", "/p"), ("PATH", "/usr/bin:/bin"),
  ]

  static func native(_ script: String, _ names: [String]) throws -> [String] {
    var shell = ShellSubset(before)
    try shell.run(script)
    let exported = shell.exportedVariables
    return names.map { name in
      exported.first { $0.name == name }.map { name + "=" + $0.value } ?? name + " unset"
    }
  }

  /// The same through a real shell: what a program started after the script sees.
  static func real(_ shell: [String], _ script: String, _ names: [String]) throws -> [String] {
    let file = FileManager.default.temporaryDirectory.appendingPathComponent("apus-" + UUID().uuidString)
    try script.write(to: file, atomically: false, encoding: .utf8)
    defer { try? FileManager.default.removeItem(at: file) }
    let text = try run(
      shell + ["-c", ". \(file.path); exec /usr/bin/env -0"],
      environment: before.map { $0.name + "=" + $0.value }
    ).output
    let all = text.split(separator: "\0", omittingEmptySubsequences: false).map(String.init)
    return names.map { name in all.first { $0.hasPrefix(name + "=") } ?? name + " unset" }
  }

  @Test(
    arguments: [["/bin/dash"], ["/bin/bash", "--posix"], ["/bin/busybox", "sh"]].filter {
      access($0[0], X_OK) == 0
    })
  func `what is evaluated natively is what a shell makes of it`(shell: [String]) throws {
    #expect(inside.count > 60)
    for (script, names) in inside {
      // Quotes within "${A:-"…"}" nest in dash and busybox, and end the outer ones in bash.
      if shell[0] == "/bin/bash", script.contains("-\"a\\\\") || script.contains("-\"q") { continue }
      let wanted = try Self.real(shell, script, names)
      #expect(try Self.native(script, names) == wanted, "\(script)")
    }
  }

  @Test(arguments: outside) func `what lies outside the subset stops it and changes nothing`(script: String) {
    var shell = ShellSubset(Self.before)
    #expect(throws: ShellSubset.Stop.self) { try shell.run("export KEPT=1\n" + script) }
    #expect(shell["KEPT"] == nil)
    #expect(shell["A"] == nil)
  }

  @Test func `the line that stopped it is told`() {
    var shell = ShellSubset([])
    #expect(throws: ShellSubset.Stop(line: 3)) { try shell.run("A=1\n# x\nB=$(date)\nC=1\n") }
  }

  @Test(arguments: [
    ("plain", "plain"), ("$X", "host"), ("${X}y", "hosty"), ("a\"b", "a\"b"), ("\\$X", "$X"),
    ("a\\b", "a\\b"),
    ("a\\\\b", "a\\b"), ("it's", "it's"), ("\\\"", "\\\""), ("${U:-d}", "d"), ("100%$", "100%$"),
    ("a\nb", "a\nb"), ("\\", "\\"),
  ])
  func `an injected value is evaluated as between double quotes`(value: String, result: String) throws {
    #expect(try ShellSubset(Self.before).expand(value) == result)
    // And the shell makes the same of the word that a stub would give it.
    let word = try #require(ShellStub.evaluated(value))
    let real = try run(["/bin/sh", "-c", "printf %s \(word)"], environment: ["X=host"]).output
    #expect(real == result)
  }

  @Test(arguments: ["$(date)", "`date`", "${X#h}", "$1", "$((1+1))", "${X:=a}"])
  func `a value with more in it needs a shell`(value: String) {
    #expect(throws: ShellSubset.Stop.self) { try ShellSubset(Self.before).expand(value) }
  }

  @Test(arguments: [
    ("$(echo \"a b\")", "a b"), ("x$(echo ')')y", "x)y"), ("`echo q`", "q"),
    ("$(printf '%s' \"$(echo in)\")", "in"),
    ("\"$(echo a)\"", "\"a\""), ("${X#h}", "ost"), ("$((1+1))", "2"), ("${X:-\"}\"}", "host"),
  ])
  func `quotes within an expansion keep their meaning`(value: String, result: String) throws {
    let word = try #require(ShellStub.evaluated(value))
    #expect(try run(["/bin/sh", "-c", "printf %s \(word)"], environment: ["X=host"]).output == result)
  }

  @Test(arguments: ["$(date", "`date", "${X", "$(echo \")", "$(echo ')'", "$((1+1)", "a$(b`c)"])
  func `an expansion that does not end is no word`(value: String) {
    #expect(ShellStub.evaluated(value) == nil)
  }

  @Test func `deep nesting neither overflows nor takes long`() {
    let deep = String(repeating: "$(", count: 100_000)
    #expect(ShellStub.evaluated(deep) == nil)
    #expect(ShellStub.evaluated(deep + String(repeating: ")", count: 100_000)) != nil)
  }
}

/// Runs a program with exactly this environment.
func run(_ words: [String], environment: [String], input: String = "") throws -> (
  output: String, error: String, code: Int32
) {
  let process = Process()
  process.executableURL = URL(fileURLWithPath: words[0])
  process.arguments = Array(words.dropFirst())
  process.environment = Dictionary(
    environment.map { entry in
      let equals = entry.firstIndex(of: "=")!
      return (String(entry[..<equals]), String(entry[entry.index(after: equals)...]))
    }, uniquingKeysWith: { first, _ in first })
  let output = Pipe()
  let error = Pipe()
  process.standardOutput = output
  process.standardError = error
  process.standardInput = FileHandle.nullDevice
  try process.run()
  let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
  let message = String(decoding: error.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
  process.waitUntilExit()
  return (text, message, process.terminationStatus)
}
