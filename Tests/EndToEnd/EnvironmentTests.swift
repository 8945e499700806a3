import Foundation
import Testing

/// The environment a program sees.
@Suite struct EnvironmentTests {
  static let image = Installed.image("scripted.sif")

  static func value(
    _ name: String, _ options: [String] = [], _ environment: [String: String] = [:], image: String = image
  ) throws -> String {
    try Installed.execute(
      [Installed.apus, "exec"] + options + [image, "sh", "-c", "echo \"$\(name)\""], as: .user,
      environment: environment
    ).line
  }

  @Test(
    arguments: [
      ("MARK", [], ["MARK": "host"], "host"),
      ("FROM_IMAGE", [], ["FROM_IMAGE": "host"], "of the image"),
      ("GREETING", [], [:], "hello world"),
      ("LATER", [], [:], "of the image, then"),
      ("FROM_IMAGE", ["--env", "FROM_IMAGE=flag"], ["APUSENV_FROM_IMAGE": "variable"], "flag"),
      ("FROM_IMAGE", [], ["APUSENV_FROM_IMAGE": "variable"], "variable"),
      ("A", [], ["APPTAINERENV_A": "apptainer", "SINGULARITYENV_A": "singularity"], "apptainer"),
      ("A", [], ["APUSENV_A": "ours", "APPTAINERENV_A": "apptainer"], "ours"),
      ("B", ["--env", "A=1,B=2"], [:], "2"),
      ("A", ["--env", "\"A=1,2\""], [:], "1,2"),
      ("A", ["--env", "A=$GREETING!"], [:], "hello world!"),
      ("A", ["--no-eval", "--env", "A=$GREETING!"], [:], "$GREETING!"),
      ("MARK", ["--cleanenv"], ["MARK": "host"], ""),
      ("LANG", ["--cleanenv"], ["LANG": "xx"], "C"),
      ("TERM", ["--cleanenv"], [:], "dumb"),
      ("HOME", ["--env", "HOME=/elsewhere"], [:], Installed.home),
      ("LD_LIBRARY_PATH", [], ["LD_LIBRARY_PATH": "/host"], "/.singularity.d/libs"),
      ("LD_LIBRARY_PATH", ["--env", "LD_LIBRARY_PATH=/mine"], [:], "/mine:/.singularity.d/libs"),
      ("SINGULARITY_NAME", [], [:], "scripted.sif"),
      ("APPTAINER_COMMAND", [], [:], "exec"),
    ] as [(String, [String], [String: String], String)])
  func `a variable has the value that the order of sources gives it`(
    name: String, options: [String], environment: [String: String], value: String
  ) throws {
    #expect(try Self.value(name, options, environment) == value)
  }

  @Test func `the image's PATH comes before the standard directories`() throws {
    #expect(try Self.value("PATH").hasPrefix("/custom/bin:/bin:"))
    #expect(try Self.value("PATH", [], ["APUSENV_PREPEND_PATH": "/first"]).hasPrefix("/first:/custom/bin"))
    #expect(try Self.value("PATH", [], ["APUSENV_APPEND_PATH": "/last"]).hasSuffix(":/last"))
  }

  @Test func `scripts beyond plain exports are evaluated by the image's shell`() throws {
    let image = Installed.image("shelled.sif")
    #expect(try Self.value("COMPUTED", [], [:], image: image) == "computed")
    #expect(try Self.value("MARK", [], ["MARK": "a 'b' \"c\" $d"], image: image) == "a 'b' \"c\" $d")
    #expect(try Self.value("A", ["--env", "A=$COMPUTED"], [:], image: image) == "computed")
    #expect(try Self.value("A", ["--env", "A=$(echo run)"]) == "run")
  }

  @Test func `a file of variables is read, and one with commands refused`() throws {
    try Installed.withFolder { folder in
      try "# comment\nA='one two'\nexport B=\"$A three\"\n".write(
        toFile: folder + "/env", atomically: true, encoding: .utf8)
      #expect(try Self.value("B", ["--env-file", folder + "/env"]) == "one two three")
      try "A=$(id)\n".write(toFile: folder + "/bad", atomically: true, encoding: .utf8)
      let refused = try Installed.run("exec", "--env-file", folder + "/bad", Self.image, "true")
      #expect(refused.code == 255 && refused.err.contains("commands"))
    }
  }

