/// What administrators and job scripts of Slurm need beside its own commands.
extension Commands {
  static let slurm: [Command] = [
    Command(
      ["slurm", "bundle"], "IMAGE", operands: 1...1,
      summary: "Print a directory that stands for an image as an OCI bundle",
      description:
        "Slurm 22.05 takes directories with a config.json for `--container` only. The directory is made below the "
        + "runtime directory of the user, or below DIRECTORY, and used again for the same image.",
      examples: ["srun --container=$(apus slurm bundle tools.sif) hostname"],
      options: [
        Option(
          "dir", nil, .value("DIRECTORY"),
          help: "Make it there: a directory that every node of the cluster sees")
      ], mixesOptions: true)
  ]
}
