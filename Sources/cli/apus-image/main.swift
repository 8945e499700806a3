internal import Glibc
internal import Model

// `apus-image` does what needs no launch: `apus build …` executes it with the same words.
let output = Output()
let words = Array(CommandLine.arguments.dropFirst())
switch words.first {
case "build": exit(runBuild(Array(words.dropFirst()), output))
default:
  exit(
    output.fatal(
      Explanation(
        what: "cannot run apus-image", why: words.first.map { "it has no command \(printable($0))" } ?? "no command given",
        remedy: "use apus: it starts this program where it is needed"), exit: ExitCode.usage))
}
