import Foundation
import Glibc
import Model
import Settings
import Testing

@testable import Launch

/// A launch as far as it concerns variables, and what some of them must be. `nil`: not there.
struct Case: Sendable, CustomTestStringConvertible {
  var name: String
  var host: [String] = []
  var scripts: [(name: String, text: String)] = []
  var env: [String] = []
  var files: [String] = []
  var clean = false
  var literal = false
  var expected: [String: String?]
  var needsShell = false

  var testDescription: String { name }

  static let standard = defaultPath
  static let docker = "10-docker2singularity.sh"
  static let all: [Case] = [
    Case(
      name: "a bare image has the defaults",
      host: ["PATH=/host", "HOME=/elsewhere", "LD_LIBRARY_PATH=/hostlib"],
      expected: [
        "PATH": standard, "HOME": "/home/ann", "LD_LIBRARY_PATH": "/.singularity.d/libs", "PS1": "Apus> ",
        "APUS_CONTAINER": "/images/tiny.sif", "APPTAINER_NAME": "tiny.sif", "SINGULARITY_NAME": "tiny.sif",
        "SINGULARITY_ENVIRONMENT": "/.singularity.d/env/91-environment.sh", "APPTAINER_COMMAND": "exec",
        "SINGULARITY_COMMAND": nil, "APUS_NO_EVAL": nil,
        "USER_PATH": "/host:/bin:/usr/bin:/sbin:/usr/sbin:/usr/local/bin:/usr/local/sbin",
      ]),
    Case(
      name: "the host's variables are handed on as they are",
      host: [
        "A=$(date) `x` $HOME\nline", "EMPTY=", "TERM=vt100", "PWD=/x", "OLDPWD=/y", "PS1=$ ", "_=/bin/apus",
      ],
      expected: [
        "A": "$(date) `x` $HOME\nline", "EMPTY": "", "TERM": "vt100", "OLDPWD": nil, "PS1": "Apus> ",
      ]),
    Case(
      name: "combining marks and bytes that are no text stay as they are",
      host: ["M=\u{301}x", "B=\u{10FFE9}'", "CR=a\r\nb"], env: ["E=\u{301}$M"],
      expected: ["M": "\u{301}x", "B": "\u{10FFE9}'", "CR": "a\r\nb", "E": "\u{301}"]),
    Case(
      name: "what belongs to runtimes and shells stays outside",
      host: [
        "APUS_BIND=/a", "APPTAINER_CACHEDIR=/c", "SINGULARITY_X=1", "BASH_FUNC_module%%=() { :; }", "a-b=1",
        "APUSENV_=x",
      ],
      expected: [
        "APPTAINER_CACHEDIR": nil, "SINGULARITY_X": nil, "BASH_FUNC_module%%": nil, "a-b": nil,
        "APUS_BIND": "",
      ]),
    Case(
      name: "ENV of an OCI image wins over the host, unless it is set as a default of the host's",
      host: ["LANG=de", "ONLY=host"],
      scripts: [
        (
          docker,
          "#!/bin/sh\nexport PATH=\"/usr/local/bin:/usr/bin\"\nexport LANG=\"${LANG:-\"C.UTF-8\"}\"\nexport E=\"${E:-\"\"}\"\n"
        )
      ],
      expected: [
        "LANG": "C.UTF-8", "ONLY": "host", "E": "",
        "PATH": "/usr/local/bin:/usr/bin:/usr/local/sbin:/usr/sbin:/sbin:/bin",
      ]),
    Case(
      name: "standard directories are added right after the OCI variables, before %environment",
      scripts: [(docker, "export PATH=/a:/bin"), ("90-environment.sh", "export PATH=/first:$PATH:/last")],
      expected: ["PATH": "/first:/a:/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/last"]),
    Case(
      name: "%environment sees neither the host's nor injected variables", host: ["H=host", "APUSENV_I=inj"],
      scripts: [("90-environment.sh", "export A=\"<$H$I>\" B=\"<$APPTAINER_NAME $HOME>\"")],
      expected: ["A": "<>", "B": "<tiny.sif /home/ann>", "H": "host", "I": "inj"]),
    Case(
      name: "only what a script exports reaches the program",
      scripts: [("90-environment.sh", "A=1\nB=2\nexport B C\n")],
      expected: ["A": nil, "B": "2", "C": nil]),
    Case(
      name: "injected variables win over the image, in the order of preference",
      host: [
        "APUSENV_A=apus", "APPTAINERENV_A=apptainer", "SINGULARITYENV_A=singularity",
        "APPTAINERENV_B=apptainer",
        "SINGULARITYENV_B=singularity", "SINGULARITYENV_C=singularity", "APUSENV_D=prefix",
        "APUSENV_E=prefix", "F=host",
      ],
      scripts: [("90-environment.sh", "export A=image B=image C=image D=image E=image F=image")],
      env: ["E=flag,F=flag"],
      files: ["D=file\nE=file\n"],
      expected: ["A": "apus", "B": "apptainer", "C": "singularity", "D": "file", "E": "flag", "F": "flag"]),
    Case(
      name: "injected values are evaluated once, seeing the image's variables and those before",
      host: ["H=host", "SECRET=s"], scripts: [("90-environment.sh", "export I=image")],
      env: [
        "A=$I-x", "B=${A}y", "C=\\$I", "D=[$H]", "E=${U:-none}", "\"F=a,b\"", "I=$I+", "\"G=say \"\"hi\"\"\"",
      ],
      expected: [
        "A": "image-x", "B": "image-xy", "C": "$I", "D": "[]", "E": "none", "F": "a,b", "I": "image+",
        "G": "say \"hi\"",
      ]),
    Case(
      name: "with --no-eval they are literal", env: ["A=$HOME $(date) `x` \\$"], literal: true,
      expected: ["A": "$HOME $(date) `x` \\$", "APUS_NO_EVAL": "1", "SINGULARITY_NO_EVAL": "1"]),
    Case(
      name: "PATH can be extended at both ends",
      host: ["APUSENV_PREPEND_PATH=/pre", "APPTAINERENV_APPEND_PATH=$HOME/bin"],
      scripts: [("90-environment.sh", "export PATH=/image")],
      expected: ["PATH": "/pre:/image:/home/ann/bin", "PREPEND_PATH": nil, "APPEND_PATH": nil]),
    Case(
      name: "PATH can be replaced, with the image's in it",
      host: ["APUSENV_PATH=/mine:$PATH", "APUSENV_PREPEND_PATH=/pre"],
      scripts: [("90-environment.sh", "export PATH=/image")], expected: ["PATH": "/mine:/image"]),
    Case(
      name: "the libraries of the host come last", env: ["LD_LIBRARY_PATH=/mine:$LD_LIBRARY_PATH"],
      expected: ["LD_LIBRARY_PATH": "/mine:/.singularity.d/libs"]),
    Case(
      name: "the image's library path is kept",
      scripts: [("90-environment.sh", "export LD_LIBRARY_PATH=/opt/lib")],
      expected: ["LD_LIBRARY_PATH": "/opt/lib:/.singularity.d/libs"]),
    Case(
      name: "an injected library path keeps the host's libraries", env: ["LD_LIBRARY_PATH=/only"],
      expected: ["LD_LIBRARY_PATH": "/only:/.singularity.d/libs"]),
    Case(
      name: "an injected empty library path empties it", env: ["LD_LIBRARY_PATH="],
      expected: ["LD_LIBRARY_PATH": ""]),
    Case(
      name: "the library path can be extended",
      env: ["PREPEND_LD_LIBRARY_PATH=/pre", "APPEND_LD_LIBRARY_PATH=/post"],
      expected: ["LD_LIBRARY_PATH": "/pre:/.singularity.d/libs:/post"]),
    Case(
      name: "--cleanenv keeps the terminal and proxies",
      host: [
        "TERM=vt100", "http_proxy=p", "HTTPS_PROXY=q", "USER=ann", "SHELL=/bin/zsh", "LANG=de", "PATH=/x",
        "APUSENV_K=kept",
      ],
      clean: true,
      expected: [
        "TERM": "vt100", "http_proxy": "p", "HTTPS_PROXY": "q", "USER": nil, "SHELL": nil, "LANG": "C",
        "USER_PATH": nil,
        "K": "kept", "PATH": standard,
      ]),
    Case(
      name: "LANG can be injected over --cleanenv", env: ["LANG=fr"], clean: true, expected: ["LANG": "fr"]),
    Case(
      name: "names that are none, and fixed ones, are left out",
      host: ["APUSENV_A-B=1", "APUSENV_HOME=/h", "APUSENV_UID=0"],
      env: ["=x", "C=1", "APPTAINER_NAME=fake"],
      expected: ["A-B": nil, "HOME": "/home/ann", "UID": nil, "C": "1", "APPTAINER_NAME": "tiny.sif"]),
    Case(
      name: "only the injected value that cannot be evaluated is left out", env: ["A=1", "B=$(date", "C=3"],
      expected: ["A": "1", "B": nil, "C": "3"]),
    Case(
      name: "scripts behind 99-base.sh see what was injected", host: ["H=host"],
      scripts: [("99-custom.sh", "export SEEN=\"$I$H\"")], env: ["I=in"],
      expected: ["SEEN": "in", "H": "host"]),
    Case(
      name: "the prompt of the image or the user stays", env: ["PS1=mine> "],
      expected: ["PS1": "mine> ", "PROMPT_COMMAND": "PS1=\"mine> \"; unset PROMPT_COMMAND"]),
    Case(
      name: "an environment file sees the caller and what it set", host: ["U=ann", "SAME=1"],
      files: ["# c\nexport A=\"$U x\" # y\nB='$U'\nC=${A}!\nSAME=1\nI=$APUS_IMAGE\n"], clean: true,
      literal: true,
      expected: ["A": "ann x", "B": "$U", "C": "ann x!", "SAME": "1", "I": "/images/tiny.sif", "U": nil]),
    Case(
      name: "command substitution is for the shell",
      host: ["H=host", "APUSENV_A=$(echo \"one two\")-`echo three`"],
      expected: ["A": "one two-three", "H": "host"], needsShell: true),
    Case(
      name: "a script outside the subset is for the shell",
      host: ["H=ho'st\n\"x", "TERM=vt100", "LANG=C", "OVER=host", "EMPTY=", "SHLVL=7", "B=host"],
      scripts: [
        (docker, "export PATH=\"/a:/bin\"\nexport OVER=\"${OVER:-\"image\"}\""),
        (
          "90-environment.sh",
          "for d in x y; do L=\"$L$d\"; done\nexport L SEEN=\"[$H$TERM$I]\" PATH=/first:$PATH\nEMPTYIMG=\nexport B=$(echo image)"
        ),
        ("99-later.sh", "export LATER=\"$I\""),
      ],
      env: [
        "I=inj$L", "\"Q=it's \"\"q\"\" \\$x\"", "PREPEND_PATH=/pre", "NL=a\nb",
        "\"SUB=$(echo \"\"$OVER\"\")\"",
      ],
      expected: [
        "H": "ho'st\n\"x", "TERM": "vt100", "OVER": "image", "L": "xy", "SEEN": "[]", "I": "injxy",
        "LATER": "injxy", "EMPTY": "",
        "Q": "it's \"q\" $x", "NL": "a\nb", "SUB": "image", "B": "image",
        "LD_LIBRARY_PATH": "/.singularity.d/libs",
        "PATH": "/pre:/first:/a:/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin",
        "PS1": "Apus> ",
        "HOME": "/home/ann", "APUS_NAME": "tiny.sif", "d": nil,
      ], needsShell: true),
    Case(
      name: "a broken script or value does not stop the rest", host: ["H=host"],
      scripts: [
        ("90-environment.sh", "export A=1\nif then"), ("91-environment.sh", "set -eu\nexport B=$(echo 2)"),
      ],
      env: ["C=$(if)", "D=$(echo 4)", "E=${U?no}"],
      expected: ["A": "1", "B": "2", "C": nil, "D": "4", "E": nil, "H": "host"],
      needsShell: true),
    Case(
      name: "--no-eval is literal in the shell too", scripts: [("90-environment.sh", "export A=$(echo a)")],
      env: ["B=$(date) `x` $A 'q' \\"], literal: true, expected: ["A": "a", "B": "$(date) `x` $A 'q' \\"],
      needsShell: true),
    Case(
      name: "path options work in the shell too",
      scripts: [("90-environment.sh", "export PATH=$(echo /image) LD_LIBRARY_PATH=/opt")],
      env: ["PATH=/mine:$PATH", "LD_LIBRARY_PATH=/in:$LD_LIBRARY_PATH", "APPEND_LD_LIBRARY_PATH=/post"],
      expected: [
        "PATH": "/mine:/image", "LD_LIBRARY_PATH": "/in:/opt:/.singularity.d/libs:/post", "_apus_PATH": nil,
      ], needsShell: true),
    Case(
      name: "an emptied library path stays empty in the shell too", env: ["A=$(echo a)", "LD_LIBRARY_PATH="],
      expected: ["LD_LIBRARY_PATH": "", "A": "a"], needsShell: true),
    Case(
      name: "--cleanenv in the shell", host: ["TERM=vt100", "USER=ann"], env: ["A=$(echo a)"], clean: true,
      expected: ["TERM": "vt100", "USER": nil, "LANG": "C", "A": "a"], needsShell: true),
  ]

