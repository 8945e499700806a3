/// Commands for the administrator of a node.
extension Commands {
  static let configuration: [Command] = [
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
      ], mixesOptions: true)
  ]
}
