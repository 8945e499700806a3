import Model
import Testing

@testable import Launch

/// Run scripts as conversion from OCI images writes them, in the shape that all runtimes of the family use.
private func runScript(_ entryPoint: String, _ command: String) -> String {
  """
  #!/bin/sh
  OCI_ENTRYPOINT='\(entryPoint)'
  OCI_CMD='\(command)'

  # literal words, when they are asked for
  if [ -n "$SINGULARITY_NO_EVAL" ]; then
      set -- something "$@"
      exec "$@"
  fi
  CMDLINE_ARGS=""
  for arg in "$@"; do
          CMDLINE_ARGS="${CMDLINE_ARGS} \\"$arg\\""
  done
  if [ $# -gt 0 ]; then
      SINGULARITY_OCI_RUN="${OCI_ENTRYPOINT} ${CMDLINE_ARGS}"
  else
      SINGULARITY_OCI_RUN="${OCI_ENTRYPOINT} ${OCI_CMD}"
  fi
  # and become it
  eval "set ${SINGULARITY_OCI_RUN}"
  exec "$@"

  """
}

@Suite struct CommandPlanTests {
  static func plan(
    _ script: String?, _ arguments: [String], literal: Bool = false, programs: [String] = ["/bin/sh"],
    environment: [String]? = ["HOME=/home/ann", "V=two words"], isExecutable: Bool = true
  ) -> CommandPlan {
    var image = Facts.image(programs: programs)
    image.runScript = script
    image.runScriptIsExecutable = isExecutable
    return planCommand(
      Facts.request(.run, arguments) { $0.noEvaluation = literal }, image: image, environment: environment)
  }

  @Test(
    arguments: [
      (#""ep""#, "", [], ["ep"]), (#""ep""#, "", ["a"], ["ep", "a"]), ("", #""cmd" "x""#, [], ["cmd", "x"]),
      ("", #""cmd" "x""#, ["a", "b"], ["a", "b"]), (#""ep" "-e""#, #""cmd""#, [], ["ep", "-e", "cmd"]),
      (#""ep" "-e""#, #""cmd""#, ["a"], ["ep", "-e", "a"]), ("", "", [], ["/bin/sh"]),
      ("", "", ["a", "b"], ["a", "b"]),
      (
        #""two words" "\$HOME" "\`x\`" "q\"q" "b\\s""#, "", [], ["two words", "$HOME", "`x`", "q\"q", "b\\s"]
      ),
      (#""" "x""#, "", [], ["", "x"]), (#""it'\''s""#, "", [], ["it's"]),
      (#""a  b""#, "", ["c  d"], ["a  b", "c  d"]),
    ] as [(String, String, [String], [String])])
  func `entry point, command and arguments of an OCI image`(
    entryPoint: String, command: String, arguments: [String], words: [String]
  ) {
    #expect(Self.plan(runScript(entryPoint, command), arguments).arguments == words)
    #expect(Self.plan(runScript(entryPoint, command), arguments, literal: true).arguments == words)
  }

  @Test(arguments: [
    ("$HOME/x", "/home/ann/x", "$HOME/x"), ("${V}", "two words", "${V}"), ("$U", "", "$U"),
    ("\\$HOME", "$HOME", "\\$HOME"),
    ("it's", "it's", "it's"), ("a\\b", "a\\b", "a\\b"), ("*", "*", "*"), ("100%", "100%", "100%"),
  ])
  func `arguments are evaluated by default and literal with --no-eval`(
    given: String, evaluated: String, literal: String
  ) {
    let script = runScript(#""ep""#, "")
    #expect(Self.plan(script, [given]).arguments == ["ep", evaluated])
    #expect(Self.plan(script, [given], literal: true).arguments == ["ep", literal])
  }

  @Test(arguments: ["$(date)", "`date`", "a\"b", "$1", "${V#t}"])
  func `arguments that need a shell go to the script`(given: String) {
    let script = runScript(#""ep""#, "")
    #expect(Self.plan(script, [given]).arguments == ["/.singularity.d/runscript", given])
    let without = Self.plan(script, [given], programs: [])
    #expect(without.arguments == ["ep", given])
    #expect(without.notices.map(\.level) == [.warning])
  }

  @Test func `arguments wait for a shell that has yet to make the environment`() {
    let script = runScript(#""ep""#, "")
    #expect(
      Self.plan(script, ["$HOME"], environment: nil).arguments == ["/.singularity.d/runscript", "$HOME"])
    #expect(Self.plan(script, ["plain"], environment: nil).arguments == ["ep", "plain"])
  }

  @Test(arguments: [
    "#!/bin/sh\nexec python \"$@\"\n",
    "#!/bin/sh\nOCI_ENTRYPOINT=\"\"\nOCI_CMD=\"bash\"\nexec $SINGULARITY_OCI_RUN\n", "",
    runScript("", "\"a\"").replacing("exec \"$@\"\n", with: "exec \"$@\"\necho changed\n"),
    runScript("", "\"a\"").replacing("#!/bin/sh\n", with: "#!/bin/sh\necho changed\n"),
    runScript("", "\"open"), runScript("", "bare"),
    runScript("", "\"$(date)\""), runScript("", "\"a\" \"$HOME$(x)\""),
  ])
  func `any other script is executed as it is`(script: String) {
    #expect(Self.plan(script, ["a", "$HOME"]).arguments == ["/.singularity.d/runscript", "a", "$HOME"])
    #expect(
      Self.plan(script, ["a"], isExecutable: false).arguments == [
        "/bin/sh", "/.singularity.d/runscript", "a",
      ])
  }

  @Test func `an image without a run script gets a shell, and is told so`() {
    let plan = Self.plan(nil, ["-c", "true"])
    #expect(plan.arguments == ["/bin/sh", "-c", "true"])
    #expect(plan.notices.map(\.level) == [.info])
    #expect(Self.plan(nil, ["a"], programs: ["/singularity"]).arguments == ["/singularity", "a"])
  }

  @Test func `an image without a test succeeds with nothing to run`() {
    let plan = planCommand(Facts.request(.test, ["a"]), image: Facts.image(), environment: [])
    #expect(plan.arguments.isEmpty)
    #expect(plan.notices.map(\.level) == [.info])
    let other = planCommand(
      Facts.request(.test, ["a"]), image: Facts.image(programs: ["/.singularity.d/test"]), environment: [])
    #expect(other.arguments == ["/.singularity.d/test", "a"])
  }

  @Test func `the words of exec are never evaluated`() {
    let words = ["echo", "$HOME", "$(x)", ""]
    #expect(
      planCommand(Facts.request(.exec, words), image: Facts.image(), environment: nil).arguments == words)
  }
}