  var request: LaunchRequest {
    Facts.request(.exec, ["/usr/bin/env", "-0"]) {
      $0.environment = env
      $0.cleanEnvironment = clean
      $0.noEvaluation = literal
    }
  }

  func plan() throws -> EnvironmentPlan {
    var facts = Facts.host(host)
    facts.environmentFiles = files.map { EnvironmentText(path: "vars", text: $0) }
    return try planEnvironment(request, host: facts, image: Facts.image(scripts), home: "/home/ann")
  }

  func check(_ variables: [String]) {
    for (variable, value) in expected {
      let found = variables.filter { $0.utf8.starts(with: (variable + "=").utf8) }
      #expect(found == (value.map { [variable + "=" + $0] } ?? []), "\(name)")
    }
  }
}

@Suite struct EnvironmentPlanTests {
  @Test(arguments: Case.all.filter { !$0.needsShell })
  func `is made without a shell`(one: Case) throws {
    let plan = try one.plan()
    #expect(plan.shell == nil)
    one.check(plan.variables)
    let names = plan.variables.map { $0.prefix { $0 != "=" } }
    #expect(Set(names).count == names.count, "each name once")
  }

  static let shells = [["/bin/dash"], ["/bin/bash", "--posix"], ["/bin/busybox", "sh"]].filter {
    access($0[0], X_OK) == 0
  }

