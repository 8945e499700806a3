internal import Linux
internal import Messages
internal import Model
internal import Settings

/// Hands the words over to `apus-image`, which does the slow work. This process becomes that program.
func runImageProgram(_ words: [String], _ variables: Variables, _ output: Output) -> Int32 {
  let program = Installation.imageProgram
  let cause = Process.become(program, [program] + words, environment: variables.all)
  return output.fatal(
    Explanation(
      what: "cannot start \(program)", why: errorText(cause.number),
      remedy: "the installation is incomplete: install it anew (make install)"))
}
