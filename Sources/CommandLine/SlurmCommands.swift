/// The commands for sites with Slurm.
extension Commands {
  static let slurm: [Command] = [
    Command(
      ["slurm", "install"], operands: 0...0, summary: "Give the Slurm of this host the plugin",
      description:
        "Finds Slurm, writes its version into a copy of the plugin, and has plugstack.conf load that copy. Makes "
        + "the directories that steps need. Files are replaced by rename and only where they differ, so it may be "
        + "run at any time: after an upgrade of Slurm or of Apus, and beside running jobs. A line that plugstack.conf "
        + "has for the plugin keeps all its keys but those given here, `helper` and the path. It needs root.",
      examples: [
        "apus slurm install --dry-run", "apus slurm install --cache-dir /nvme/apus",
        "apus slurm install --submit-host",
      ],
      options: [
        Option("dry-run", "n", help: "Say what would be done, and do nothing"),
        Option(
          "slurm-version", nil, .value("X.Y.Z"),
          help: "The version of Slurm, where no slurmd or srun says it",
          refusesEmpty: true),
        slurmConf,
        Option(
          "plugstack", nil, .value("FILE"),
          help: "The file for the plugin's line, if not plugstack.conf.d/apus.conf beside plugstack.conf",
          refusesEmpty: true),
        Option(
          "plugin-dir", nil, .value("DIR"),
          help: "Where the copy goes, if not below lib/apus of this installation",
          refusesEmpty: true),
        Option(
          "helper", nil, .value("PATH"), help: "The apus that the plugin starts, if not this one",
          refusesEmpty: true),
        Option(
          "cache-dir", nil, .value("DIR"),
          help: "For copies of images on the node's own disk (/var/cache/apus)",
          refusesEmpty: true),
        Option(
          "runtime-dir", nil, .value("DIR"), help: "For named containers of jobs (/run/apus)",
          refusesEmpty: true),
        Option("submit-host", help: "Steps only start here: make no directories"),
        Option(
          "tmpfiles-dir", nil, .value("DIR"),
          help: "For the line that makes the runtime directory at every start",
          isHidden: true, refusesEmpty: true),
      ], mixesOptions: true),
    Command(
      ["slurm", "doctor"], operands: 0...0, summary: "Check what the nodes of the cluster have for job steps",
      description:
        "Asks every node, by a short step of its own: is the plugin there and made for its Slurm, is its helper "
        + "this version, what of the node cache, the runtime directory, user namespaces and /dev/fuse. Names the "
        + "node and what to do. Exit code 0 when all nodes can run steps in containers, else 1. Ask as an ordinary "
        + "user: root may more.",
      examples: ["apus slurm doctor", "apus slurm doctor --nodes n[1-3]", "apus slurm doctor --local"],
      options: [
        Option("nodes", "w", .value("LIST"), help: "Ask these nodes only", refusesEmpty: true),
        Option("local", help: "Look at this host only, without Slurm's help"), slurmConf, json,
        Option("expect", nil, .value("VERSION"), help: "The version of the asking apus", isHidden: true),
      ], mixesOptions: true),
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
      ], mixesOptions: true),
  ]

  private static let slurmConf = Option(
    "slurm-conf", nil, .value("FILE"),
    help: "slurm.conf, if not in $SLURM_CONF or one of the usual places", refusesEmpty: true)
}
