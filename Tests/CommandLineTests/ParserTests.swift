import Testing

@testable import CommandLine

@Suite struct ParserTests {
  static let commands = [
    Command(
      ["go"], "IMAGE [WORD...]", fewest: 1, summary: "",
      options: [
        Option("bind", "B", .many("S"), variables: ["BIND", "BINDPATH"], help: ""),
        Option("mount", nil, .lines("S"), variables: ["MOUNT"], help: ""),
        Option("scratch", "S", .list("T"), variables: ["SCRATCH"], help: ""),
        Option("cwd", nil, .value("D"), variables: ["CWD", "PWD"], synonyms: ["pwd"], help: ""),
        Option("name", "n", .value("N"), variables: ["NAME"], help: "", refusesEmpty: true),
        Option("clean", "e", variables: ["CLEAN"], help: ""), Option("wide", "w", help: ""),
      ]),
    Command(
      ["look"], "FILE", operands: 1...1, summary: "", options: [Option("json", "j", help: "")],
      mixesOptions: true),
    Command(["set", "one"], operands: 0...0, summary: ""), Command(["set", "two"], "X", summary: ""),
  ]
  static let parser = Parser(commands: commands, global: [Option("quiet", "q", help: "")])

  static func parse(_ words: String..., environment: [String: String] = [:]) throws -> Parsed {
    try parser.parse(words) { environment[$0] }
  }

  @Test(arguments: [
    ["-B", "/a"], ["-B/a"], ["-B=/a"], ["--bind", "/a"], ["--bind=/a"], ["-eB", "/a"], ["-weB/a"],
    ["-q", "-B=/a"],
  ]) func `long and short forms say the same`(words: [String]) throws {
    #expect(try Self.parser.parse(["go"] + words + ["x"], environment: nil).all("bind") == ["/a"])
  }

  @Test(
    arguments: [
      (["--clean"], true), (["-e"], true), (["--clean=true"], true), (["--clean=1"], true),
      (["--clean=T"], true), (["--clean=false"], false), (["--clean=0"], false), (["-e=False"], false),
      (["--clean", "--clean=f"], false), ([], false),
    ] as [([String], Bool)])
  func `a flag is on, or what is said behind the equals sign`(words: [String], isOn: Bool) throws {
    #expect(try Self.parser.parse(["go"] + words + ["x"], environment: nil).isOn("clean") == isOn)
  }

  @Test(
    arguments: [
      (["--cwd", "/a", "--pwd=/b"], "cwd", ["/a", "/b"]),
      (["-S", " /a ,/b,, \t/c"], "scratch", ["/a", "/b", "/c"]),
      (["-S/a", "-S", "/b"], "scratch", ["/a", "/b"]), (["-B", "/a, /b"], "bind", ["/a, /b"]),
      (["--mount", "a\nb\n\nc"], "mount", ["a", "b", "c"]),
      (["--mount", "a", "--mount=b"], "mount", ["a", "b"]),
      (["--mount", ""], "mount", [""]), (["--cwd="], "cwd", [""]), (["--bind=a=b"], "bind", ["a=b"]),
      (["--cwd", "--clean"], "cwd", ["--clean"]),
    ] as [([String], String, [String])])
  func `values are kept as their option says`(words: [String], option: String, values: [String]) throws {
    #expect(try Self.parser.parse(["go"] + words + ["x"], environment: nil).all(option) == values)
  }

  @Test func `the last of several values counts`() throws {
    #expect(try Self.parse("go", "--cwd", "/a", "--pwd", "/b", "x").value("cwd") == "/b")
  }

  @Test(
    arguments: [
      (["APUS_CWD": "1", "APPTAINER_CWD": "2", "SINGULARITY_CWD": "3"], ["1"]),
      (["APPTAINER_CWD": "2", "SINGULARITY_CWD": "3"], ["2"]), (["SINGULARITY_PWD": "3"], ["3"]),
      (["APUS_PWD": "1", "APPTAINER_CWD": "2"], ["1"]), (["APUS_CWD": "1", "APUS_PWD": "2"], ["1"]),
      (["APUS_CWD": "", "APPTAINER_PWD": "2"], ["2"]), (["APUS_CWD": "", "APUS_PWD": ""], []), ([:], []),
    ] as [([String: String], [String])])
  func `our variable comes first, then the older ones, and an empty one is as good as none`(
    environment: [String: String], values: [String]
  ) throws {
    #expect(try Self.parser.parse(["go", "x"]) { environment[$0] }.all("cwd") == values)
  }

  @Test func `an empty variable turns no flag on and sets no name`() throws {
    let environment = [
      "APUS_CLEAN": "", "APUS_NAME": "", "APUS_SCRATCH": "", "APUS_MOUNT": "", "APUS_BIND": "",
    ]
    let parsed = try Self.parse("go", "x", environment: environment)
    #expect(!parsed.isOn("clean") && parsed.value("name") == nil && parsed.all("scratch").isEmpty)
    #expect(parsed.all("mount").isEmpty && parsed.all("bind").isEmpty && parsed.variables.isEmpty)
  }

