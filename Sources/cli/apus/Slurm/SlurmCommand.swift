internal import CommandLine
internal import Messages
internal import Settings

/// `apus slurm …`
func runSlurm(_ parsed: Parsed, _ variables: Variables, _ output: Output) -> Int32 {
  switch parsed.command.path.last {
  case "install": runSlurmInstall(parsed, variables, output)
  case "doctor": runSlurmDoctor(parsed, variables, output)
  case "stage": runSlurmStage(parsed.operands[0], variables, output)
  case "bundle": runSlurmBundle(parsed, variables, output)
  default: runSlurmCache(parsed, variables, output)
  }
}
