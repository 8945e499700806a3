/// The commands for who decides about a site's settings.
extension Commands {
  static let configuration: [Command] = [
    Command(
      ["config", "check"], "[FILE]", operands: 0...1,
      summary: "Say what is wrong with the site's settings, and how to mend it",
      description:
        "Reads etc/apus/apus.conf, or FILE, as a launch does, and says all that can be said of its lines: what would end "
        + "every launch, what is ignored, and what means nothing here. Exit code 1 when a launch would fail.",
      examples: ["apus config check", "apus config check new.conf && cp new.conf /etc/apus/apus.conf"],
      options: [json], mixesOptions: true),
    Command(
      ["config", "show"], "[KEY]", completes: .nothing,
      summary: "Print settings as they hold, and where each comes from",
      description:
        "Without a KEY: what the file sets. The output is a settings file, with the place of each line behind it.",
      examples: ["apus config show", "apus config show --all", "apus config show mount home"],
      options: [Option("all", "a", help: "Also what is not set, with the defaults"), json], mixesOptions: true
    ),
    Command(
      ["config", "import"], "FILE", operands: 1...1,
      summary: "Print the settings that an apptainer.conf asks for",
      description:
        "What means the same is kept. What means nothing here stands as comments, with the reason.",
      examples: ["apus config import /etc/apptainer/apptainer.conf > /etc/apus/apus.conf"], options: [],
      mixesOptions: true),
    Command(
      ["config", "fakeroot"], "USER", operands: 1...1, completes: .nothing,
      summary: "Give a user ids for --fakeroot, or take them away",
      description:
        "Changes /etc/subuid and /etc/subgid, for root. A range has 65536 ids that no line of either file has, from the "
        + "highest numbers on. Without a range root is the only user in a container of --fakeroot.",
      examples: ["apus config fakeroot --add ann"],
      options: [
        Option("add", "a", help: "Add a range for the user"),
        Option("remove", "r", help: "Remove all ranges of the user"),
        Option("enable", "e", help: "Let the user use the range again"),
        Option("disable", help: "Keep the range, and let nobody use it"),
      ], mixesOptions: true),
  ]
}
