/// The table of all commands.
public enum Commands {
  public static let global: [Option] = [
    Option("debug", "d", variables: ["DEBUG"], help: "Say all that is done, and verbose besides"),
    Option("verbose", "v", variables: ["VERBOSE"], help: "Say more of what is done"),
    Option("quiet", "q", variables: ["QUIET"], help: "Say nothing but warnings and failures"),
    Option("silent", "s", variables: ["SILENT"], help: "Say nothing at all"),
    Option("nocolor", variables: ["NOCOLOR"], help: "No colour on a terminal"),
    Option(
      "config", "c", .value("FILE"), variables: ["CONFIG_FILE"],
      help: "Settings to read instead of etc/apus/apus.conf", refusesEmpty: true),
    Option("help", "h", help: "Explain a command and its options"),
    Option("version", help: "Print the version"),
  ]

  static let json = Option("json", "j", help: "Print JSON")

  public static let all: [Command] =
    actions + instances + images + [
      Command(
        ["doctor"], operands: 0...0, summary: "Say what this node offers containers, and what is missing",
        description:
          "Looks at everything Apus uses of this machine: user namespaces and what limits them, /dev/fuse, "
          + "overlay file systems, mount interfaces, subordinate ids, cgroups, binfmt_misc. For what is missing it "
          + "says what that costs and who can change it. Exit code 0 when images can be run, else 255.",
        options: [
          json, Option("apparmor-profile", help: "Print the AppArmor profile for this installation"),
        ],
        mixesOptions: true),
      Command(
        ["mounts"], operands: 0...0, summary: "List the image servers of this user",
        description:
          "One server per image and session holds a mount that all containers share. It leaves a few "
          + "seconds after the last of them has ended.",
        options: [json, Option("all", "a", help: "Also those of other sessions and jobs")], mixesOptions: true
      ),
      Command(["version"], operands: 0...0, summary: "Print the version"),
      Command(["help"], "[COMMAND...]", completes: .commands, summary: "Explain a command"),
      Command(
        ["completion"], "SHELL", operands: 1...1, completes: .words(["bash", "zsh", "fish"]),
        summary: "Print completions for bash, zsh or fish",
        examples: ["apus completion bash > ~/.local/share/bash-completion/completions/apus"]),
      Command(
        ["man"], "[COMMAND...]", summary: "Print the manual page of a command",
        options: [
          Option("markdown", help: "All commands as one Markdown page"),
          Option("list", help: "The words of every command that has a page, a line each"),
        ], mixesOptions: true, isHidden: true),
    ] + registries + caches + containers + slurm + configs

  public static func find(_ words: [String]) -> Command? {
    all.first { $0.path == words }
  }

  /// The commands below a word that is none itself, as `sif`.
  static func group(_ word: String, of commands: [Command]) -> [Command] {
    commands.filter { $0.path.count > 1 && $0.path[0] == word }
  }
}