  /// The stub run by real shells, with the scripts in a folder of the test. Cases that need no shell must come out the
  /// same through it, as every image's scripts may have to go there for one value's sake.
  @Test(arguments: shells, Case.all)
  func `comes out of a shell the same`(shell: [String], one: Case) throws {
    var one = one
    one.env.append("FORCED=$(echo yes)")
    if one.literal { one.scripts.append(("05-forced.sh", "export FORCED=$(echo yes)")) }
    let stub = try #require(try one.plan().shell)
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("apus-" + UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    for (name, text) in one.scripts {
      try text.write(to: folder.appendingPathComponent(name), atomically: false, encoding: .utf8)
    }
    var words = stub.arguments(for: one.request.arguments)
    #expect(words.removeFirst() == "/bin/sh")
    words[1] = words[1].replacing("/.singularity.d/env/", with: folder.path + "/")
    let result = try run(shell + words, environment: stub.environment)
    #expect(result.code == 0)
    one.check(result.output.split(separator: "\0", omittingEmptySubsequences: false).map(String.init))
  }

  @Test(arguments: shells) func `arguments reach the program whole, and scripts do not see them`(
    shell: [String]
  ) throws {
    let stub = try #require(
      try planEnvironment(
        Facts.request { $0.environment = ["A=$(echo 1)"] }, host: Facts.host(), image: Facts.image(),
        home: nil
      ).shell)
    for count in [1, 12, 64, 65, 3000] {
      let given = (0..<count).map { $0 % 3 == 0 ? "a b\n'\"$HOME\(["", "*"][$0 % 2])" : "\($0)" }
      let words = stub.arguments(for: ["/usr/bin/printf", "%s\\0"] + given)
      let result = try run(shell + words.dropFirst(), environment: stub.environment)
      #expect(result.output == given.map { $0 + "\0" }.joined())
    }
  }