  @Test func `values with newlines come through unchanged`() throws {
    #expect(try Self.value("MARK", [], ["MARK": "one\ntwo"]) == "one\ntwo")
  }

  /// One row of the order of sources: what each of them says of a name, and what the program sees.
  struct Sources: Sendable, CustomTestStringConvertible {
    /// NAME=VALUE of the caller's environment, and options.
    let host: [String: String]
    let options: [String]
    let name: String
    /// nil: not set.
    let value: String?

    init(_ host: [String: String], _ options: [String], _ name: String, _ value: String?) {
      self.host = host
      self.options = options
      self.name = name
      self.value = value
    }

    var testDescription: String { "\(host) \(options) \(name)" }
  }

  /// `FILE` in an option is a file with `A=file`, `FROM_IMAGE=file` and `B=of $A`.
  static let sources: [Sources] = [
    // From the weakest to the strongest.
    Sources(["A": "host"], [], "A", "host"),
    Sources(["FROM_IMAGE": "host"], [], "FROM_IMAGE", "of the image"),
    Sources(["SINGULARITYENV_FROM_IMAGE": "s"], [], "FROM_IMAGE", "s"),
    Sources(["SINGULARITYENV_A": "s", "APPTAINERENV_A": "a"], [], "A", "a"),
    Sources(["APPTAINERENV_A": "a", "APUSENV_A": "ours"], [], "A", "ours"),
    Sources(["APUSENV_A": "ours"], ["--env-file", "FILE"], "A", "file"),
    Sources([:], ["--env-file", "FILE"], "FROM_IMAGE", "file"),
    Sources([:], ["--env-file", "FILE"], "B", "of file"),
    Sources([:], ["--env-file", "FILE", "--env", "A=flag"], "A", "flag"),
    Sources([:], ["--env", "A=1", "--env", "A=2"], "A", "2"), Sources([:], ["--env", "A=1,A=3"], "A", "3"),
    Sources(["A": "host"], ["--env", "A="], "A", ""), Sources(["A": "host", "APUSENV_A": ""], [], "A", ""),
    // Evaluated by default, inside, and once.
    Sources([:], ["--env", "A=$GREETING"], "A", "hello world"),
    Sources(["A": "$GREETING"], [], "A", "$GREETING"),
    Sources([:], ["--env", "A=x$(echo hi)y"], "A", "xhiy"),
    Sources([:], ["--env", "A=`echo hi`"], "A", "hi"),
    Sources([:], ["--env", "A=\\$GREETING"], "A", "$GREETING"),
    Sources(["APUSENV_A": "a \"b\" 'c' \\d"], [], "A", "a \"b\" 'c' \\d"),
    Sources([:], ["--no-eval", "--env", "A=$(echo hi)"], "A", "$(echo hi)"),
    Sources([:], ["--compat", "--env", "A=$GREETING"], "A", "$GREETING"),
    Sources(["HOME": "/evil", "A": "x"], ["--env", "B=$A"], "B", ""),
    // What --cleanenv leaves.
    Sources(["A": "host"], ["--cleanenv"], "A", nil), Sources(["APUSENV_A": "x"], ["--cleanenv"], "A", "x"),
    Sources([:], ["--cleanenv"], "FROM_IMAGE", "of the image"),
    Sources(["LANG": "de"], ["--cleanenv"], "LANG", "C"),
    Sources(["APUSENV_LANG": "de"], ["--cleanenv"], "LANG", "de"),
    Sources([:], ["--cleanenv"], "TERM", "dumb"),
    Sources(["http_proxy": "p"], ["--cleanenv"], "http_proxy", "p"),
    Sources(["HTTPS_PROXY": "p"], ["--containall"], "HTTPS_PROXY", "p"),
    Sources(["no_proxy": "p"], ["--cleanenv"], "no_proxy", "p"),
    Sources(["all_proxy": "p"], ["--compat"], "all_proxy", "p"),
    Sources(["ftp_proxy": "p"], ["-C"], "ftp_proxy", "p"),
    Sources(["LC_ALL": "de"], ["--cleanenv"], "LC_ALL", nil),
    Sources(["LOGNAME": "x"], ["--cleanenv"], "LOGNAME", nil), Sources([:], ["--cleanenv"], "USER", nil),
    Sources([:], ["--cleanenv"], "USER_PATH", nil), Sources([:], ["--cleanenv"], "HOME", Installed.home),
    // PATH and LD_LIBRARY_PATH.
    Sources(["PATH": "/usr/bin:/host"], [], "PATH", standardPath),
    Sources(["APUSENV_PREPEND_PATH": "/p"], [], "PATH", "/p:" + standardPath),
    Sources(["APPTAINERENV_APPEND_PATH": "/a"], [], "PATH", standardPath + ":/a"),
    Sources(["SINGULARITYENV_PATH": "/only:/bin"], [], "PATH", "/only:/bin"),
    Sources(["LD_LIBRARY_PATH": "/host"], [], "LD_LIBRARY_PATH", "/.singularity.d/libs"),
    Sources(["APUSENV_LD_LIBRARY_PATH": "/m"], [], "LD_LIBRARY_PATH", "/m:/.singularity.d/libs"),
    Sources([:], ["--env", "LD_LIBRARY_PATH="], "LD_LIBRARY_PATH", ""),
    Sources(["APUSENV_PREPEND_LD_LIBRARY_PATH": "/p"], [], "LD_LIBRARY_PATH", "/p:/.singularity.d/libs"),
    Sources(["APUSENV_APPEND_LD_LIBRARY_PATH": "/a"], [], "LD_LIBRARY_PATH", "/.singularity.d/libs:/a"),
    // What is the runtime's own.
    Sources(["HOME": "/elsewhere"], [], "HOME", Installed.home), Sources(["APUS_X": "1"], [], "APUS_X", nil),
    Sources(["APPTAINER_X": "1"], [], "APPTAINER_X", nil),
    Sources(["SINGULARITY_X": "1"], [], "SINGULARITY_X", nil),
    Sources(["APUSENV_A": "1"], [], "APUSENV_A", nil),
    Sources(["APUSENV_APUS_NAME": "x"], [], "APUS_NAME", "scripted.sif"),
    Sources([:], ["--bind", "/usr:/mnt/empty"], "APPTAINER_BIND", "/mnt/empty"),
    // A name that is none takes nothing else along.
    Sources([:], ["--env", "A-B=1,A=2"], "A", "2"),
    Sources(["APUSENV_A.B": "1", "APUSENV_A": "2"], [], "A", "2"),
    Sources([:], ["--env", "B=$(broken,A=2"], "A", "2"), Sources([:], ["--env", "B=$(broken,A=2"], "B", nil),
  ]

