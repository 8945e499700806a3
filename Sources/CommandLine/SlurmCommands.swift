/// The commands for sites with Slurm.
extension Commands {
  static let slurm: [Command] = [
    Command(
      ["slurm", "stage"], "IMAGE", operands: 1...1, completes: .files,
      summary: "Copy an image to all nodes of this job",
      description:
        "Steps that use the image find it on their node's own disk then. It ends when every node has it, and fails "
        + "where one cannot have it.",
      examples: ["apus slurm stage tools.sif", "apus slurm stage docker://alpine"], options: [],
      mixesOptions: true),
    Command(
      ["slurm", "cache"], "[list|clean]", operands: 0...1, completes: .words(["list", "clean"]),
      summary: "Show or clean the copies of images on this node",
      description:
        "Job steps copy their image to the node's own disk once and read it there. `list` names the copies, what "
        + "they were made of, and which are in use; `clean` removes those that are not.",
      examples: ["apus slurm cache", "srun -w n1 apus slurm cache clean"],
      options: [
        Option(
          "node-cache", nil, .value("DIRECTORY"), synonyms: ["cache-dir"],
          help: "The site's cache_dir, if it is not the one that the plugin's line names", refusesEmpty: true),
        json,
      ], mixesOptions: true),
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
