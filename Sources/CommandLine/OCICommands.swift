/// Containers for those who call an OCI runtime: Slurm's oci.conf, and tools that keep a container's state.
extension Commands {
  static let containers: [Command] = [
    Command(
      ["oci", "run"], "[ID] [COMMAND [ARGUMENT...]]", summary: "Become a program in a container of a bundle",
      description: bundleForms
        + " The process becomes the program: nothing waits beside it, and nothing is kept of the container. "
        + "Without COMMAND it is what config.json names, else what the image is made to run.",
      examples: [
        "apus oci run --bundle tools.sif --id one -- hostname",
        "apus oci run --slurm --bundle %b --env-file %e --spool %m --id %n.%U.%j.%s.%t -- %@",
      ],
      options: launchOfBundle + readFromBundle + access),
    Command(
      ["oci", "create"], "[ID] [COMMAND [ARGUMENT...]]", summary: "Make a container that waits to be started",
      description: bundleForms
        + " All is made but the program, which waits for `apus oci start`. It has no input, and its output goes to a "
        + "file that standard output or standard error is, and nowhere else.",
      examples: ["apus oci create --bundle bundle/ one", "apus oci create -b tools.sif one sleep 60"],
      options: launchOfBundle + [
        Option("pid-file", nil, .value("FILE"), help: "Write the number of the process there")
      ] + readFromBundle + access),
    Command(
      ["oci", "start"], "[ID]", operands: 0...1, completes: .nothing,
      summary: "Start the program of a container that was created", options: ofContainer, mixesOptions: true),
    Command(
      ["oci", "state"], "[ID]", operands: 0...1, completes: .nothing,
      summary: "Print the state of a container as JSON",
      description: "For an ID that is not known nothing is printed, and the command fails.",
      options: ofContainer + [
        Option(
          "force", "f", help: "Call a container that is not known stopped, as one that oci run has become is")
      ], mixesOptions: true),
    Command(
      ["oci", "kill"], "[ID] [SIGNAL]", operands: 0...2, completes: .nothing,
      summary: "Send a signal to the program of a container",
      description: "SIGNAL is a name or a number, TERM where none is given.",
      examples: ["apus oci kill one KILL"],
      options: ofContainer + [
        Option("all", "a", help: "To all processes of the program's group"),
        Option("force", "f", help: "An ID that is not known, or has ended, is no failure"),
        Option(
          "pid", nil, .value("NUMBER"), help: "The process, where nothing is kept of the container (oci run)"),
      ], mixesOptions: true),
    Command(
      ["oci", "delete"], "[ID]", operands: 0...1, completes: .nothing,
      summary: "Remove what is kept of a container",
      options: ofContainer + [
        Option("force", "f", help: "Kill a program that runs; an ID that is not known is no failure")
      ], mixesOptions: true),
  ]

  private static let bundleForms = """
    BUNDLE is a SIF file, a squashfs file, a directory with a root file system, a reference (`apus help pull`), or the \
    directory of an OCI bundle, whose config.json says what to run, with which variables and binds; its root.path may \
    name a SIF. The container is that of `apus exec`: the caller's user, processes and network, home directory and /tmp. \
    Of the caller's variables it sees TERM only.
    """

  private static let id = Option(
    "id", nil, .value("ID"), help: "The name of the container, instead of the operand")
  private static let bySlurm = Option(
    "slurm", help: "As Slurm calls it (oci.conf): messages name the node, failures end with 125")

  private static let ofContainer: [Option] = [
    id,
    Option(
      "user", nil, .value("USER"), help: "Whose container, by name or number; root only. Slurm's IDs carry it"
    ),
    bySlurm,
  ]

  private static let launchOfBundle: [Option] = [
    Option("bundle", "b", .value("DIRECTORY|IMAGE"), help: "The bundle (default: the working directory)"),
    id,
    Option("image", nil, .value("FILE"), help: "The image or root directory, instead of root.path"),
    Option(
      "env-file", nil, .value("FILE"),
      help: "Variables over the image's, instead of config.json's: records that end with NUL, or lines"),
    Option(
      "take-env-file", help: "Remove that file once it is read: Slurm 22.05 would leave it in its spool"),
    Option("bind", "B", .many("SOURCE[:TARGET[:OPTIONS]]"), help: "Show a path of the host in the container"),
    Option("pwd", nil, .value("DIRECTORY"), help: "The directory of the host to start in"),
    Option("spool", nil, .value("DIRECTORY"), help: "The step's directory below slurmd's (%m of oci.conf)"),
    bySlurm,
  ]

  /// What `apus-image` reads in config.json, in words.
  private static let readFromBundle: [Option] = [
    Option("bundle-read", help: "The words stand for the bundle's config.json", isHidden: true),
    Option("mount", nil, .many("FIELDS"), help: "A bind of the bundle", isHidden: true),
    Option("set", nil, .many("NAME=VALUE"), help: "A variable of the bundle", isHidden: true),
    Option("cwd", nil, .value("DIRECTORY"), help: "The working directory inside", isHidden: true),
    Option("umask", nil, .value("MODE"), help: "The file mode mask", isHidden: true),
    Option("hostname", nil, .value("NAME"), help: "The host name", isHidden: true),
    Option("annotation", nil, .many("NAME=VALUE"), help: "An annotation", isHidden: true),
  ]
}