  @Test func `the command line hides the environment, except for values that add up`() throws {
    let environment = [
      "APUS_BIND": "/b\n/c", "APUS_MOUNT": "m\nn", "APUS_CWD": "/b", "APUS_SCRATCH": "/b", "APUS_CLEAN": "1",
    ]
    let parsed = try Self.parse(
      "go", "-B/a", "--mount", "l", "--cwd=/a", "-S/a", "--clean=false", "x", environment: environment)
    #expect(parsed.all("bind") == ["/a", "/b", "/c"])
    #expect(parsed.all("mount") == ["l", "m", "n"])
    #expect(parsed.all("cwd") == ["/a"])
    #expect(parsed.all("scratch") == ["/a"])
    #expect(!parsed.isOn("clean"))
    #expect(parsed.variables.map(\.name) == ["APUS_BIND", "APUS_MOUNT"])
    #expect(parsed.variables.map(\.option) == ["bind", "mount"])
  }

  @Test(
    arguments: [
      (["go", "x", "-e", "--nonsense"], ["x", "-e", "--nonsense"]),
      (["go", "-e", "--", "-x", "--", "y"], ["-x", "--", "y"]),
      (["go", "x", "--", "y"], ["x", "--", "y"]), (["go", "-", "y"], ["-", "y"]),
      (["go", "", "y"], ["", "y"]),
      (["look", "--", "-j"], ["-j"]), (["look", "f", "-j"], ["f"]), (["-q", "look", "-j", "f"], ["f"]),
      (["set", "two", "a", "b"], ["a", "b"]), (["set", "one"], []),
    ] as [([String], [String])])
  func `options end at the first operand, unless the command mixes them, and at two dashes`(
    words: [String], operands: [String]
  ) throws {
    #expect(try Self.parser.parse(words, environment: nil).operands == operands)
  }

  @Test func `a command that mixes options takes them behind operands`() throws {
    #expect(try Self.parse("look", "f", "--json").isOn("json"))
    #expect(try !Self.parse("go", "f", "-e").isOn("clean"))
  }

  @Test(
    arguments: [
      ([], .noCommand), (["-q"], .noCommand), (["og"], .unknownCommand("og", near: nil)),
      (["lok", "x"], .unknownCommand("lok", near: "look")),
      (["set"], .incompleteCommand("set", words: ["one", "two"])),
      (["set", "-q"], .incompleteCommand("set", words: ["one", "two"])),
      (["set", "twoo"], .unknownCommand("set twoo", near: "set two")),
      (["set", "x"], .unknownCommand("set x", near: nil)),
      (["-x"], .unknownOption("-x", command: "", near: nil)),
      (["go", "-x"], .unknownOption("-x", command: "go", near: nil)),
      (["go", "--scrach=/a", "x"], .unknownOption("--scrach=/a", command: "go", near: "scratch")),
      (["go", "--cwd"], .missingValue(option: "--cwd")), (["go", "-B"], .missingValue(option: "-B")),
      (["go", "--name", "", "x"], .emptyValue(option: "--name")),
      (["go", "-n=", ""], .emptyValue(option: "-n")),
      (["go", "--clean=yes", "x"], .notBoolean(source: "--clean", value: "yes")),
      (["go", "-e="], .notBoolean(source: "-e", value: "")),
      (["go"], .operandCount(command: "go", usage: "go [OPTION...] IMAGE [WORD...]")),
      (["set", "one", "x"], .operandCount(command: "set one", usage: "set one")),
    ] as [([String], UsageFault)])
  func `refuses`(words: [String], fault: UsageFault) {
    #expect(throws: fault) { try Self.parser.parse(words, environment: nil) }
  }

  @Test func `a variable that is neither true nor false is refused by its name`() {
    #expect(throws: UsageFault.notBoolean(source: "APPTAINER_CLEAN", value: "yes")) {
      try Self.parse("go", "x", environment: ["APPTAINER_CLEAN": "yes"])
    }
  }

  @Test(arguments: [
    UsageFault.noCommand, .unknownCommand("x", near: nil), .unknownCommand("x", near: "y"),
    .incompleteCommand("sif", words: ["list"]), .unknownOption("-x", command: "", near: nil),
    .unknownOption("-x", command: "exec", near: "y"), .missingValue(option: "-x"), .emptyValue(option: "-x"),
    .notBoolean(source: "-x", value: ""), .operandCount(command: "doctor", usage: "doctor"),
  ])
  func `messages have no stray blanks`(fault: UsageFault) {
    for text in [fault.text.what, fault.text.why, fault.text.remedy] {
      #expect(!text.isEmpty && !text.contains("  ") && !text.hasSuffix(" "))
      // Blanks stand outside a pair of back-ticks.
      let quoted = text.split(separator: "`", omittingEmptySubsequences: false)
      for index in stride(from: 1, to: quoted.count, by: 2) {
        #expect(!quoted[index].hasPrefix(" ") && !quoted[index].hasSuffix(" "), "\(text)")
      }
    }
  }
}
