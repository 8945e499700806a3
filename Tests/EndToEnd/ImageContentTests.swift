import Foundation
import Testing

/// What an image's configuration says becomes scripts, variables, labels and objects of the SIF, and programs started
/// from it do what they do under Apptainer.
@Suite(.enabled(if: Registry.isTested, "its images are made by scripts/test"))
struct ImageContentTests {
  static func withSIF<T>(_ layout: String, _ body: (_ sif: String, _ folder: String) throws -> T) throws -> T
  {
    try Installed.withFolder { folder in
      let sif = folder + "/ours.sif"
      let made = try Installed.run(
        "build", sif, "oci:" + Registry.layout(layout), environment: ["APUS_CACHEDIR": folder + "/cache"])
      #expect(made.code == 0, "\(made.err)")
      return try body(sif, folder)
    }
  }

  static let alone = ["APUS_MOUNT_LINGER": "0"]

  @Test func `the configuration is an object of the SIF as it was`() throws {
    try Self.withSIF("gzip") { sif, _ in
      let list = try Installed.run("sif", "list", sif)
      #expect(list.out.contains("Def.FILE") && list.out.contains("JSON.Generic"), "\(list.out)")
      let dump = try Installed.run("sif", "dump", "3", sif)
      let found = try #require(try Peers.object(dump.out), "\(dump.out) \(dump.err)")
      let expected: NSDictionary = [
        "Env": ["PATH=/opt/bin:/bin", "FROM_OCI=with space", "QUOTES=a\"b", "EMPTY="],
        "Entrypoint": ["/bin/busybox", "echo", "entry point", "$HOME"], "Cmd": ["command", "`x`"],
        "Labels": ["maintainer": "somebody", "org.example/multi": "two\nlines"], "WorkingDir": "/opt",
        "User": "1234:1234", "ExposedPorts": ["80/tcp": NSDictionary()], "StopSignal": "SIGTERM",
      ]
      #expect(found == expected)
    }
  }

  @Test(
    arguments: [
      ([], "entry point $HOME command `x`\n"), (["a b"], "entry point $HOME a b\n"),
      (["--no-eval", "$HOME", "`echo x`"], "entry point $HOME $HOME `echo x`\n"),
    ])
  func `entry point, command and words come together`(words: [String], wanted: String) throws {
    try Self.withSIF("gzip") { sif, _ in
      let options = words.first == "--no-eval" ? ["--no-eval"] : []
      let rest = Array(words.dropFirst(options.count))
      let outcome = try Installed.execute(
        [Installed.apus, "run"] + options + [sif] + rest, as: .user, environment: Self.alone)
      #expect(outcome.out == wanted && outcome.code == 0, "\(outcome.err)")
    }
  }

  @Test func `a command without an entry point runs, and words replace it`() throws {
    try Self.withSIF("shell-form") { sif, _ in
      let plain = try Installed.execute(
        [Installed.apus, "run", sif], as: .user, environment: Self.alone, directory: "/")
      #expect(plain.out == "echo by default\n/\n".replacingOccurrences(of: "echo ", with: ""), "\(plain.err)")
      let words = try Installed.run("run", sif, "/bin/echo", "instead", environment: Self.alone)
      #expect(words.out == "instead\n", "\(words.err)")
    }
  }

  @Test func `variables have the values of the configuration, byte for byte`() throws {
    try Self.withSIF("gzip") { sif, _ in
      let outcome = try Installed.run("exec", sif, "/bin/env", environment: Self.alone)
      let lines = outcome.out.split(separator: "\n").map(String.init)
      for line in ["FROM_OCI=with space", "QUOTES=a\"b", "EMPTY="] {
        #expect(lines.contains(line), "\(outcome.out)")
      }
      #expect(lines.contains { $0.hasPrefix("PATH=/opt/bin:/bin") })
      let set = try Installed.run(
        "exec", "--env", "FROM_OCI=mine", sif, "/bin/sh", "-c", "echo $FROM_OCI", environment: Self.alone)
      #expect(set.out == "mine\n", "\(set.err)")
    }
  }

  @Test func `labels, definition and scripts are shown by inspect`() throws {
    try Self.withSIF("gzip") { sif, _ in
      let labels = try Installed.run("inspect", "--labels", sif)
      #expect(labels.out.contains("maintainer: somebody"), "\(labels.err)")
      #expect(labels.out.contains("org.example/multi: two"))
      #expect(labels.out.contains("bootstrap: docker"))
      #expect(labels.out.contains(try Registry.digest("gzip")))
      #expect(try Installed.run("inspect", "--deffile", sif).out.contains(try Registry.digest("gzip")))
      #expect(try Installed.run("inspect", "--runscript", sif).out.contains("OCI_ENTRYPOINT='"))
      let script = try Installed.run("exec", sif, "cat", "/.singularity.d/env/10-docker2singularity.sh")
      #expect(script.out.contains("export FROM_OCI=\"${FROM_OCI:-\"with space\"}\""), "\(script.out)")
    }
  }

  /// Values and words that a shell would change, in an image of the test's own.
  static let values = [
    "DOLLAR=$HOME and ${X:-y}", "BACKTICK=`id`", "QUOTED=a\"b'c", "BACKSLASH=a\\b\\\\c\\n", "SPACES=  two  ",
    "LINES=one\ntwo", "STAR=*", "SEMICOLON=a;b & c | d > e", "UNICODE=äö€", "EQUALS=a=b=c", "EXCLAIM=!x",
    "PERCENT=%s %d", "HASH=# no comment", "TILDE=~", "EMPTY=",
  ]