  static let standardPath = "/custom/bin:/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin"

  @Test(arguments: sources) func `of all sources of a variable the strongest counts`(row: Sources) throws {
    try Installed.withFolder { folder in
      let file = folder + "/variables"
      try Installed.write(Data("A=file\nFROM_IMAGE=file\nB=\"of $A\"\n".utf8), to: file)
      let options = row.options.map { $0 == "FILE" ? file : $0 }
      let outcome = try Installed.execute(
        [Installed.apus, "exec"] + options + [Self.image, "sh", "-c", "echo \"${\(row.name)-unset}\""],
        as: .user,
        environment: row.host)
      #expect(outcome.code == 0 && outcome.line == row.value ?? "unset", "\(outcome.out)\(outcome.err)")
    }
  }

  @Test func `what no shell can hold as a name stays outside, and any value comes in`() throws {
    let value = "a\nb\t\"'\\$(id)`id`\u{E4}\u{1F600}=x"
    let outcome = try Installed.execute(
      [Installed.apus, "exec", Self.image, "env"], as: .user,
      environment: ["BASH_FUNC_x%%": "() { :; }", "A.B": "1", "1X": "2", "A B": "3", "GOOD": value])
    #expect(outcome.out.contains("GOOD=" + value + "\n"), "\(outcome.out)")
    for name in ["BASH_FUNC", "A.B", "1X", "A B"] { #expect(!outcome.out.contains(name + "="), "\(name)") }
    #expect(!outcome.out.contains("BASH_FUNC"))
  }

  /// Whether a shell of the image is executed before the program.
  private static func startsShell(_ words: [String], _ environment: [String: String]) throws -> Bool {
    try Installed.withFolder { folder in
      let outcome = try Installed.execute(
        ["/usr/bin/strace", "-f", "-qq", "-e", "trace=execve", "-o", folder + "/trace", Installed.apus]
          + words,
        as: .user, environment: environment)
      #expect(outcome.code == 0, "\(outcome.err)")
      let programs = try String(contentsOfFile: folder + "/trace", encoding: .utf8).split(separator: "\n")
        .filter { $0.contains("execve(") && $0.hasSuffix("= 0") }
      // apus, and the program or the shell.
      #expect(programs.count >= 2, "\(programs)")
      return programs.contains { $0.contains("execve(\"/bin/sh\"") }
    }
  }

  @Test(
    arguments: [
      ("tiny.sif", [], false), ("scripted.sif", [], false),
      ("scripted.sif", ["--env", "A=$GREETING"], false),
      ("scripted.sif", ["--no-eval", "--env", "A=$(id)"], false),
      ("scripted.sif", ["--env", "A=$(true)"], true),
      ("shelled.sif", [], true), ("scripted.sif", ["--cleanenv"], false),
    ] as [(String, [String], Bool)])
  func `a shell is started only where something is left to evaluate`(
    image: String, options: [String], isStarted: Bool
  ) throws {
    let words = ["exec"] + options + [Installed.image(image), "true"]
    #expect(try Self.startsShell(words, ["APUSENV_B": "$HOME/x", "APUS_MOUNT_LINGER": "0"]) == isStarted)
  }

  @Test func `an image without a shell has all variables that need none`() throws {
    try Installed.withFolder { folder in
      let root = folder + "/root"
      for name in ["bin", "dev", "proc", "sys", "tmp", "var/tmp", "etc", "home", ".singularity.d/env"] {
        try FileManager.default.createDirectory(atPath: root + "/" + name, withIntermediateDirectories: true)
      }
      try FileManager.default.copyItem(
        atPath: Installed.image("tiny") + "/bin/busybox", toPath: root + "/bin/env")
      try Installed.write(
        Data("export FROM_IMAGE=\"${FROM_IMAGE:-\"of the image\"}\"\n".utf8),
        to: root + "/.singularity.d/env/90-environment.sh")
      let outcome = try Installed.run(
        "exec", "--env", "A=<$FROM_IMAGE>,B=$(id)", root, "env",
        environment: ["MARK": "host", "APUSENV_C": "$A!"])
      let lines = outcome.line.split(separator: "\n").map(String.init)
      #expect(outcome.code == 0, "\(outcome.err)")
      for line in ["A=<of the image>", "FROM_IMAGE=of the image", "MARK=host"] {
        #expect(lines.contains(line), "\(lines)")
      }
      #expect(outcome.err.contains("has no /bin/sh: parts are left out"), "\(outcome.err)")
      #expect(!lines.contains { $0.hasPrefix("B=") }, "\(lines)")
      let quiet = try Installed.run("exec", "--env", "A=<$FROM_IMAGE>", root, "env")
      #expect(
        quiet.code == 0 && quiet.err.isEmpty && quiet.out.contains("A=<of the image>\n"), "\(quiet.err)")
    }
  }

  @Test func `HOME is a directory that is there`() throws {
    for options in [["--no-home"], ["--no-mount", "home"], ["--no-home", "--fakeroot"]] {
      let outcome = try Installed.execute(
        [Installed.apus, "exec"] + options + [Self.image, "sh", "-c", "cd && pwd"], as: .user)
      let place = options.contains("--fakeroot") ? "/root" : "/"
      #expect(outcome.code == 0 && outcome.line == place, "\(options): \(outcome.out)\(outcome.err)")
    }
    #expect(try Self.value("HOME", ["--no-home", "--env", "HOME=/tmp"]) == "/tmp")
    try Installed.withFolder { folder in
      let shown = try Self.value("HOME", ["--no-home", "--bind", "\(folder):\(Installed.home)"])
      #expect(shown == Installed.home)
    }
  }
}