  @Test(arguments: shells) func `a program that is missing gives 127, one that is no program 126`(
    shell: [String]
  ) throws {
    let stub = try #require(
      try planEnvironment(
        Facts.request { $0.environment = ["A=$(echo 1)"] }, host: Facts.host(), image: Facts.image(),
        home: nil
      ).shell)
    for (program, code) in [
      ("nosuchprogram", 127), ("/nonexistent/x", 127), ("/etc/passwd", 126), ("/etc", 126),
    ] as [(String, Int32)] {
      let result = try run(shell + stub.arguments(for: [program]).dropFirst(), environment: stub.environment)
      #expect(result.code == code, "\(shell) \(program): \(result.error)")
    }
  }

  @Test(
    arguments: [
      (["APUSENV_HOME=/x"], [], 1), (["APUSENV_A-B=1"], [], 1),
      (["APPTAINERENV_A=1", "SINGULARITYENV_A=2"], [], 1),
      (["APPTAINERENV_A=1", "SINGULARITYENV_A=1"], [], 0), (["APUSENV_A=1", "APPTAINERENV_A=2"], [], 0),
      (["APUSENV_A=1"], ["A=2"], 1), ([], ["=x"], 1), ([], ["A=$("], 1), ([], ["A=1"], 0),
    ] as [([String], [String], Int)])
  func `what is not set as asked is told`(host: [String], env: [String], warnings: Int) throws {
    let plan = try planEnvironment(
      Facts.request { $0.environment = env }, host: Facts.host(host), image: Facts.image(), home: "/home/ann")
    #expect(plan.notices.count { $0.level == .warning } == warnings, "\(plan.notices)")
  }

  @Test(
    arguments: [
      ("/home/ann", true, [], "/home/ann"), (nil, true, [], "/home/ann"), (nil, false, [], "/"),
      (nil, false, ["HOME=/mine"], "/mine"), ("/home/ann", true, ["HOME=/mine"], "/home/ann"),
    ] as [(String?, Bool, [String], String)])
  func `HOME is a directory that is there, and the user's to set where none is shown`(
    shown: String?, hasHome: Bool, env: [String], expected: String
  ) throws {
    var image = Facts.image()
    image.hasHome = hasHome
    let plan = try planEnvironment(
      Facts.request { $0.environment = env }, host: Facts.host(), image: image, home: shown)
    #expect(plan.variables.filter { $0.hasPrefix("HOME=") } == ["HOME=" + expected])
  }

  @Test(arguments: ["A", "A=1,B", "A=\"1,2\""])
  func `refuses --env without an equals sign or with stray quotes`(text: String) {
    #expect(throws: LaunchFault.self) {
      try planEnvironment(
        Facts.request { $0.environment = [text] }, host: Facts.host(), image: Facts.image(), home: nil)
    }
  }

  @Test(arguments: ["A=$(date)", "A=1\nB=`x`\n", "rm -rf x", "A=x(y)"])
  func `refuses commands in an environment file`(text: String) {
    var host = Facts.host()
    host.environmentFiles = [EnvironmentText(path: "vars", text: text)]
    #expect(throws: LaunchFault.self) {
      try planEnvironment(Facts.request(), host: host, image: Facts.image(), home: nil)
    }
  }

  @Test func `destinations of binds are told, for runs within`() throws {
    let plan = try planEnvironment(
      Facts.request {
        $0.binds = ["/a:/b:ro,/c"]
        $0.mounts = ["type=bind,source=/d,target=/e"]
      }, host: Facts.host(), image: Facts.image(), home: nil)
    #expect(plan.variables.contains("APUS_BIND=/b,/c,/e"))
    #expect(plan.variables.contains("SINGULARITY_BIND=/b,/c,/e"))
  }

  @Test(
    arguments: [
      (nil, ["/bin/bash", "/bin/sh"], "/bin/bash", ["/bin/bash", "--norc"]),
      (nil, ["/bin/sh"], "/bin/sh", ["/bin/sh"]),
      ("/bin/zsh", ["/bin/sh", "/bin/zsh"], "/bin/zsh", ["/bin/zsh"]),
      ("/bin/zsh", ["/bin/sh"], "/bin/sh", ["/bin/sh"]),
    ] as [(String?, [String], String, [String])])
  func `a shell is told to be the one`(asked: String?, present: [String], shell: String, words: [String])
    throws
  {
    let request = Facts.request(.shell, []) { $0.shellPath = asked }
    let image = Facts.image(programs: present)
    let plan = try planEnvironment(request, host: Facts.host(["SHELL=/bin/ksh"]), image: image, home: nil)
    #expect(plan.variables.filter { $0.hasPrefix("SHELL=") } == ["SHELL=" + shell])
    // The same where the image's scripts need a shell to be evaluated.
    var scripted = image
    scripted.environmentScripts = [(name: "90-environment.sh", text: "export A=$(uname)\n")]
    let stub = try #require(
      try planEnvironment(request, host: Facts.host(["SHELL=/bin/ksh"]), image: scripted, home: nil).shell)
    #expect(stub.environment.contains("SHELL=" + shell) && !stub.values.contains("/bin/ksh"))
    #expect(planCommand(request, image: image, environment: plan.variables).arguments == words)
  }
}
