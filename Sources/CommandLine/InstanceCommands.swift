/// Containers in the background, by name.
extension Commands {
  static let instances: [Command] = [
    Command(
      ["instance", "start"], "IMAGE NAME [ARGUMENT...]", fewest: 2,
      summary: "Start an instance and its start script",
      description: imageForms + " " + instanceForms
        + " The image's start script runs in it; the arguments are handed to it.",
      examples: [
        "apus instance start --bind /data server.sif db", "apus exec instance://db status",
        "apus instance stop db",
      ], options: launchOfInstance),
    Command(
      ["instance", "run"], "IMAGE NAME [ARGUMENT...]", fewest: 2,
      summary: "Start an instance and the image's run script",
      description: imageForms + " " + instanceForms
        + " The image's run script runs in it; the arguments are handed to it.",
      examples: ["apus instance run server.sif db --port 5432"],
      options: launchOfInstance + [runScriptTimeout]),
    Command(
      ["instance", "list"], "[NAME]", operands: 0...1, completes: .nothing, summary: "List instances",
      description: "Those of the user on this node; NAME may be a pattern with * and ?.",
      options: [
        json, Option("logs", "l", help: "The files with their output instead of images"),
        Option("all", "a", help: "For scripts: all are listed in any case", isHidden: true), ofUser,
      ], mixesOptions: true),
    Command(
      ["instance", "stop"], "[NAME]", operands: 0...1, completes: .nothing, summary: "Stop instances",
      description:
        "Sends a signal to the programs of the instance, and kills what is left of it after the time-out. "
        + "NAME may be a pattern with * and ?.",
      examples: ["apus instance stop db", "apus instance stop --signal INT --timeout 60 'db*'"],
      options: [
        Option("signal", "s", .value("SIGNAL"), help: "The signal, by name or number (default: TERM)"),
        Option("timeout", "t", .value("SECONDS"), help: "How long to wait before it is killed (default: 10)"),
        Option("force", "F", help: "Kill it at once"),
        Option("all", "a", help: "All instances of the user on this node; none is no failure"), ofUser,
      ], mixesOptions: true),
    Command(
      ["instance", "stats"], "NAME", operands: 1...1, completes: .nothing,
      summary: "Show what an instance uses",
      description:
        "Processor, memory, transfers and processes of all that runs in the instance, added up from the processes: "
        + "no control group is needed. On a terminal it is shown anew every second.",
      options: [json, Option("no-stream", help: "Show it once"), ofUser], mixesOptions: true),
  ]

  private static let instanceForms = """
    An instance is a container in the background with processes of its own, which stays until it is stopped, whether or \
    not what was started in it has ended. Its output goes to files in ~/.apus/instances/logs. Others enter it by its \
    name: `apus exec instance://NAME COMMAND`, likewise run, shell and test.
    """

  private static let ofUser = Option(
    "user", "u", .value("USER"), help: "Whose, by name or number; root only")

  /// Of a launch, but for what takes the first process away.
  private static let launchOfInstance: [Option] =
    action.filter { $0.name != "no-init" } + [
      Option(
        "pid-file", nil, .value("FILE"), variables: ["PID_FILE"],
        help: "Write the number of its first process there", refusesEmpty: true),
      Option(
        "boot", variables: ["BOOT"], help: "Refused: services are started by the image's start script",
        isHidden: true),
    ]
}