  static func layout(_ folder: String, entrypoint: [String], command: [String]) throws -> String {
    let configuration: [String: Any] = [
      "Env": ["PATH=/bin"] + values, "Entrypoint": entrypoint, "Cmd": command, "WorkingDir": "",
    ]
    let json = try JSONSerialization.data(withJSONObject: configuration)
    let script = """
      import json, sys
      sys.path.insert(0, sys.argv[1])
      import layers, oci
      store = oci.Store()
      image = oci.image(store, [layers.base()], **json.loads(sys.argv[3]))
      oci.write_layout(store, sys.argv[2], [oci.named(image, "latest")])
      """
    let outcome = try Installed.execute(
      [
        "/usr/bin/python3", "-B", "-c", script, Installed.checkout + "/Tests/Support/registry",
        folder + "/layout", String(decoding: json, as: UTF8.self),
      ], as: .root)
    #expect(outcome.code == 0, "\(outcome.err)")
    return folder + "/layout"
  }

  @Test func `no shell changes a value or a word of the image`() throws {
    try Installed.withFolder { folder in
      let words = ["a  b", "$HOME", "`id`", "it's", "q\"q", "back\\slash", "*", "", "é", ";", "$(id)", "!x"]
      let layout = try Self.layout(folder, entrypoint: ["/bin/busybox", "printf", "<%s>"], command: words)
      let sif = folder + "/x.sif"
      let made = try Installed.run(
        "build", sif, "oci:" + layout, environment: ["APUS_CACHEDIR": folder + "/cache"])
      #expect(made.code == 0, "\(made.err)")
      let run = try Installed.run("run", sif, environment: Self.alone)
      #expect(run.out == words.map { "<\($0)>" }.joined(), "\(run.err)")
      let environment = try Installed.run("exec", sif, "/bin/env", environment: Self.alone)
      for value in Self.values {
        #expect(environment.out.contains("\n" + value + "\n"), "\(value): \(environment.out)")
      }
    }
  }

  // MARK: beside Apptainer

  static let runs: [[String]] = [
    ["run"], ["run", "a", "b  c"], ["run", "$HOME", "$(echo hi)", "`echo x`"], ["run", "'single'", "*"],
    ["run", "--no-eval", "$HOME", "q\"q"], ["exec", "/bin/pwd"],
    ["exec", "/bin/sh", "-c", "echo $FROM_OCI"],
    ["exec", "/bin/ls", "-a", "/"], ["exec", "/bin/false"],
  ]

  @Test(.enabled(if: Peers.arePresent), arguments: ["gzip", "shell-form", "values"])
  func `Apptainer runs our image as it runs its own of the same layers, and we run both as it does`(
    layout: String
  )
    throws
  {
    try Installed.withFolder { folder in
      let source =
        layout == "values"
        ? try Self.layout(folder, entrypoint: ["/bin/echo", "a  b", "it's"], command: ["$HOME", "c d"])
        : Registry.layout(layout)
      let (ours, theirs) = (folder + "/ours.sif", folder + "/theirs.sif")
      let made = try Installed.run(
        "build", ours, "oci:" + source, environment: ["APUS_CACHEDIR": folder + "/cache"])
      #expect(made.code == 0, "\(made.err)")
      let built = try Peers.apptainer(
        ["--quiet", "build", theirs, "oci:" + source],
        ["APPTAINER_CACHEDIR": folder + "/their-cache", "APPTAINER_TMPDIR": folder])
      try #require(built.code == 0, "\(built.err)")
      // Words are a program of their own where there is no entry point.
      for words in Self.runs where layout != "shell-form" || words.count == 1 || words[0] == "exec" {
        let options = words.contains("--no-eval") ? ["--no-eval"] : []
        let rest = words.dropFirst().filter { $0 != "--no-eval" }
        let wanted = try Peers.apptainer([words[0]] + options + [theirs] + rest, Self.alone)
        let seen = [
          try Peers.apptainer([words[0]] + options + [ours] + rest, Self.alone),
          try Installed.execute(
            [Installed.apus, words[0]] + options + [ours] + rest, as: .user, environment: Self.alone),
          try Installed.execute(
            [Installed.apus, words[0]] + options + [theirs] + rest, as: .user, environment: Self.alone),
        ]
        for (index, outcome) in seen.enumerated() {
          #expect(outcome.code == wanted.code, "\(words) \(index): \(outcome.err)")
          #expect(outcome.out == wanted.out, "\(words) \(index): \(outcome.err)")
        }
      }
      // Apptainer puts a backslash before quotation marks in values.
      guard layout != "values" else { return }
      let own = { (text: String) in
        Peers.comparable(text).filter { !$0.contains(".sif") && !$0.hasPrefix("QUOTES=") }
      }
      let wanted = own(try Peers.apptainer(["exec", theirs, "/bin/env"], Self.alone).out)
      let both = try Peers.both(["exec", ours, "/bin/env"], Self.alone)
      #expect(wanted.contains("FROM_OCI=with space"))
      for found in [both.ours, both.theirs] { #expect(own(found.out) == wanted, "\(found.err)") }
    }
  }
}
