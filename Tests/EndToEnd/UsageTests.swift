import Foundation
import Testing

/// Command lines, variables and files that make no sense: one clear line, what to do, and the right exit code.
@Suite struct UsageTests {
  static let image = Installed.image("tiny.sif")

  @Test(
    arguments: [
      (["explain"], 1, "exec, run, shell, test", "apus help explain"),
      (["sif"], 1, "header, list, info, dump", "apus help sif"),
      (["sif", "lst"], 1, "unknown command sif lst", "did you mean `apus sif list`?"),
      (["-x"], 1, "unknown option -x: `apus` has none", "`apus help` lists them"),
      (["exec", "--nv", "x", "y"], 1, "unknown option --nv", "`apus help exec` lists them"),
      (["exec", "--nvccli", "x", "y"], 1, "unknown option --nvccli", "`apus help exec` lists them"),
      (
        ["exec", "--hostname", "", "x", "y"], 1, "option --hostname: its value is empty",
        "leave the option out"
      ),
      (["doctor", "x"], 1, "its usage is: apus doctor [OPTION...]\n", "`apus help doctor`"),
      (["exec", "\u{1B}[2J"], 1, "wrong number", "apus help exec"),
      (["\u{1B}[2J"], 1, "\\x1b[2J", "apus help"),
    ] as [([String], Int32, String, String)])
  func `words that make no sense are explained`(words: [String], code: Int32, text: String, remedy: String)
    throws
  {
    let outcome = try Installed.execute([Installed.apus] + words, as: .user)
    #expect(
      outcome.code == code && outcome.err.contains(text) && outcome.err.contains(remedy), "\(outcome.err)")
    #expect(!outcome.err.contains("\u{1B}") && !outcome.err.contains("` has none of that name` "))
  }

  @Test(
    arguments: [
      ("docker://alpine", "docker://docker.io/library/alpine:latest"),
      ("oras://host/x:1", "oras://docker.io/host/x:1"),
      ("library://a/b/c", "library uri"), ("https://host/x.sif", "https://host/x.sif"),
      ("oci:folder", "folder"), ("oci-archive:x.tar", "x.tar"), ("docker-archive:x.tar", "x.tar"),
      ("instance://web", "instance"),
    ])
  func `a reference is told from a path`(reference: String, text: String) throws {
    for words in [
      ["exec", "--offline", reference, "true"], ["inspect", "--offline", reference],
      ["run-help", "--offline", reference], ["explain", "run", "--offline", reference],
    ] {
      let outcome = try Installed.execute([Installed.apus] + words, as: .user)
      #expect(
        outcome.code == 255 && outcome.err.hasPrefix("FATAL:   ") && outcome.err.contains(text),
        "\(outcome.err)")
    }
  }

  @Test(arguments: ["--help", "-h"]) func `help of a word that only begins commands lists them`(
    option: String
  )
    throws
  {
    let outcome = try Installed.run("sif", option)
    #expect(outcome.code == 0 && outcome.out.contains("sif dump") && !outcome.out.contains("inspect"))
  }

  @Test func `a password in an address is not printed`() throws {
    let outcome = try Installed.run("exec", "--offline", "https://ann:secret@host/x.sif", "true")
    #expect(outcome.code == 255 && outcome.err.contains("https://host/x.sif"), "\(outcome.err)")
    #expect(!outcome.err.contains("secret"))
  }

  @Test func `a file may be called like a reference`() throws {
    try Installed.withFolder { folder in
      try Installed.write(Data(contentsOf: URL(fileURLWithPath: Self.image)), to: folder + "/oci:x")
      #expect(try Installed.run("exec", "oci:x", "true", directory: folder).code == 0)
      #expect(try Installed.run("exec", folder + "/oci:x", "true").code == 0)
    }
  }

  @Test func `mounts on lines of one value are all made, and a field given twice is refused`() throws {
    let lines = "type=bind,source=/etc,target=/mnt/a\ntype=bind,source=/usr,target=/mnt/b"
    let outcome = try Installed.run(
      "exec", "--writable-tmpfs", "--mount", lines, Self.image, "ls", "/mnt/a/passwd", "/mnt/b/bin")
    #expect(outcome.code == 0, "\(outcome.err)")
    let twice = try Installed.run(
      "exec", "--mount", "source=/etc,source=/usr,target=/mnt/a", Self.image, "true")
    #expect(twice.code == 255 && twice.err.contains("it has source twice"), "\(twice.err)")
  }

  @Test func `an empty variable is as good as none`() throws {
    var environment: [String: String] = ["APUS_MESSAGELEVEL": ""]
    for name in [
      "HOME", "CWD", "PWD", "CONFIG_FILE", "HOSTNAME", "WORKDIR", "APP", "SHELL", "BIND", "MOUNT", "NO_HOME",
    ] {
      for prefix in ["APUS_", "APPTAINER_", "SINGULARITY_"] { environment[prefix + name] = "" }
    }
    let outcome = try Installed.run("exec", Self.image, "pwd", environment: environment, directory: "/tmp")
    #expect(outcome.code == 0 && outcome.line == "/tmp" && outcome.err.isEmpty, "\(outcome.err)")
  }

  @Test func `a linger that is no number is warned about`() throws {
    let outcome = try Installed.run("exec", Self.image, "true", environment: ["APUS_MOUNT_LINGER": "abc"])
    #expect(
      outcome.code == 0 && outcome.err.contains("WARNING: ignoring APUS_MOUNT_LINGER=abc"), "\(outcome.err)")
  }

  @Test func `a variable without a value is a usage error, and words behind a shell's image are ignored`()
    throws
  {
    let outcome = try Installed.run("exec", "--env", "A", Self.image, "true")
    #expect(outcome.code == 1 && outcome.err.contains("\"A\" has no ="), "\(outcome.err)")
    let shell = try Installed.run("shell", Self.image, "-c", "exit 5", input: "exit 3\n")
    #expect(
      shell.code == 3 && shell.err.contains("WARNING: parameters to the shell command are ignored"),
      "\(shell.err)")
  }

  @Test func `a file of variables is refused by what is wrong with it`() throws {
    let missing = try Installed.run("exec", "--env-file", "/nope", Self.image, "true")
    #expect(
      missing.code == 255 && missing.err.contains("No such file") && missing.err.contains("check the path"),
      "\(missing.err)")
    try Installed.withFolder { folder in
      try Installed.write(Data("A='x\n".utf8), to: folder + "/vars")
      let quote = try Installed.run("exec", "--env-file", folder + "/vars", Self.image, "true")
      #expect(quote.code == 255 && quote.err.contains("the quote in line 1 is not closed"), "\(quote.err)")
    }
  }

  @Test func `without a home directory the start in the root is told`() throws {
    let outcome = try Installed.run("exec", "--no-home", Self.image, "pwd", directory: Installed.home)
    #expect(outcome.line == "/" && outcome.err.contains("left out: starting in /\n"), "\(outcome.err)")
  }

  @Test func `sif and build say what their source is instead`() throws {
    let list = try Installed.run("sif", "list", "/etc")
    #expect(
      list.code == 255 && list.err.contains("cannot read /etc as a SIF: it is a directory"), "\(list.err)")
    try Installed.withFolder { folder in
      let sandbox = try Installed.run("build", "--sandbox", folder + "/out", "/etc")
      #expect(sandbox.code == 255 && sandbox.err.contains("--sandbox takes an image"), "\(sandbox.err)")
      mkdir(folder + "/tree", 0o755)
      mkdir(folder + "/tree/closed", 0)
      let closed = try Installed.run("build", folder + "/x.sif", folder + "/tree/")
      #expect(
        closed.code == 255 && closed.err.contains("cannot read \(folder)/tree/closed:"), "\(closed.err)")
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["tree"])
    }
  }

  @Test func `mounts refuses a squatted runtime directory as a launch does`() throws {
    let words = [
      "/usr/bin/setpriv", "--reuid", "54324", "--regid", "54324", "--clear-groups", Installed.apus,
    ]
    let none = try Installed.execute(words + ["mounts"], as: .root)
    #expect(none.code == 0 && none.out.hasPrefix("PID"), "\(none.err)")
    let path = "/tmp/apus-54324"
    mkdir(path, 0o755)
    defer { rmdir(path) }
    let outcome = try Installed.execute(words + ["mounts"], as: .root)
    #expect(
      outcome.code == 255 && outcome.out.isEmpty && outcome.err.contains("belongs to uid 0"), "\(outcome.err)"
    )
  }

  @Test func `an application that the image lacks is the same fault everywhere`() throws {
    let run = try Installed.run("run", "--app", "nope", Self.image)
    #expect(run.code == 1 && run.err.contains("cannot locate the container application nope"), "\(run.err)")
    for command in ["inspect", "run-help"] {
      let outcome = try Installed.run(command, "--app", "nope", Self.image)
      #expect(outcome.code == 1 && outcome.err == run.err && outcome.out.isEmpty, "\(outcome.err)")
    }
  }

  @Test func `debug says which settings and variables count, verbose what was built`() throws {
    let outcome = try Installed.run("-d", "exec", Self.image, "true", environment: ["APPTAINER_NO_HOME": "1"])
    #expect(outcome.err.contains("APPTAINER_NO_HOME counts as --no-home"), "\(outcome.err)")
    #expect(outcome.err.contains("settings are those of ") && outcome.err.contains("/etc/apus/apus.conf"))
    try Installed.withFolder { folder in
      let build = try Installed.run(
        "-v", "build", "--threads", "2", folder + "/x.sif", Installed.image("tiny/etc"))
      #expect(
        build.code == 0 && build.err.contains(" objects, ") && build.err.contains("gzip by 2 threads"),
        "\(build.err)")
      let copy = try Installed.run("-v", "build", folder + "/y.sif", folder + "/x.sif")
      #expect(copy.err.contains("blocks taken over as they were"), "\(copy.err)")
    }
  }

  @Test func `pages and completions are installed for every command`() throws {
    let share = Installed.folder("APUS_TREE") + "/share"
    let pages = try Installed.run("man", "--list").out.split(separator: "\n")
    #expect(pages.contains("run-help") && pages.contains("sif list"))
    let files = [
      "bash-completion/completions/apus", "zsh/site-functions/_apus", "fish/vendor_completions.d/apus.fish",
      "man/man1/apus.1",
    ]
    for file in files + pages.map({ "man/man1/apus-\($0.replacingOccurrences(of: " ", with: "-")).1" }) {
      #expect(FileManager.default.fileExists(atPath: share + "/" + file), "\(file)")
    }
  }
}
